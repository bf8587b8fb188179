"""Rows of stock: what the simulator knows of each pool, minute by minute."""

import json
from functools import cache
from pathlib import Path

import pytest

from operators.results import Row
from simulators.api import HARD_DISORDER, SimulationPlan, write_recording
from stream.formats import read_events
from stream.options import make_shard
from stream.replay import outputs
from stream.settings import Settings

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of ten rooms that race for one pool, and its truth beside it."""
    path = tmp_path_factory.mktemp("stock") / "race.ndjson"
    plan = SimulationPlan(
        scenario="oversell_race", rooms=10, tenants=1, minutes=4, seed=5, disorder=HARD_DISORDER
    )
    write_recording(plan, path, path.with_name("race.truth.json"))
    return path


@cache
def stock_rows(path: Path, settings: Settings) -> list[Row]:
    shard = make_shard(0, settings)
    return [
        row
        for output in outputs(read_events(path, "ndjson", b""), [shard])
        for row in output.rows
        if row.kind == "stock"
    ]


def metrics(row: Row) -> dict[str, object]:
    found = row.body["metrics"]
    assert isinstance(found, dict)
    return found


def test_the_last_row_of_each_pool_is_the_truth_and_the_group_is_their_sum(race: Path) -> None:
    rows = stock_rows(race, Settings())
    assert all(row.end_ms % MINUTE_MS == 0 and row.final for row in rows)
    last = {row.key: metrics(row) for row in rows if row.dimension == "pool"}
    truth = json.loads(race.with_name("race.truth.json").read_text())["stock"]
    assert set(last) == {pool["pool"] for pool in truth}
    for pool in truth:
        figures = last[pool["pool"]]
        for name in ("on_hand", "reserved", "sold", "returned", "available"):
            assert figures[name] == pool[name], (pool["pool"], name)
        assert figures["oversell_units"] == pool["oversold"]
        orders = figures["oversell_orders"]
        assert isinstance(orders, list)
        assert sorted(orders) == sorted(pool["oversold_orders"])
    group = metrics([row for row in rows if row.dimension == "group"][-1])
    assert group["oversell_units"] == sum(pool["oversold"] for pool in truth) > 0
    assert group["pools_out"] == sum(pool["available"] <= 0 for pool in truth)
    sold = sum(pool["sold"] > 0 for pool in truth)
    assert group["active_sku_rate"] == {"num": sold, "den": len(truth), "value": sold / len(truth)}


def test_a_pool_has_at_most_a_row_a_minute(race: Path) -> None:
    rows = stock_rows(race, Settings())
    places = [(row.dimension, row.key, row.end_ms) for row in rows]
    assert len(set(places)) == len(places)
    assert len({row.end_ms for row in rows}) > 3


def test_the_setting_says_what_low_is(race: Path) -> None:
    def low(units: int) -> object:
        rows = stock_rows(race, Settings(stock_low_units=units))
        return metrics([row for row in rows if row.dimension == "group"][-1])["pools_low"]

    few, all_ = low(0), low(1_000_000)
    assert isinstance(few, int)
    assert isinstance(all_, int)
    assert few < all_
