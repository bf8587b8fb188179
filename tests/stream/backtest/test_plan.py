"""A back-test folds only what rules look at, and tells the same alerts as the engine."""

from pathlib import Path

from operators.plan import Plan
from operators.shard import Shard
from simulators.api import HARD_DISORDER, SimulationPlan, write_recording
from stream.backtest.command import shipped_rules
from stream.backtest.plan import plan_of
from stream.backtest.play import alert_rows
from stream.formats import read_events
from stream.options import options_of
from stream.replay import outputs
from stream.settings import Settings


def test_the_small_plan_gives_the_alerts_of_the_whole_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "refunds.ndjson"
    plan = SimulationPlan(
        scenario="refund_surge", rooms=2, tenants=1, minutes=25, seed=8, disorder=HARD_DISORDER
    )
    write_recording(plan, path)
    rules, settings = shipped_rules(), Settings()
    whole = Shard(0, Plan(), rules, options_of(settings))
    expected = [
        row
        for output in outputs(read_events(path, "ndjson", b""), [whole])
        for row in output.rows
        if row.kind == "alert"
    ]
    rows = alert_rows(read_events(path, "ndjson", b""), rules, settings)
    assert rows == expected
    surge = next(row for row in rows if row.dimension == "refund_surge")
    contributor = surge.body["contributor"]
    assert isinstance(contributor, dict)
    assert contributor["dimension"] == "product"
    assert len(plan_of(rules).metrics) < len(Plan().metrics) / 3
