"""Is it like a real room? One recorded room: 2.9 events/s, peak 41/s, 49 % enter, 17 % gift."""

from collections.abc import Callable

import numpy as np
import pytest

from simulators.api import Recording, SimulationPlan
from simulators.columns import Col, is_type
from simulators.presence import online_by_second
from simulators.scenarios import SCENARIOS
from simulators.world import build
from stream.errors import ConfigError
from tests.simulators.truths import truth_of

SOCIAL = ("enter", "gift", "like", "comment", "follow", "room_stats")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_calm_room_has_the_rates_and_the_mix_of_the_recorded_one(seed: int) -> None:
    world = build(SimulationPlan("calm", minutes=60, seed=seed))
    events, line = world.events, world.timelines[0]
    social = events[:, is_type(events, *SOCIAL)]
    second = (social[Col.TIME] - line.start_ms) // 1_000
    assert 2.4 <= social.shape[1] / 3_600 <= 3.4
    assert 20 <= np.bincount(second).max() <= 90

    def share(name: str) -> float:
        return float(is_type(social, name).mean())

    assert 0.45 <= share("enter") <= 0.60
    assert 0.15 <= share("gift") <= 0.23
    assert 0.07 <= share("like") <= 0.13
    assert 0.015 <= share("comment") <= 0.035
    assert 0.015 <= share("follow") <= 0.035
    online = online_by_second(events, line.start_ms, line.end_ms)[300:]
    assert online.min() >= 114
    assert online.max() <= 2_342


def test_the_funnel_narrows_and_some_orders_are_never_paid() -> None:
    room = next(
        row["metrics"]
        for row in truth_of(Recording(SimulationPlan("calm", minutes=60)))["rows"]
        if row["window"] == "session" and row["dimension"] == "room"
    )
    assert room["view_uv"] > room["product_click_uv"] > room["order_uv"] > room["pay_uv"] > 0
    assert 0.02 <= room["cvr_view"]["num"] / room["cvr_view"]["den"] <= 0.06
    assert 0 < room["refund_rate"]["num"] / room["refund_rate"]["den"] < 0.15


@pytest.mark.parametrize("rate", [5.0, 60.0, 900.0])
def test_rate_sets_the_events_of_all_rooms(rate: float) -> None:
    plan = SimulationPlan("calm", rooms=3, minutes=20, rate=rate)
    assert build(plan).events.shape[1] / 1_200 == pytest.approx(rate, rel=0.2)


def test_tenants_default_to_a_tenth_of_the_rooms() -> None:
    assert SimulationPlan(rooms=1).tenant_count == 1
    assert SimulationPlan(rooms=25).tenant_count == 2
    plan = SimulationPlan(rooms=25, minutes=1)
    assert set(build(plan).events[Col.TENANT]) == {0, 1}
    assert {plan.tenant_of(room) for room in range(25)} == {0, 1}


def test_sessions_may_start_late_never_end_or_start_again() -> None:
    plan = SimulationPlan(
        "calm", rooms=4, minutes=9, late_rooms=1, endless_rooms=1, restart_rooms=1
    )
    sessions = truth_of(Recording(plan))["sessions"]
    by_room = {
        room: [one for one in sessions if one["room_id"] == room]
        for room in ("r1", "r2", "r3", "r4")
    }
    assert [len(by_room[room]) for room in ("r1", "r2", "r3", "r4")] == [1, 1, 1, 2]
    assert by_room["r2"][0]["start_ms"] > plan.start_ms + 2 * 60_000
    assert by_room["r3"][0]["end_ms"] is None
    first, second = by_room["r4"]
    assert (first["end_ms"] or plan.end_ms) < second["start_ms"]


@pytest.mark.parametrize("scenario", ["stock_out", "slow_restock", "oversell_race"])
def test_the_short_pool_is_empty_when_the_label_says_so(scenario: str) -> None:
    for seed in range(6):
        world = build(SimulationPlan(scenario, rooms=2, minutes=40, seed=seed))
        label = next(one for one in world.incidents if one.kind != "oversell")
        events = world.events
        mine = events[:, (events[Col.PRODUCT] == world.timelines[0].subject)]
        mine = mine[:, mine[Col.TIME] <= label.start_ms]

        def units(name: str, mine: np.ndarray = mine) -> int:
            return int(mine[Col.QTY][is_type(mine, name)].sum())

        left = units("stock_set") - units("order_created") + units("order_cancelled")
        assert left <= 0


def test_incidents_show_in_the_figures() -> None:
    drop = build(SimulationPlan("traffic_drop", minutes=40, seed=2))
    one = drop.incidents[0]
    session = drop.timelines[0]
    online = online_by_second(drop.events, session.start_ms, session.end_ms)
    at = one.start_ms // 1_000 - session.start_ms // 1_000
    assert online[at + 60] < 0.7 * online[at - 1]

    broken = build(SimulationPlan("payment_failure", rooms=1, minutes=40, seed=2))
    label, events = broken.incidents[0], broken.events
    within = (events[Col.TIME] >= label.start_ms + 60_000) & (events[Col.TIME] < label.end_ms)
    created = int((is_type(events, "order_created") & within).sum())
    assert int((is_type(events, "order_paid") & within).sum()) < 0.3 * created

    silent = build(SimulationPlan("feed_outage", minutes=40, seed=2))
    label, events = silent.incidents[0], silent.events
    within = (events[Col.TIME] >= label.start_ms) & (events[Col.TIME] < label.end_ms)
    assert not (within & (events[Col.ROOM] == 0)).any()


def test_every_scenario_says_what_it_is() -> None:
    assert all(scenario.help for scenario in SCENARIOS.values())


@pytest.mark.parametrize(
    ("build_plan", "named"),
    [
        (lambda: SimulationPlan("no_such"), "scenario"),
        (lambda: SimulationPlan(rooms=0), "rooms"),
        (lambda: SimulationPlan(rooms=2, tenants=3), "tenants"),
        (lambda: SimulationPlan(minutes=0), "minutes"),
        (lambda: SimulationPlan(rate=0.0), "rate"),
        (lambda: SimulationPlan(products=1), "products"),
        (lambda: SimulationPlan(seed=-1), "seed"),
    ],
)
def test_a_wrong_option_is_named(build_plan: Callable[[], SimulationPlan], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_plan()
    assert caught.value.setting == named
