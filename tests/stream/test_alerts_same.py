"""Alerts and stock depend on the log alone: live, replayed, killed, whatever overtook what."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from operators.results import Output
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from simulators.api import Disorder, SimulationPlan, write_recording
from sinks.results import sorted_lines
from stream.formats import read_events
from stream.options import make_shard
from stream.replay import outputs, version_of
from stream.settings import Settings

SCENARIOS = ("oversell_race", "violation", "feed_outage")


Recorded = Callable[[str, int], Path]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return `recording(scenario, delay_ms)`; each is made once."""
    folder = tmp_path_factory.mktemp("alerts")
    return cache(lambda scenario, delay_ms: recorded(folder, scenario, delay_ms))


def recorded(folder: Path, scenario: str, delay_ms: int) -> Path:
    path = folder / f"{scenario}-{delay_ms}.ndjson"
    plan = SimulationPlan(
        scenario=scenario, rooms=2, tenants=1, minutes=8, seed=6,
        disorder=Disorder(max_delay_ms=delay_ms, duplicate_ratio=0.02 if delay_ms else 0.0),
    )  # fmt: skip
    write_recording(plan, path)
    return path


def alerts(found: Sequence[Output]) -> bytes:
    rows = [row for output in found for row in output.rows if row.kind in ("alert", "stock")]
    return b"".join(sorted_lines(rows))


@cache
def replayed(path: Path) -> bytes:
    shard = make_shard(0, Settings())
    return alerts(list(outputs(read_events(path, "ndjson", b""), [shard])))


def records(path: Path, lines_each: int) -> Iterator[Record]:
    lines = path.read_bytes().splitlines(keepends=True)
    for number, place in enumerate(range(0, len(lines), lines_each), 1):
        yield Record(version_of(number), 0, b"".join(lines[place : place + lines_each]))


def live(path: Path, *, killed_each: int = 0) -> bytes:
    """Small entries with a flush after each; with `killed_each`, a new engine now and then."""
    shard, found = make_shard(0, Settings()), list[Output]()
    for number, record in enumerate(records(path, 83)):
        found += shard.step([record])
        shard.flush(0)
        if killed_each and number % killed_each == 0:
            again = make_shard(0, Settings())
            thaw(again, freeze(shard))
            shard = again
    return alerts([*found, *shard.close()])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_live_replayed_and_resumed_alerts_are_the_same_bytes(
    recording: Recorded, scenario: str
) -> None:
    path = recording(scenario, 1_900)
    expected = replayed(path)
    assert expected.count(b"firing") > 0
    assert expected.count(b'"kind":"stock"') > 0
    assert live(path) == expected
    for each in (2, 7):
        assert live(path, killed_each=each) == expected, each


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_overtakes_what_within_two_seconds_is_invisible(
    recording: Recorded, scenario: str
) -> None:
    orderly, messy = (replayed(recording(scenario, delay)) for delay in (0, 1_900))
    assert orderly == messy


def test_sold_out_and_violation_do_not_wait_for_a_beat(recording: Recorded) -> None:
    moments: set[int] = set()
    for scenario in ("oversell_race", "violation"):
        shard = make_shard(0, Settings())
        path = recording(scenario, 0)
        for output in outputs(read_events(path, "ndjson", b""), [shard]):
            moments |= {
                row.end_ms % 5_000
                for row in output.rows
                if row.dimension in ("oversell", "violation") and row.body["state"] == "firing"
            }
    assert moments - {0}


def test_a_session_sealed_by_a_leap_of_the_clock_resolves_at_its_own_end() -> None:
    shard: Shard = make_shard(0, Settings())
    start = 1_793_534_400_000
    lines = [_line("room_status", start, status="start"), _line("violation", start + 3_000)]
    ticks = [_tick(start + second * 1_000) for second in range(40)]
    body = b"".join(
        [ticks[0], *lines, *ticks[1:], _line("room_status", start + 41_000, status="end")]
    )
    leap = _tick(start + 3_600_000)
    told = [
        row
        for output in shard.step([Record(version_of(1), 0, body + leap)])
        for row in output.rows
        if row.dimension == "violation"
    ]
    states = [(row.body["state"], row.end_ms - start) for row in told]
    assert states == [("firing", 4_000), ("resolved", 45_000)]


def _line(kind: str, at_ms: int, **more: str) -> bytes:
    fields = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return (
        f'{{"event_id":"{kind}-{at_ms}","source":"/t","type":"{kind}","event_time_ms":{at_ms},'
        f'"tenant":"t1","room_id":"r1"{fields}}}\n'
    ).encode()


def _tick(at_ms: int) -> bytes:
    head = f'{{"event_id":"{at_ms}","source":"clock","type":"tick",'
    return f'{head}"event_time_ms":{at_ms}}}\n'.encode()
