"""A shard as a running thing: what a resumed one does again, and what is said of it once."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import stream.freezer
import stream.partition
from operators.results import Output
from operators.shard import Shard
from simulators.api import SimulationPlan, simulate_lines
from simulators.plan import HARD_DISORDER
from sinks.log import START, LogGap, LogRecord, Position
from sinks.results import encode_row
from stream.errors import StateError
from stream.options import make_shard
from stream.pace import Budget, Pace
from stream.partition import OutputState, Partition
from stream.settings import Settings
from stream.state_files import StateFiles
from tests.operators.one_room import event, tick


class ListLog:
    """A log in memory: `pop` gives at most `most` records a call."""

    def __init__(self, records: list[LogRecord], most: int = 3) -> None:
        self.records = records
        self.most = most
        self.trims: list[str] = []
        self._at: dict[int, int] = {}

    @property
    def healthy(self) -> bool:
        """Return True."""
        return True

    def add(self, shard: int, position: Position = START) -> None:
        """Read after `position`."""
        self._at[shard] = position.n

    def remove(self, shard: int) -> None:
        """Stop reading."""

    def pop(self, shard: int, max_bytes: int) -> list[LogRecord | LogGap]:
        """Return the next records."""
        at = self._at[shard]
        found = self.records[at : at + self.most]
        self._at[shard] = at + len(found)
        return list(found)

    def wait(self, timeout_s: float) -> bool:
        """Return whether anything is left."""
        return True

    def trim(
        self, shard: int, durable_id: str, now_ms: int, age_ms: int, *, fence: int = 0
    ) -> None:
        """Note it."""
        self.trims.append(durable_id)

    def close(self) -> None:
        """Nothing."""


Start = Callable[..., Partition]


@pytest.fixture(scope="module")
def records() -> list[LogRecord]:
    """Return a short session as log entries of one chunk each."""
    plan = SimulationPlan(rooms=2, minutes=4, rate=10, disorder=HARD_DISORDER)
    chunks = [chunk.lines for chunk in simulate_lines(plan)]
    bodies = [b"\n".join(part) for chunk in chunks for part in _parts(chunk.splitlines())]
    return [LogRecord(f"{1_000 + n}-0", n, body) for n, body in enumerate(bodies, 1)]


def _parts(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), 20):
        yield lines[start : start + 20]


@pytest.fixture
def start(tmp_path: Path, records: list[LogRecord]) -> Start:
    """Return a function that starts a partition on the session, resumed if state is given."""

    def build() -> Shard:
        return make_shard(0, Settings())

    def start(saved: bytes | None = None, log: ListLog | None = None) -> Partition:
        files = StateFiles(tmp_path, 0)
        seen = OutputState("epoch", len(records) - 6)
        log = log or ListLog(records)
        # No pause between flushes: what a call gives must not depend on the machine's speed.
        free = Budget(1e9)
        pace = Pace(0, free), Pace(0, free)
        return Partition(0, log, build, saved=saved, pace=pace, files=files, ask=lambda shard: seen)

    return start


@pytest.fixture
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every state for a large one that is not frozen again until it must be."""
    monkeypatch.setattr(stream.freezer, "INLINE_BYTES", 0)
    monkeypatch.setattr(stream.freezer, "FREEZE_DUTY", 1e-9)
    monkeypatch.setattr(stream.freezer, "REFOLD_S", 1e9)


def rows(outputs: list[Output]) -> list[bytes]:
    """Return the rows of outputs in the order of their making."""
    return [encode_row(row) for output in outputs for row in output.rows]


def said_last(partition: Partition) -> list[Output]:
    """Return what is said before an orderly stop."""
    return list(iter(partition.last_flush, None))


def advance(partition: Partition, calls: int) -> list[Output]:
    """Return what so many calls give."""
    return [output for _ in range(calls) for _, output in partition.next_batch()]


def test_a_state_is_frozen_each_epoch_that_its_share_of_time_allows(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.freezer, "FREEZE_DUTY", 1e9)
    monkeypatch.setattr(stream.freezer, "WRITE_BYTES_PER_S", 1e12)
    partition = start()
    advance(partition, 5)
    first = partition.snapshot()
    advance(partition, 5)
    assert partition.snapshot() != first
    assert partition.shard.version


@pytest.mark.usefixtures("always_large")
def test_between_two_freezes_the_snapshot_is_the_one_before(start: Start) -> None:
    partition = start()
    advance(partition, 5)
    first = partition.snapshot()
    advance(partition, 5)
    assert partition.snapshot() == first


@pytest.mark.usefixtures("always_large")
def test_the_snapshot_after_an_orderly_stop_is_the_last_state(start: Start) -> None:
    partition = start()
    advance(partition, 5)
    first = partition.snapshot()
    advance(partition, 5)
    said_last(partition)
    last = partition.snapshot()
    assert last != first
    assert start(last).position == partition.position


@pytest.mark.usefixtures("always_large")
def test_a_resumed_shard_makes_the_same_rows_again_and_counts_them(
    start: Start, records: list[LogRecord]
) -> None:
    calls = len(records) // 3 + 1
    whole = rows(advance(start(), calls))
    first = start()
    before = advance(first, calls // 3)
    saved = first.snapshot()
    lost = advance(first, calls // 3)
    assert first.snapshot() == saved
    again = advance(start(saved), calls)
    assert rows(before) + rows(again) == whole
    assert len(rows(lost)) > 0
    for output in (*before, *again):
        made = output.counters["rows"] if output.rows else 0
        assert rows([output]) == whole[made - len(output.rows) : made]


@pytest.mark.usefixtures("always_large")
def test_the_log_is_trimmed_only_to_what_is_frozen(start: Start, records: list[LogRecord]) -> None:
    log = ListLog(records)
    partition = start(log=log)
    advance(partition, 4)
    frozen = partition.position.id
    for _ in range(3):
        partition.snapshot()
        advance(partition, 2)
    assert set(log.trims) == {frozen}


def fields(outputs: list[Output]) -> set[tuple[str, str]]:
    """Return what the patches of outputs name, but for the history of minutes."""
    return {
        (patch.channel, name)
        for output in outputs
        for patch in output.patches
        for name in patch.fields
        if not patch.channel.startswith("hist:")
    }


@pytest.mark.usefixtures("always_large")
def test_past_what_a_predecessor_saw_all_is_said_again(
    start: Start, records: list[LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.partition, "SEEN_CHECK_S", 0.0)
    monkeypatch.setattr(stream.partition, "GLIMPSE_S", 1e9)
    first = start()
    advance(first, 10)
    resumed = start(first.snapshot())
    calls = len(records) // 3 - 10
    assert not fields(advance(resumed, calls - 3))
    late = advance(resumed, 8)
    whole = {(c, f) for c, f in fields([resumed.resend()])}
    assert len(whole) > 100
    assert fields(late) >= whole


@pytest.mark.usefixtures("always_large")
def test_while_a_state_is_written_the_snapshot_before_stands(
    start: Start, records: list[LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.freezer, "REFOLD_S", 0.0)
    writing = Event()
    written = stream.freezer._written

    def slowly(*given: Any) -> stream.freezer.Written:
        assert writing.wait(60.0)
        return written(*given)

    partition = start()
    advance(partition, 5)
    first, at = partition.snapshot(), partition.position
    advance(partition, 5)
    monkeypatch.setattr(stream.freezer, "_written", slowly)
    copied_at = partition.position
    assert partition.snapshot() == first
    advance(partition, 5)
    assert partition.snapshot() == first
    assert start(first).position == at
    writing.set()
    while (second := partition.snapshot()) == first:
        pass
    resumed = start(second)
    assert resumed.position == copied_at != partition.position
    # What was folded while it was written is in no part of it.
    whole, again = (rows(advance(one, len(records))) for one in (start(), resumed))
    assert again
    assert again == whole[-len(again) :]


def test_before_an_orderly_stop_a_resumed_shard_says_all(start: Start) -> None:
    first = start()
    advance(first, 10)
    resumed = start(first.snapshot())
    advance(resumed, 3)
    assert fields(said_last(resumed)) >= fields([resumed.resend()])


def test_an_answer_is_said_without_another_record_after_it() -> None:
    lines = [tick(0), event("enter", 100, 1, 1), tick(3_000)]
    answer = event("operator_action", 2_900, 2, status="ack", target_id="alert", role="operator")
    log = ListLog([LogRecord("1000-0", 1, b"".join(lines))])
    free = Budget(1e9)
    pace = Pace(0, free), Pace(50, free)
    build = partial(make_shard, 0, Settings())
    partition = Partition(0, log, build, pace=pace, ask=lambda _: None)
    while not partition.position.n or partition._unsaid:
        advance(partition, 1)
    log.records.append(LogRecord("1001-0", 2, answer))
    # Soon after a full flush: a quick one comes first, which does not say answers.
    heard = advance(partition, 1)
    assert heard
    for _ in range(1_000_000):
        heard += advance(partition, 1)
        if any(channel.startswith("answers:") for channel, _ in fields(heard)):
            return
    pytest.fail("the answer was never said")


def test_what_another_version_wrote_is_refused(start: Start) -> None:
    with pytest.raises(StateError, match="liveroom reset"):
        start(b"\xff\xff")
