"""The results file: one JSON object a row, keys sorted, rows in one order.

Bytes depend on the rows alone: this file is what "same bytes on every replay" is said of.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from operators.results import Row

Key = tuple[int, str, str, str, str, str, str, str, int]

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def sort_key(row: Row) -> Key:
    """(end_ms, kind, tenant, group, room_id, dimension, key, window, revision); null first."""
    return (
        row.end_ms,
        row.kind,
        row.tenant,
        row.group,
        row.room_id or "",
        row.dimension,
        row.key or "",
        row.window,
        row.revision,
    )


def encode_row(row: Row) -> bytes:
    """One row as one line."""
    return orjson.dumps(
        {
            "kind": row.kind,
            "tenant": row.tenant,
            "group": row.group,
            "room_id": row.room_id,
            "dimension": row.dimension,
            "key": row.key,
            "window": row.window,
            "start_ms": row.start_ms,
            "end_ms": row.end_ms,
            "final": row.final,
            "revision": row.revision,
            **row.body,
        },
        option=_OPTIONS,
    )


def sorted_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """The lines of a results file."""
    keyed = sorted(((sort_key(row), encode_row(row)) for row in rows), key=lambda item: item)
    return (line for _, line in keyed)
