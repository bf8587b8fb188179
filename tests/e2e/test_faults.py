"""Killed, rescaled, cut off: the same rows, boards, stock and alerts as undisturbed.

The long versions are `make chaos`; these are seconds long.
"""

from pathlib import Path

import pytest

from sinks.results import sorted_lines
from stream.errors import LiveroomError
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from tests.chaos.faults import Plan, Report, run
from tests.chaos.jumps import with_jumps
from tests.chaos.rig import differences
from tests.e2e.conftest import SECONDS
from tests.support.small_disk import small_disk


def test_live_rows_are_the_replay_s_rows(recording: Path, undisturbed: Report) -> None:
    replayed = run_replay(read_events(recording, "ndjson", b"key"), settings=Settings())
    assert undisturbed.outcome.results == b"".join(sorted_lines(replayed))
    assert undisturbed.outcome.counters["duplicates"] > 0
    assert undisturbed.outcome.counters["dead"] > 0


@pytest.mark.parametrize(
    "plan",
    [
        Plan("engine killed", "engine", 3, 1, SECONDS, seed=1),
        Plan("Redis killed", "redis", 2, 1, SECONDS, seed=2, appendfsync="always"),
        Plan("a process killed", "one process", 1, 2, SECONDS, seed=3),
        Plan("rescaled", "rescale", 2, 1, SECONDS, seed=4),
        Plan("gateway killed", "gateway", 2, 1, SECONDS, seed=5),
        Plan("line spoiled", "line", 4, 1, SECONDS, seed=6),
    ],
    ids=lambda plan: plan.name,
)
def test_a_fault_leaves_no_trace(
    plan: Plan, recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    report = run(plan, recording, tmp_path / "run")
    assert differences(undisturbed.outcome, report.outcome) == []
    assert report.shown_wrong == ()
    assert report.strikes == plan.count


def test_a_full_disk_stops_the_engine_and_leaves_no_trace(
    recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    try:
        with small_disk(tmp_path / "probe", 1):
            pass
    except LiveroomError as error:
        pytest.skip(f"NOT TESTED: {error}")
    plan = Plan("disk full", "disk", 1, 1, SECONDS, seed=7)
    report = run(plan, recording, tmp_path / "run")
    assert differences(undisturbed.outcome, report.outcome) == []


def test_a_clock_that_jumps_gives_the_rows_of_its_log_and_loses_nothing(
    recording: Path, tmp_path: Path
) -> None:
    jumped = tmp_path / "jumped.ndjson"
    assert with_jumps(recording, jumped) > 20
    plan = Plan("clock jumps", "engine", 1, 1, SECONDS, seed=8, jumps=True)
    report = run(plan, jumped, tmp_path / "run")
    replayed = run_replay(read_events(jumped, "ndjson", b"key"), settings=Settings())
    assert report.outcome.results == b"".join(sorted_lines(replayed))
    assert report.outcome.counters["late"] > 0
