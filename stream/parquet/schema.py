"""The columns of a Parquet recording, and the library that reads and writes them.

Three columns are there for the replay, and a row has the first two or the third:

- `profile`: JSON array of the fields that few events differ in (`PROFILE`), so that one look
  into a dictionary tells a row's type, place and traits;
- `event_hash`: XXH3 of the event id;
- `line`: the line as it was, without its line end, of rare types (`OBJECT_TYPES`) and of whatever
  is no usable event, so that both are judged as in NDJSON.

The rest are the fields of an event, for SQL; `user_id` stands as the 64-bit number it is.
"""

import importlib
from typing import Any, Final

from operators.profiles import TRAITS
from stream.errors import ConfigError
from stream.events import FIELDS, Kind

VERSION: Final = "1"
MARK: Final = b"liveroom.recording"
"""Key of the file's metadata; its value is `VERSION`."""
LAYOUT: Final = b"liveroom.profile"
"""Key of the names in a `profile`, with commas between; another layout is told by lines."""

PROFILE: Final = ("source", "type", "tenant", "group", "room_id", *TRAITS, "identity")
"""The fields of `operators.profiles.profile_of`, in its order."""

USER: Final = "user_hash"
REPLAYED: Final = ("profile", "event_hash", "line", "event_time_ms", USER, "product_id", "qty")
"""What a replay reads."""

ROWS_A_GROUP: Final = 32_768
GROUP_BYTES: Final = 64 << 20
"""A row group ends at either bound; lines up to 64 KB must not add up to what 32 bits count."""

_PLAIN: Final = frozenset({"event_id", "order_id", "line_id", "refund_id", "title", "text"})
DICTIONARIES: Final = (
    "profile",
    *(
        field.name
        for field in FIELDS
        if field.kind not in (Kind.INT, Kind.TIME, Kind.USER) and field.name not in _PLAIN
    ),
)
"""Columns of few different texts."""


def arrow() -> Any:
    """The module pyarrow, with its submodule `parquet` loaded.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError as error:
        expected = "pip install 'liveroom[reports]' first: Parquet needs pyarrow"
        raise ConfigError("format", "parquet", expected) from error


def schema(pa: Any) -> Any:
    """The columns with their types, in order."""
    columns = [("profile", pa.string()), ("event_hash", pa.uint64()), ("line", pa.binary())]
    for field in FIELDS:
        if field.kind is Kind.USER:
            columns.append((USER, pa.uint64()))
        elif field.kind in (Kind.INT, Kind.TIME):
            columns.append((field.name, pa.int64()))
        else:
            columns.append((field.name, pa.string()))
    return pa.schema(columns, metadata={MARK: VERSION, LAYOUT: ",".join(PROFILE)})
