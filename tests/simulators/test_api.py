import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.api import HARD_DISORDER, SCENARIOS, SimulationPlan, simulate_lines, write_recording


def body(plan: SimulationPlan) -> bytes:
    return b"".join(chunk.lines for chunk in simulate_lines(plan))


def test_the_same_plan_gives_the_same_bytes_and_another_seed_others() -> None:
    plan = SimulationPlan("flash_sale", rooms=3, minutes=3, disorder=HARD_DISORDER)
    assert body(plan) == body(plan)
    assert body(plan) != body(SimulationPlan("flash_sale", rooms=3, minutes=3, seed=2))


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from simulators.api import *;"
        "write_recording(SimulationPlan('oversell_race', rooms=4, tenants=2, minutes=3,"
        "disorder=HARD_DISORDER), Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    written = []
    for seed in ("1", "4242"):
        out, truth = tmp_path / f"{seed}.ndjson", tmp_path / f"{seed}.json"
        subprocess.run(
            [sys.executable, "-c", code, str(out), str(truth)],
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        )
        written.append((out.read_bytes(), truth.read_bytes()))
    assert written[0] == written[1]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_contains_its_incident(scenario: str, tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    plan = SimulationPlan(scenario, rooms=2, minutes=20, seed=5)
    summary = write_recording(plan, tmp_path / "out.ndjson", truth)
    found = json.loads(truth.read_text(encoding="utf-8"))
    kinds = {label["kind"] for label in found["incidents"]}
    wanted = SCENARIOS[scenario].incident
    assert wanted in kinds if wanted else not kinds
    assert summary.lines > summary.events
    for label in found["incidents"]:
        assert plan.start_ms <= label["start_ms"] < label["end_ms"] <= plan.end_ms
        assert label["from_ms"] <= label["start_ms"]


def test_the_page_describes_every_scenario() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulators.md").read_text(encoding="utf-8")
    for scenario in SCENARIOS.values():
        assert f"| `{scenario.name}` | {scenario.help} |" in page
