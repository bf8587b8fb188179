"""The peer of the fold: what one writes first with Bytewax, a dict per event.

One JSON object a line, keyed by room, one-minute tumbling windows of `fold_window`: events,
paid orders, GMV and the sets of viewers and payers.

`run(path, splits=False)` does that by room alone: a tenth of the work of the first catalogue.
`splits=True` does it by room, product, channel, host, segment, campaign and platform, as the
first catalogue does; still for one window of our five, without presence, boards and stock.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import bytewax.testing
import orjson
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition

Fields = dict[str, Any]
# Bytewax leaves it without types.
_run_main: Callable[[Dataflow], None] = bytewax.testing.run_main
BATCH_LINES = 1_000


class _Lines(StatelessSourcePartition[bytes]):
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def next_batch(self) -> list[bytes]:
        batch = [line for line, _ in zip(self._file, range(BATCH_LINES), strict=False)]
        if not batch:
            raise StopIteration
        return batch

    def close(self) -> None:
        self._file.close()


class _FileSource(DynamicSource[bytes]):
    def __init__(self, path: Path) -> None:
        self._path = path

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Lines:
        return _Lines(self._path)


class _RowCounter(DynamicSink[bytes], StatelessSinkPartition[bytes]):
    def __init__(self) -> None:
        self.count = 0

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_RowCounter":
        return self

    def write_batch(self, items: list[bytes]) -> None:
        self.count += len(items)


SPLITS = ("channel", "host_id", "segment", "campaign_id", "platform")


def _by_room(line: bytes) -> Iterator[tuple[str, Fields]]:
    event: Fields = orjson.loads(line)
    if "room_id" in event:
        yield event["tenant"] + "/" + event["room_id"], event


def _by_all(line: bytes) -> Iterator[tuple[str, Fields]]:
    event: Fields = orjson.loads(line)
    if "room_id" in event:
        room = event["tenant"] + "/" + event["room_id"]
        yield room, event
        if "product_id" in event:
            yield f"{room}|product|{event['product_id']}", event
        for split in SPLITS:
            yield f"{room}|{split}|{event.get(split, 'unknown')}", event


def _empty() -> Fields:
    return {"events": 0, "orders": set(), "gmv": 0, "viewers": set(), "payers": set()}


def _add(row: Fields, event: Fields) -> Fields:
    row["events"] += 1
    if event["type"] == "enter":
        row["viewers"].add(event["user_id"])
    elif event["type"] == "order_paid":
        row["gmv"] += event["amount_minor"]
        row["orders"].add(event["order_id"])
        row["payers"].add(event["user_id"])
    return row


def _merge(left: Fields, right: Fields) -> Fields:
    return {
        name: left[name] + right[name] if isinstance(left[name], int) else left[name] | right[name]
        for name in left
    }


def _row(item: tuple[str, tuple[int, Fields]]) -> bytes:
    key, (window, row) = item
    viewers, payers = len(row["viewers"]), len(row["payers"])
    return orjson.dumps(
        {
            "room": key,
            "window": window,
            "events": row["events"],
            "view_uv": viewers,
            "orders_paid": len(row["orders"]),
            "gmv_paid": row["gmv"],
            "pay_uv": payers,
            "cvr_view": payers / viewers if viewers else None,
        }
    )


def _time_of(event: Fields) -> datetime:
    return datetime.fromtimestamp(event["event_time_ms"] / 1_000, UTC)


def run(path: Path, *, splits: bool = False) -> int:
    """Fold a recording in one worker of this process; gives the number of rows."""
    clock = win.EventClock(_time_of, wait_for_system_duration=timedelta(seconds=2))
    windower = win.TumblingWindower(
        length=timedelta(minutes=1), align_to=datetime(2020, 1, 1, tzinfo=UTC)
    )
    rows = _RowCounter()
    flow = Dataflow("naive")
    lines = op.input("in", flow, _FileSource(path))
    keyed = op.flat_map("parse", lines, _by_all if splits else _by_room)
    folded = win.fold_window("minute", keyed, clock, windower, _empty, _add, _merge)
    op.output("out", op.map("row", folded.down, _row), rows)
    _run_main(flow)
    return rows.count
