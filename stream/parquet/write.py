"""NDJSON chunks into a Parquet recording."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import msgspec
import xxhash

from operators.columns import OBJECT_TYPES, ColumnReader
from operators.profiles import Names, profile_of
from stream.codec import decode, decode_line
from stream.errors import ConfigError
from stream.events import FIELDS, Event, Kind
from stream.parquet.schema import (
    DICTIONARIES,
    GROUP_BYTES,
    ROWS_A_GROUP,
    USER,
    arrow,
    schema,
)
from stream.validate import reject_reason, user_fits

_INTS: Final = tuple(field.name for field in FIELDS if field.kind in (Kind.INT, Kind.TIME))
_INT64: Final = 2**63
_numbers: Final = attrgetter(*_INTS)
_encode_profile: Final = msgspec.json.Encoder().encode


def write_parquet(chunks: Iterable[bytes], out: Path) -> int:
    """Write a recording; the file is there only once it is complete.

    Args:
        chunks: NDJSON in log order with ticks, as `stream.formats.read_events` gives it.
        out: a file that does not exist yet.

    Returns:
        How many lines it holds, ticks included.

    Raises:
        ConfigError: pyarrow is missing, or the file exists or cannot be made.
    """
    check_new(out)
    pa = arrow()
    half = out.with_name(out.name + ".part")
    written = 0
    try:
        with pa.parquet.ParquetWriter(
            half,
            schema(pa),
            compression="zstd",
            use_dictionary=list(DICTIONARIES),
            dictionary_pagesize_limit=16 << 20,
        ) as file:
            for lines in _groups(chunks):
                file.write_table(table_of(pa, lines), row_group_size=len(lines))
                written += len(lines)
        half.rename(out)
    except OSError as error:
        raise ConfigError("out", str(out), f"a writable file ({error.strerror})") from error
    finally:
        half.unlink(missing_ok=True)
    return written


def check_new(out: Path) -> None:
    """Refuse what cannot become a recording before anything is read.

    Raises:
        ConfigError: pyarrow is missing, or the file exists, or its folder does not.
    """
    arrow()
    if out.exists() or not out.parent.is_dir():
        raise ConfigError("out", str(out), "a new file in a folder that exists")


def _groups(chunks: Iterable[bytes]) -> Iterable[list[bytes]]:
    """Lines without line ends, as many as a row group takes."""
    group: list[bytes] = []
    size = 0
    for chunk in chunks:
        for line in chunk.split(b"\n"):
            if line.strip():
                group.append(line)
                size += len(line)
                if len(group) == ROWS_A_GROUP or size > GROUP_BYTES:
                    yield group
                    group, size = [], 0
    if group:
        yield group


def table_of(pa: Any, lines: Sequence[bytes]) -> Any:
    """One row a line, see `schema`."""
    events = _events(lines)
    columns: dict[str, Sequence[object]] = {
        "profile": [
            None if _told_by_line(event) else _encode_profile(profile_of(event)).decode()
            for event in events
        ],
        "event_hash": [
            None if event is None else xxhash.xxh3_64_intdigest(event.event_id.encode())
            for event in events
        ],
        "line": [
            line if _told_by_line(event) else None
            for line, event in zip(lines, events, strict=True)
        ],
    }
    for field in FIELDS:
        values = [None if event is None else getattr(event, field.name) for event in events]
        if field.kind is Kind.USER:
            columns[USER] = [None if text is None else int(text, 16) for text in values]
        else:
            columns[field.name] = values
    return pa.table(columns, schema=schema(pa))


def _told_by_line(event: Event | None) -> bool:
    return event is None or event.type in OBJECT_TYPES


def _events(lines: Sequence[bytes]) -> list[Event | None]:
    """The event of each line; None for what no row of columns can say."""
    found, rejected = decode(b"\n".join(lines))
    if not rejected and len(found) == len(lines) and _all_sayable(found):
        return list(found)
    single = [decode_line(line) for line in lines]
    return [event if isinstance(event, Event) and _sayable(event) else None for event in single]


def _all_sayable(events: list[Event]) -> bool:
    """`_sayable` of all at once: true for nearly every stretch of a recording."""
    _, failed = ColumnReader(Names()).read(events)
    users = [event.user_id for event in events if event.user_id is not None]
    return not failed and all(map(user_fits, users)) and all(map(_numbers_fit, events))


def _sayable(event: Event) -> bool:
    """Whether the event is usable, and its numbers and viewer fit their columns."""
    user_fine = event.user_id is None or user_fits(event.user_id)
    return user_fine and _numbers_fit(event) and reject_reason(event) is None


def _numbers_fit(event: Event) -> bool:
    return all(value is None or -_INT64 <= value < _INT64 for value in _numbers(event))
