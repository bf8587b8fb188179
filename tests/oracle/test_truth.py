"""The oracle against the simulator's own ground truth: two opinions that share no code."""

import json
from pathlib import Path

import pytest

from operators.results import Row
from simulators.api import HARD_DISORDER, SimulationPlan, write_recording
from stream.formats import read_events
from stream.oracle.compare import Report, compare
from stream.oracle.load import load
from stream.oracle.terms import terms_of
from stream.settings import Settings

IN_TRUTH = {(d, w): ("gmv_paid",) for d in ("room", "product") for w in ("session", "1m")}
"""Of rolling windows the truth has those that end within a session only."""
GAUGES_OF_R5 = ("online_now", "pcu")


def against_truth(plan: SimulationPlan, folder: Path) -> tuple[Report, dict[str, int]]:
    """The comparison, and how many events the simulator counted."""
    recording, truth_path = folder / "a.ndjson", folder / "truth.json"
    write_recording(plan, recording, truth_path)
    truth = json.loads(truth_path.read_text())
    rows = [
        Row(
            "metric",
            row["tenant"],
            row["group"],
            row["room_id"],
            row["dimension"],
            row["key"],
            row["window"],
            row["start_ms"],
            row["end_ms"],
            True,
            0,
            {"metrics": _known(row)},
        )
        for row in truth["rows"]
    ]
    connection = load(read_events(recording, "ndjson", b""), terms_of(Settings()))
    try:
        report = compare(connection, rows, IN_TRUTH)
        accepted = connection.execute("SELECT count(*) FROM judged WHERE reason IS NULL AND copy=1")
        counted = accepted.fetchone()
        assert counted == (truth["counts"]["accepted"],)
    finally:
        connection.close()
    return report, truth["counts"]


def _known(row: dict[str, object]) -> dict[str, object]:
    metrics = row["metrics"]
    assert isinstance(metrics, dict)
    skip = GAUGES_OF_R5 if row["window"] == "r5" else ()
    return {name: value for name, value in metrics.items() if name not in skip}


@pytest.mark.parametrize(
    "plan",
    [
        SimulationPlan("calm", rooms=2, minutes=6, rate=20, seed=1),
        SimulationPlan("flash_sale", rooms=4, tenants=2, minutes=8, rate=30, seed=2,
                       disorder=HARD_DISORDER),
        SimulationPlan("refund_surge", rooms=4, minutes=8, rate=30, seed=3, restart_rooms=2,
                       late_rooms=1, disorder=HARD_DISORDER),
    ],
    ids=["calm", "disorder", "restarts"],
)  # fmt: skip
def test_the_oracle_and_the_ground_truth_agree(plan: SimulationPlan, tmp_path: Path) -> None:
    report, counts = against_truth(plan, tmp_path)
    assert report.mismatches == []
    assert report.total > 1_000
    assert counts["accepted"] > 1_000
