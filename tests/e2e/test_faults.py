"""Killed, rescaled, cut off: the same rows, boards, stock and alerts as undisturbed.

The long versions are `make chaos`; these are seconds long.
"""

from pathlib import Path

import pytest

from sinks.results import sorted_lines
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from tests.chaos.faults import Plan, Report, run
from tests.chaos.rig import differences
from tests.e2e.conftest import SECONDS


def test_live_rows_are_the_replay_s_rows(recording: Path, undisturbed: Report) -> None:
    replayed = run_replay(read_events(recording, "ndjson", b"key"), settings=Settings())
    assert undisturbed.outcome.results == b"".join(sorted_lines(replayed))
    assert undisturbed.outcome.balanced
    assert undisturbed.outcome.counters["duplicates"] > 0
    assert undisturbed.outcome.counters["dead"] > 0


@pytest.mark.parametrize(
    "plan",
    [
        Plan("engine killed", "engine", 3, 1, SECONDS, seed=1),
        Plan("Redis killed", "redis", 2, 1, SECONDS, seed=2, appendfsync="always"),
        Plan("a process killed", "one process", 1, 2, SECONDS, seed=3),
        Plan("rescaled", "rescale", 2, 1, SECONDS, seed=4),
    ],
    ids=lambda plan: plan.name,
)
def test_a_fault_leaves_no_trace(
    plan: Plan, recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    report = run(plan, recording, tmp_path / "run")
    assert differences(undisturbed.outcome, report.outcome) == []
    assert report.outcome.balanced
    assert report.strikes == plan.count
