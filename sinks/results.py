"""The results file: one JSON object a row, keys sorted, rows in one order.

Bytes depend on the rows alone: this file is what "same bytes on every replay" is said of.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
import orjson

from operators.results import Row
from operators.row_blocks import MetricRows, Place, RowSeq

Key = tuple[int, str, str, str, str, str, str, str, int]

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


class OrderedLine(msgspec.Struct):
    """The fields that order rows, read from a line."""

    end_ms: int
    kind: str
    tenant: str
    group: str
    room_id: str | None
    dimension: str
    key: str | None
    window: str
    revision: int


def sort_key(row: Row | OrderedLine) -> Key:
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


def encode_rows(rows: Iterable[Row]) -> Iterator[bytes]:
    """Rows as lines, in their order. Blocks of a `RowSeq` are written column by column."""
    for part in rows.parts if isinstance(rows, RowSeq) else rows:
        if isinstance(part, MetricRows):
            yield from _encode_block(part)
        else:
            yield encode_row(part)


def sorted_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """The lines of a results file."""
    parts = rows.parts if isinstance(rows, RowSeq) else rows
    keyed: list[tuple[Key, bytes]] = []
    for part in parts:
        if isinstance(part, MetricRows):
            keyed += zip(_block_keys(part), _encode_block(part), strict=True)
        else:
            keyed.append((sort_key(part), encode_row(part)))
    keyed.sort()
    return (line for _, line in keyed)


def _block_keys(block: MetricRows) -> Iterator[Key]:
    dimension, window = block.layout.dimension, block.layout.window
    rows = zip(block.places, block.end_ms.tolist(), block.revision.tolist(), strict=True)
    for at, end_ms, revision in rows:
        where = at.tenant, at.group, at.room_id or "", dimension, at.key or ""
        yield end_ms, "metric", *where, window, revision


def _encode_block(block: MetricRows) -> Iterator[bytes]:
    """Lines of a block; the same bytes as `encode_row` of each of its rows."""
    layout = block.layout
    dimension, window = orjson.dumps(layout.dimension), orjson.dumps(layout.window)
    rows = zip(
        block.places,
        block.start_ms.tolist(),
        block.end_ms.tolist(),
        block.revision.tolist(),
        layout.text.objects(block.num, block.den),
        strict=True,
    )
    nulls = block.nulls()
    for place, (at, start_ms, end_ms, revision, metrics) in enumerate(rows):
        group, key, room, number, tenant = _names(at)
        if place in nulls:
            metrics += b',"nulls":' + orjson.dumps(nulls[place])
        yield (
            b'{"dimension":%b,"end_ms":%d,"final":true,"group":%b,"key":%b,"kind":"metric",'
            b'"metrics":%b,"revision":%d,"room_id":%b,"session_number":%b,"start_ms":%d,'
            b'"tenant":%b,"window":%b}\n'
            % (
                *(dimension, end_ms, group, key, metrics, revision, room, number),
                *(start_ms, tenant, window),
            )
        )


def _names(at: Place) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """Group and interval, key, room, session number and tenant as JSON."""
    interval = b""
    if at.interval is not None:
        interval = b',"interval_end_ms":%d,"interval_start_ms":%d' % at.interval[::-1]
    return (
        _quoted(at.group) + interval,
        _quoted(at.key),
        _quoted(at.room_id),
        _quoted(at.session_number),
        _quoted(at.tenant),
    )


@lru_cache(maxsize=16_384)
def _quoted(value: str | int | None) -> bytes:
    """A name or number as JSON; the same few come again and again.

    Not by orjson, which leaves 4 KiB behind each result for as long as it is kept.
    """
    return msgspec.json.encode(value)
