"""A line that makes the fold raise is set aside with its traceback; everything else counts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from operators.frozen import whole
from operators.intake import AnyRecord
from operators.results import DeadLetter, Output
from operators.shard import Record, Shard
from operators.snapshot import Captured
from simulators.api import SimulationPlan, simulate_lines
from sinks.results import sorted_lines
from stream.options import make_shard
from stream.quarantine import KEPT_BYTES, MOST_BYTES, Quarantine
from stream.replay import version_of
from stream.settings import Settings

POISON = b'"event_id":"poison'
LATENT = b'"event_id":"latent'


class Fragile(Shard):
    """A shard that raises on some events after having folded half of the records."""

    def step(self, records: Sequence[AnyRecord]) -> list[Output]:
        """Raise on POISON at once, on LATENT at the next tick."""
        bodies = [record.body for record in records if isinstance(record, Record)]
        if any(POISON in body for body in bodies):
            super().step(records[: (len(records) + 1) // 2])
            raise ZeroDivisionError("a bug of ours")
        for line in b"\n".join(bodies).splitlines():
            if b'"tick"' in line and self.state.counters.get("sick", 0):
                raise KeyError("what an earlier event left behind")
            self.state.count("sick", line.count(LATENT))
        return super().step(records)


def fragile() -> Shard:
    """Make an empty shard."""
    whole = make_shard(0, Settings())
    return Fragile(0, whole.state.plan, whole.rules, whole.state.options)


@pytest.fixture(scope="module")
def session() -> list[bytes]:
    """Return the lines of a short session with disorder."""
    plan = SimulationPlan(rooms=2, minutes=2, rate=8.0, seed=5)
    return [line for chunk in simulate_lines(plan) for line in chunk.lines.splitlines()]


def batches(lines: Sequence[bytes], size: int = 50) -> Iterator[list[Record]]:
    """Cut lines into batches of two records each."""
    for n, start in enumerate(range(0, len(lines), size)):
        part = lines[start : start + size]
        middle = len(part) // 2
        bodies = [b"\n".join(half) for half in (part[:middle], part[middle:]) if half]
        yield [Record(version_of(2 * n + i + 1), 0, body) for i, body in enumerate(bodies)]


def fold(quarantine: Quarantine, lines: Sequence[bytes], freeze_every: int = 3) -> list[Output]:
    """Fold lines, freezing now and then as snapshots do."""
    outputs = []
    for n, batch in enumerate(batches(lines)):
        outputs += quarantine.step(batch)
        if n % freeze_every == freeze_every - 1:
            quarantine.freeze()
    return outputs


def rows(outputs: Sequence[Output]) -> list[bytes]:
    """Return the rows of outputs as lines of a results file."""
    return list(sorted_lines(row for output in outputs for row in output.rows))


def frozen(captured: Captured) -> Callable[[], bytes]:
    """Return a function that gives the bytes of a captured state."""
    state = whole(captured.parts())
    return lambda: state


def letters(outputs: Sequence[Output]) -> list[DeadLetter]:
    """Return what was set aside."""
    return [letter for o in outputs for letter in o.dead if letter.reason == "poison"]


def with_bad(lines: Sequence[bytes], mark: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the lines with bad events put in."""
    out = list(lines)
    for n, place in enumerate(sorted(places, reverse=True)):
        model = next(line for line in lines[place:] if b'"enter"' in line)
        start = model.index(b'"event_id":"')
        bad = model[:start] + mark + b"%d-" % n + model[start + len(b'"event_id":"') :]
        out.insert(place, bad)
    return out


def test_poison_costs_only_itself(session: list[bytes]) -> None:
    sound = fold(Quarantine(lambda: make_shard(0, Settings())), session)
    quarantine = Quarantine(fragile)
    outputs = fold(quarantine, with_bad(session, POISON, [40, 41, 200, 333]))
    found = letters(outputs)
    assert rows(outputs) == rows(sound)
    assert len(found) == 4
    assert all(POISON in letter.raw for letter in found)
    assert all("a bug of ours" in letter.detail for letter in found)
    counters = quarantine.shard.state.counters
    assert counters["dead.poison"] == 4
    assert counters["in"] == sum(counters.get(n, 0) for n in ("accepted", "duplicates", "dead"))


def test_an_event_that_breaks_the_next_tick_is_found(session: list[bytes]) -> None:
    sound = fold(Quarantine(lambda: make_shard(0, Settings())), session)
    quarantine = Quarantine(fragile)
    outputs = fold(quarantine, with_bad(session, LATENT, [130]), freeze_every=1000)
    found = letters(outputs)
    assert [LATENT in letter.raw for letter in found] == [True]
    assert "left behind" in found[0].detail
    assert rows(outputs) == rows(sound)


def test_a_line_is_searched_from_the_state_before_while_a_newer_one_is_encoded(
    session: list[bytes],
) -> None:
    sound = fold(Quarantine(lambda: make_shard(0, Settings())), session)
    quarantine = Quarantine(fragile)
    lines = with_bad(session, POISON, [200])
    outputs = fold(quarantine, lines[:100])
    captured = quarantine.capture()
    outputs += [output for batch in batches(lines[100:150]) for output in quarantine.step(batch)]
    kept = quarantine.kept_bytes
    quarantine.adopt(captured, frozen(captured))
    assert 0 < quarantine.kept_bytes < kept
    late = quarantine.capture()
    outputs += fold(quarantine, lines[150:])
    quarantine.adopt(late, frozen(late))
    outputs += quarantine.step([])
    assert len(letters(outputs)) == 1
    assert rows(outputs) == rows(sound)


def test_the_stream_goes_on_where_the_cause_is_older_than_the_frozen_state(
    session: list[bytes],
) -> None:
    def sick() -> Shard:
        shard = fragile()
        shard.state.count("sick")
        return shard

    quarantine = Quarantine(sick)
    assert not letters(fold(quarantine, session[:120]))
    assert quarantine.shard.state.counters["skipped_ticks"] > 0


def test_a_flush_that_raises_is_skipped_and_made_good(session: list[bytes]) -> None:
    class Blind(Shard):
        def flush(self, as_of_ms: int, *, full: bool = True, most: int | None = None) -> Output:
            if self.state.counters.get("flush_failures", 0) < 2:
                raise IndexError("a bug of ours")
            return super().flush(as_of_ms)

    whole = make_shard(0, Settings())
    state = whole.state
    quarantine = Quarantine(lambda: Blind(0, state.plan, whole.rules, state.options))
    fold(quarantine, session[:200])
    assert quarantine.flush(1).patches == ()
    assert quarantine.flush(2).patches == ()
    assert quarantine.flush(3).patches


def test_kept_records_are_bounded(session: list[bytes]) -> None:
    quarantine = Quarantine(lambda: make_shard(0, Settings()))
    line = next(line for line in session if b'"enter"' in line)
    big = Record(version_of(1), 0, (line + b"\n") * (KEPT_BYTES // len(line) // 4))
    kept = []
    full = []
    for n in range(20):
        quarantine.step([replace(big, version=version_of(n + 1))])
        kept.append(quarantine.kept_bytes)
        full.append(quarantine.full)
    assert max(kept) <= MOST_BYTES
    assert full == [size > KEPT_BYTES for size in kept]
