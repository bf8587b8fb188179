"""The undisturbed run that others are compared with: once a session."""

from pathlib import Path

import pytest

from simulators.api import SimulationPlan, write_recording
from simulators.plan import HARD_DISORDER
from tests.chaos.faults import Plan, Report, run

SECONDS = 8.0


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of four rooms with duplicates, disorder and broken lines."""
    path = tmp_path_factory.mktemp("recording") / "session.ndjson"
    plan = SimulationPlan(
        scenario="flash_sale", rooms=4, tenants=3, minutes=5, rate=30, disorder=HARD_DISORDER
    )
    write_recording(plan, path)
    return path


@pytest.fixture(scope="session")
def undisturbed(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return what the live engine leaves when nothing goes wrong."""
    plan = Plan("undisturbed", seconds=SECONDS)
    return run(plan, recording, tmp_path_factory.mktemp("undisturbed") / "run")
