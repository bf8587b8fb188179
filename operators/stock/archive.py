"""Orders that nothing touches any more, packed: refunds may come for weeks, but few do.

An order as objects takes kilobytes and stands in two books. Once both say the same of it and it
is behind the lateness horizon, it is packed here, once for both, with what its effects can be
worked out from again; blocks of packed orders are compressed, some 25 bytes an order. An event
about such an order brings it back into the books.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import numpy as np

from operators.keyruns import KeyRuns, Run
from operators.stock.model import TAKE, Line, Mark, Order, Refund, take_key
from operators.stock.orders import effects_of, effects_of_all
from stream.ids import key64

BLOCK: Final = 1_024
"""Orders compressed together."""
FINAL_MS: Final = 2**62
"""At this watermark every reservation has lapsed."""
_LEVEL: Final = 6

_Mark = tuple[int, str, str, str, int | None, int | None]
"""As `Mark`, its time as so long before the order's last event."""
_Line = tuple[str, _Mark | None, _Mark | None, _Mark | None]
_Record = tuple[str, int, list[_Line], list[tuple[str, str, _Mark]]]
"""(order id, time of its last event, lines, refunds)."""
_RECORD: Final = msgspec.msgpack.Decoder(_Record)
_BLOCK: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])

Take = tuple[int, int]
"""As in `Pool.takes`."""


class Kept(msgspec.Struct):
    """What a snapshot holds: blocks, the newest event in each, keys and rows of the runs."""

    blocks: list[bytes] = []
    newest_ms: list[int] = []
    runs: list[tuple[bytes, bytes]] = []
    fresh: dict[str, bytes] = {}
    unpaid: dict[str, tuple[int, bytes]] = {}
    before_ms: int = -1


class Archive:
    """Packed orders of one group.

    `fresh` are those of the block to come, `unpaid` those a lapse will change: neither has left
    `Pool.takes`.
    """

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._kept = Kept()
        self._index = KeyRuns()
        self._takes: dict[str, tuple[int, dict[str, tuple[int, int, int]]]] = {}

    def put(self, order_id: str, order: Order, watermark_ms: int) -> bool:
        """Pack an order if its effects can be worked out again; whether it was."""
        if effects_of_all(order, watermark_ms, self._timeout_ms) != order.effects:
            return False
        final = effects_of_all(order, FINAL_MS, self._timeout_ms) == order.effects
        record = msgspec.msgpack.encode(_record(order_id, order))
        if final:
            self._kept.fresh[order_id] = record
        else:
            self._kept.unpaid[order_id] = (watermark_ms, record)
        return True

    def take_back(self, order_id: str) -> list[Order]:
        """The order twice, for both books, no longer here; [] if it is not."""
        kept = self._kept
        as_of_ms, record = FINAL_MS, kept.fresh.pop(order_id, None)
        if record is None:
            as_of_ms, record = kept.unpaid.pop(order_id, (FINAL_MS, None))
        if record is None:
            record = self._find(order_id)
        if record is None:
            return []
        return [self._order(_RECORD.decode(record), as_of_ms) for _ in range(2)]

    def is_unpaid(self, order_id: str) -> bool:
        """Whether it is here and a lapse will change it."""
        return order_id in self._kept.unpaid

    def pack(self) -> Iterator[tuple[str, str]]:
        """Compress what makes full blocks; gives (pool, line key) of takes that only blocks have.

        Line keys as in `Pool.takes`.
        """
        kept = self._kept
        while len(kept.fresh) >= BLOCK:
            ids = list(kept.fresh)[:BLOCK]
            records = [kept.fresh.pop(order_id) for order_id in ids]
            orders = [_RECORD.decode(record) for record in records]
            first = len(kept.blocks) * BLOCK
            keys = np.array([key64(order_id) for order_id in ids], np.uint64)
            self._index.add(keys, np.arange(first, first + BLOCK, dtype=np.int32))
            body = msgspec.msgpack.encode([msgspec.Raw(record) for record in records])
            kept.blocks.append(zlib.compress(body, _LEVEL))
            kept.newest_ms.append(max(last_ms for _, last_ms, _, _ in orders))
            for record in orders:
                for pool, line_key, _ in self._takes_of(record):
                    yield pool, line_key

    def takes(self, pool: str, limit: int) -> dict[str, Take]:
        """Takes of a pool that only blocks have, of the `limit` orders that took last.

        No other can be among the newest `limit`: units of paid lines are never given back.
        """
        kept = self._kept
        done, found = self._takes.get(pool, (0, {}))
        for block in range(done, len(kept.blocks)):
            for record in self._records(block):
                for name, line_key, (at_ms, units) in self._takes_of(record):
                    if name == pool:
                        found[line_key] = (at_ms, units, record[1])
        found = _newest({k: one for k, one in found.items() if one[2] >= kept.before_ms}, limit)
        self._takes[pool] = (len(kept.blocks), found)
        return {line_key: (at_ms, units) for line_key, (at_ms, units, _) in found.items()}

    def retire(self, before_ms: int) -> Iterator[tuple[str, str]]:
        """Forget orders whose last event was before a time; gives as `pack` what they took."""
        kept = self._kept
        kept.before_ms = before_ms
        loose = [(order_id, FINAL_MS, record) for order_id, record in kept.fresh.items()]
        loose += [(order_id, *one) for order_id, one in kept.unpaid.items()]
        for order_id, as_of_ms, packed in loose:
            record = _RECORD.decode(packed)
            if record[1] < before_ms:
                kept.fresh.pop(order_id, None)
                kept.unpaid.pop(order_id, None)
                for key, effect in self._order(record, as_of_ms).effects.items():
                    if effect[0] == TAKE:
                        yield effect[1], take_key(key, order_id)
        self._drop_blocks(before_ms)

    def _drop_blocks(self, before_ms: int) -> None:
        """Empty the blocks that are too old; the first of all go."""
        kept = self._kept
        gone = [n for n, at in enumerate(kept.newest_ms) if at < before_ms and kept.blocks[n]]
        for block in gone:
            kept.blocks[block] = b""
        if not gone:
            return
        self._index.keep(np.repeat(np.array([bool(block) for block in kept.blocks]), BLOCK))
        first = next((n for n, block in enumerate(kept.blocks) if block), len(kept.blocks))
        self._index.drop(first * BLOCK)
        del kept.blocks[:first], kept.newest_ms[:first]
        self._takes = {
            pool: (max(done - first, 0), found) for pool, (done, found) in self._takes.items()
        }

    def snapshot(self) -> Kept:
        """Plain data."""
        runs = [(keys.tobytes(), rows.tobytes()) for keys, rows in self._index.runs]
        return msgspec.structs.replace(self._kept, runs=runs)

    def restore(self, kept: Kept) -> None:
        """Take a snapshot."""
        self._kept, self._takes = msgspec.structs.replace(kept, runs=[]), {}
        self._index.runs = [_run(keys, rows) for keys, rows in kept.runs]

    def _find(self, order_id: str) -> bytes | None:
        if not self._index.runs:
            return None
        row = int(self._index.find(np.array([key64(order_id)], np.uint64))[0])
        if row < 0:
            return None
        record = bytes(_BLOCK.decode(zlib.decompress(self._kept.blocks[row // BLOCK]))[row % BLOCK])
        found_id, last_ms, _, _ = _RECORD.decode(record)
        return record if found_id == order_id and last_ms >= self._kept.before_ms else None

    def _records(self, block: int) -> list[_Record]:
        packed = self._kept.blocks[block]
        raws = _BLOCK.decode(zlib.decompress(packed)) if packed else []
        return [_RECORD.decode(raw) for raw in raws]

    def _order(self, record: _Record, watermark_ms: int) -> Order:
        order = _unpacked(record)
        order.effects = effects_of_all(order, watermark_ms, self._timeout_ms)
        return order

    def _takes_of(self, record: _Record) -> Iterator[tuple[str, str, Take]]:
        """(pool, line key, take) of a final order."""
        order = _unpacked(record)
        for line_id in order.lines:
            for key, effect in effects_of(order, line_id, FINAL_MS, self._timeout_ms).items():
                if effect[0] == TAKE:
                    yield effect[1], take_key(key, record[0]), (effect[3], effect[4])


def _record(order_id: str, order: Order) -> _Record:
    last_ms = order.last_ms

    def packed(mark: Mark | None, event_id: str = "") -> _Mark | None:
        if mark is None:
            return None
        ago_ms = last_ms - mark.ms
        return ago_ms, event_id, mark.pool, mark.room, mark.units, mark.amount_minor

    lines: list[_Line] = []
    for line_id, line in order.lines.items():
        one, other = line.created, line.paid
        # Behind the horizon no event can be earlier; ids only settle which of the two was first.
        same = one is not None and other is not None and one.ms == other.ms
        ids = [mark.event_id if same and mark is not None else "" for mark in (one, other)]
        lines.append((line_id, packed(one, ids[0]), packed(other, ids[1]), packed(line.cancelled)))
    refunds = [
        (key, refund.line_id, mark)
        for key, refund in order.refunds.items()
        if (mark := packed(refund.mark)) is not None
    ]
    return order_id, last_ms, lines, refunds


def _unpacked(record: _Record) -> Order:
    """The order without its effects."""
    _, last_ms, lines, refunds = record

    def mark(packed: _Mark) -> Mark:
        return Mark(last_ms - packed[0], *packed[1:])

    return Order(
        lines={
            line_id: Line(*(None if one is None else mark(one) for one in marks))
            for line_id, *marks in lines
        },
        refunds={key: Refund(line_id, mark(one)) for key, line_id, one in refunds},
        last_ms=last_ms,
    )


def _newest(
    takes: Mapping[str, tuple[int, int, int]], limit: int
) -> dict[str, tuple[int, int, int]]:
    """The takes of the `limit` orders that took last."""
    if len(takes) <= limit:
        return dict(takes)
    kept: dict[str, tuple[int, int, int]] = {}
    orders: set[str] = set()
    for key in sorted(takes, key=lambda one: (takes[one][0], one), reverse=True):
        order_id = key.partition("|")[2]
        if len(orders) >= limit and order_id not in orders:
            break
        orders.add(order_id)
        kept[key] = takes[key]
    return kept


def _run(keys: bytes, rows: bytes) -> Run:
    return np.frombuffer(keys, np.uint64), np.frombuffer(rows, np.int32)
