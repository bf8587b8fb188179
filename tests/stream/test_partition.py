"""One shard as a running thing, over a log in memory."""

from collections import deque
from collections.abc import Iterable

import pytest

from operators.results import Output, Row
from operators.shard import Record
from sinks.log import START, Log, LogGap, LogRecord, Position
from stream.errors import StateError
from stream.partition import Partition, log_ms, version_of
from tests.operators.one_room import event, quiet_shard, tick, ticks


class MemoryLog:
    """A log of one shard in memory; `pop` gives at most `batch` entries."""

    healthy = True

    def __init__(self, entries: Iterable[LogRecord | LogGap], batch: int = 100) -> None:
        self.entries = list(entries)
        self.batch = batch
        self.queue: deque[LogRecord | LogGap] = deque()
        self.started: list[Position] = []
        self.removed: list[int] = []
        self.trimmed: list[tuple[int, str, int]] = []

    def add(self, shard: int, position: Position = START) -> None:
        self.started.append(position)
        self.queue = deque(
            one for one in self.entries if isinstance(one, LogGap) or one.n > position.n
        )

    def remove(self, shard: int) -> None:
        self.removed.append(shard)

    def pop(self, shard: int, max_bytes: int) -> list[LogRecord | LogGap]:
        return [self.queue.popleft() for _ in range(min(self.batch, len(self.queue)))]

    def wait(self, timeout_s: float) -> bool:
        return bool(self.queue)

    def trim(
        self, shard: int, durable_id: str, now_ms: int, age_ms: int, *, fence: int = 0
    ) -> None:
        self.trimmed.append((shard, durable_id, age_ms))

    def close(self) -> None:
        self.queue.clear()


class Clock:
    """Stands in for the module `time`: only the test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    def time(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("stream.partition.time", clock)
    return clock


def entries(lines: list[bytes], size: int = 1) -> list[LogRecord]:
    return [
        LogRecord(f"{1_700_000_000_000 + start}-0", number, b"".join(lines[start : start + size]))
        for number, start in enumerate(range(0, len(lines), size), 1)
    ]


LINES = [
    tick(0),
    *(event("enter", at, at, at % 9) for at in range(0, 1_000, 50)),
    *ticks(1, 30),
    *(event("comment", 30_000 + at, 30_000 + at, at % 5, text="hi") for at in range(0, 900, 90)),
    *ticks(31, 70),
]


def drained(partition: Partition, times: int) -> list[tuple[bool, Output]]:
    return [pair for _ in range(times) for pair in partition.next_batch()]


def rows_of(pairs: list[tuple[bool, Output]]) -> list[Row]:
    return [row for _, output in pairs for row in output.rows]


def straight_rows() -> list[Row]:
    shard = quiet_shard()
    records = [Record(version_of(one.id), 0, one.body) for one in entries(LINES)]
    return [row for output in shard.step(records) for row in output.rows]


def test_the_fake_is_a_log() -> None:
    log: Log = MemoryLog([])
    assert log.healthy


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_rows_are_those_of_the_shard_however_the_log_hands_out_entries(
    clock: Clock, batch: int
) -> None:
    partition = Partition(3, MemoryLog(entries(LINES), batch), quiet_shard)
    rows = rows_of(drained(partition, len(LINES)))
    assert rows == straight_rows()
    assert rows
    assert partition.position == Position(entries(LINES)[-1].id, len(LINES))


def test_a_successor_goes_on_after_the_snapshot_with_the_same_rows(clock: Clock) -> None:
    first = Partition(0, MemoryLog(entries(LINES), 1), quiet_shard)
    rows = rows_of(drained(first, 40))
    saved = first.snapshot()
    drained(first, 5)
    log = MemoryLog(entries(LINES), 1)
    second = Partition(0, log, quiet_shard, saved=saved)
    assert log.started == [Position(entries(LINES)[39].id, 40)]
    rows += rows_of(drained(second, len(LINES)))
    assert rows == straight_rows()


def test_only_what_a_durable_snapshot_reflects_may_be_trimmed(clock: Clock) -> None:
    log = MemoryLog(entries(LINES), 10)
    partition = Partition(2, log, quiet_shard, in_age_ms=5_000)
    partition.snapshot()
    drained(partition, 1)
    assert log.trimmed == []
    partition.snapshot()
    assert log.trimmed == []
    drained(partition, 3)
    assert log.trimmed == [(2, entries(LINES)[9].id, 5_000)]


def test_a_gap_is_counted_and_the_log_goes_on(clock: Clock) -> None:
    records = entries(LINES, 5)
    log = MemoryLog([*records[:4], LogGap(3, "trimmed"), *records[7:], LogGap(None, "restarted")])
    partition = Partition(0, log, quiet_shard)
    drained(partition, 3)
    counters = partition.shard.state.counters
    assert (counters["log_gaps"], counters["log_lost"]) == (2, 3)
    assert partition.position.n == records[-1].n


def test_the_first_flush_goes_out_empty_and_the_next_only_after_something_came(
    clock: Clock,
) -> None:
    log = MemoryLog([])
    partition = Partition(0, log, quiet_shard, flush_interval_ms=50)
    ((whole, output),) = partition.next_batch()
    assert (whole, output.patches, output.version) == (False, (), "")
    clock.now_s += 10
    assert partition.next_batch() == []
    log.queue.extend(entries(LINES[:21], 21))
    (flushed,) = [output for _, output in partition.next_batch() if output.patches]
    assert flushed.as_of_ms == 1_700_000_000_000
    assert flushed.version == version_of("1700000000000-0")


def test_flushes_keep_their_interval(clock: Clock) -> None:
    log = MemoryLog(entries(LINES[:30]), 1)
    partition = Partition(0, log, quiet_shard, flush_interval_ms=50)
    flushed = []
    for _ in range(20):
        clock.now_s += 0.01
        flushed.append(any(output.patches for _, output in partition.next_batch()))
    assert 3 <= sum(flushed) <= 4


def test_a_new_output_epoch_sends_all_live_state_again(clock: Clock) -> None:
    epochs = ["a"]

    def ask(_: int) -> str | None:
        return epochs[-1] or None

    partition = Partition(0, MemoryLog(entries(LINES[:21])), quiet_shard, epoch=ask)
    before = drained(partition, 2)
    assert not any(whole for whole, _ in before)
    fields = {patch.channel: dict(patch.fields) for _, out in before for patch in out.patches}
    for epoch in ("", "a"):
        epochs.append(epoch)
        clock.now_s += 2
        assert not any(whole for whole, _ in partition.next_batch())
    epochs.append("b")
    clock.now_s += 2
    ((whole, output),) = partition.next_batch()
    assert whole
    assert {patch.channel: dict(patch.fields) for patch in output.patches} == fields


def test_closing_stops_reading(clock: Clock) -> None:
    log = MemoryLog([])
    Partition(4, log, quiet_shard).close()
    assert log.removed == [4]


def test_state_of_another_version_is_refused_with_a_remedy() -> None:
    with pytest.raises(StateError, match="another version"):
        Partition(0, MemoryLog([]), quiet_shard, saved=b"\xff\xff")


def test_versions_sort_like_the_log() -> None:
    ids = ["5-0", "5-2", "5-10", "12-0", "1700000000000-0", "1700000000000-11"]
    versions = [version_of(entry) for entry in ids]
    assert versions == sorted(versions)
    assert version_of("7") == version_of("7-0")
    assert log_ms("1700000000000-11") == 1_700_000_000_000
