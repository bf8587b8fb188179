"""The truth file against a second, tiny recomputation that reads only the NDJSON lines."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.api import HARD_DISORDER, Recording, SimulationPlan, simulate_lines, write_recording
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from tests.simulators.truths import Counts, Line, Row, Truth, truth_of

PRESENCE = {
    "enter", "heartbeat", "comment", "like", "gift", "follow", "share", "fans_join",
    "product_exposure", "product_click", "add_to_cart",
}  # fmt: skip
PLANS = [
    SimulationPlan("calm", rooms=2, minutes=6, rate=12, disorder=HARD_DISORDER),
    SimulationPlan("refund_surge", rooms=3, tenants=2, minutes=12, rate=16, seed=3),
    SimulationPlan("oversell_race", rooms=4, minutes=8, rate=24, seed=4, disorder=HARD_DISORDER),
    SimulationPlan("slow_restock", minutes=15, seed=5, restart_rooms=1, disorder=HARD_DISORDER),
    SimulationPlan("feed_outage", rooms=3, minutes=7, late_rooms=1, endless_rooms=1, seed=6),
]


def accepted(plan: SimulationPlan) -> tuple[list[Line], Counts]:
    """What an engine keeps: first of each id, in time, well-formed; and the counts."""
    events: list[Line] = []
    seen: set[tuple[str, str]] = set()
    received = duplicates = dead = 0
    tick_ms = -1
    for chunk in simulate_lines(plan):
        for line in chunk.lines.split(b"\n")[:-1]:
            try:
                event = json.loads(line)
                at_ms, kind = event["event_time_ms"], event["type"]
                good = len(line) < 16_384 and ("tenant" in event or kind == "tick")
                good &= isinstance(at_ms, int) and at_ms < 4_102_444_800_000
                good &= not kind.startswith("no_such")
            except (ValueError, KeyError):
                good, kind = False, ""
            if kind == "tick":
                tick_ms = at_ms
                continue
            received += 1
            if not good or not tick_ms - 62_000 <= at_ms <= tick_ms + 60_000:
                dead += 1
            elif (event["source"], event["event_id"]) in seen:
                duplicates += 1
            else:
                seen.add((event["source"], event["event_id"]))
                events.append(event)
    return events, {
        "in": received,
        "accepted": len(events),
        "duplicates": duplicates,
        "late": 0,
        "lost": 0,
        "dead": {"all": dead},
    }


def rooms_of_refunds(events: list[Line]) -> None:
    """A refund without room belongs to the room of its order line."""
    rooms = {
        (one["tenant"], one["order_id"], one.get("line_id")): one["room_id"]
        for one in events
        if one["type"] == "order_created"
    }
    for one in events:
        if one["type"].startswith("refund_"):
            key = (one["tenant"], one["order_id"], one.get("line_id"))
            one.setdefault("room_id", rooms[key])


def users(events: list[Line], kind: str) -> int:
    return len({one["user_id"] for one in events if one["type"] == kind})


def money(events: list[Line], kind: str) -> int:
    return sum(one["amount_minor"] for one in events if one["type"] == kind)


def expected(events: list[Line]) -> dict[str, object]:
    paid, back = money(events, "order_paid"), money(events, "refund_succeeded")
    return {
        "view_pv": sum(one["type"] == "enter" for one in events),
        "view_uv": users(events, "enter"),
        "product_click_uv": users(events, "product_click"),
        "order_uv": users(events, "order_created"),
        "pay_uv": users(events, "order_paid"),
        "orders_paid": len({one["order_id"] for one in events if one["type"] == "order_paid"}),
        "gmv_paid": paid,
        "refund_amount": back,
        "gmv_net": paid - back,
    }


def online_at(events: list[Line], second: int) -> int:
    """The contract's sentence, viewer by viewer."""
    last: dict[str, int] = {}
    left: dict[str, int] = {}
    for one in events:
        at = one["event_time_ms"] // 1_000
        if at <= second and one["type"] in PRESENCE:
            last[one["user_id"]] = max(at, last.get(one["user_id"], 0))
        if at <= second and one["type"] == "leave":
            left[one["user_id"]] = max(at, left.get(one["user_id"], 0))
    return sum(second - at < 300 and left.get(user, -1) < at for user, at in last.items())


def rows(truth: Truth, dimension: str, window: str) -> Iterator[Row]:
    for row in truth["rows"]:
        if row["dimension"] == dimension and row["window"] == window:
            yield row


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.scenario)
def test_every_row_equals_a_recount_of_the_lines(plan: SimulationPlan) -> None:
    truth = truth_of(Recording(plan))
    events, counts = accepted(plan)
    rooms_of_refunds(events)
    by_room: dict[str | None, list[Line]] = defaultdict(list)
    for event in events:
        by_room[event.get("room_id")].append(event)
    sessions = truth["sessions"]
    assert truth["counts"]["in"] == counts["in"]
    assert truth["counts"]["duplicates"] == counts["duplicates"]
    assert sum(truth["counts"]["dead"].values()) == counts["dead"]["all"]
    assert truth["counts"]["accepted"] == len(events)
    for row in truth["rows"]:
        live = next(
            one for one in sessions
            if one["room_id"] == row["room_id"]
            and one["start_ms"] < row["end_ms"]
            and (one["end_ms"] or plan.end_ms) > row["start_ms"]
            and (one["end_ms"] or plan.end_ms) + 60_000 > row["end_ms"]
        )  # fmt: skip
        inside = [
            one
            for one in by_room[row["room_id"]]
            if max(row["start_ms"], live["start_ms"]) <= one["event_time_ms"] < row["end_ms"]
            and row["key"] in (None, one.get("product_id"))
        ]
        figures = expected(inside)
        if row["dimension"] == "product":
            del figures["view_pv"], figures["view_uv"]
        metrics: Mapping[str, object] = row["metrics"]
        assert {name: metrics[name] for name in figures} == figures, row


def test_online_equals_the_definition_second_by_second() -> None:
    plan = SimulationPlan("traffic_drop", minutes=9, rate=8, seed=8, disorder=HARD_DISORDER)
    truth = truth_of(Recording(plan))
    events = [one for one in accepted(plan)[0] if one.get("room_id") == "r1"]
    checked = 0
    for row in rows(truth, "room", "1m"):
        if "pcu" in row["metrics"]:
            first = max(row["start_ms"], truth["sessions"][0]["start_ms"]) // 1_000
            seconds = [online_at(events, at) for at in range(first, row["end_ms"] // 1_000, 7)]
            assert row["metrics"]["online_now"] == online_at(events, row["end_ms"] // 1_000 - 1)
            assert row["metrics"]["pcu"] >= max(seconds)
            checked += 1
    assert checked == plan.minutes


def test_a_session_that_ended_is_measured_against_its_targets() -> None:
    plan = SimulationPlan("slow_pace", rooms=3, minutes=9, seed=2, restart_rooms=1, late_rooms=1)
    truth = truth_of(Recording(plan))
    said = [one for one in accepted(plan)[0] if one["type"] == "target"]
    sessions = list(rows(truth, "room", "session"))
    assert len(said) == 2 * len(sessions) == 8
    for row in sessions:
        told = {
            one["metric"]: one["value"]
            for one in sorted(said, key=lambda one: one["event_time_ms"])
            if one["room_id"] == row["room_id"] and one["event_time_ms"] < row["end_ms"]
        }
        # The plan is the session's own length in begun minutes: at its end nearly all is due.
        length_ms = row["end_ms"] - row["start_ms"]
        assert told["session_minutes"] == -(-length_ms // 60_000)
        due = told["gmv_paid"] * length_ms // (told["session_minutes"] * 60_000)
        paid = row["metrics"]["gmv_paid"]
        assert row["metrics"]["target_gmv"] == told["gmv_paid"]
        assert row["metrics"]["target_pace"] == {"num": paid, "den": due, "value": paid / due}


def test_stock_equals_a_recount_and_boards_are_sorted_with_ties_by_key() -> None:
    plan = PLANS[2]
    truth = truth_of(Recording(plan))
    events, _ = accepted(plan)
    rooms_of_refunds(events)
    for pool in truth["stock"]:
        mine = [
            one for one in events
            if one["tenant"] == pool["tenant"]
            and (one.get("pool_id") or one.get("product_id")) == pool["pool"]
        ]  # fmt: skip

        def units(kind: str, mine: list[Line] = mine) -> int:
            return sum(one["qty"] for one in mine if one["type"] == kind)

        on_hand = units("stock_set") + units("stock_adjust")
        on_hand += units("refund_succeeded") - units("order_paid")
        held = units("order_created") - units("order_paid") - units("order_cancelled")
        assert (pool["on_hand"], pool["reserved"]) == (on_hand, held)
        assert pool["available"] == on_hand - held
        assert pool["oversold"] == max(0, held - on_hand)
        made = {one["order_id"]: one["event_time_ms"] for one in mine
                if one["type"] == "order_created"}  # fmt: skip
        named = [made[order] for order in pool["oversold_orders"]]
        assert named == sorted(named)
        assert bool(named) == (pool["oversold"] > 0)
    oversold = sum(pool["oversold"] for pool in truth["stock"])
    assert oversold > 0
    for board in truth["boards"]:
        order = [(-entry["value"], entry["key"]) for entry in board["entries"]]
        assert order == sorted(order)
        assert order


def test_the_truth_file_is_what_the_recording_says(tmp_path: Path) -> None:
    out, truth = tmp_path / "out.ndjson", tmp_path / "truth.json"
    summary = write_recording(PLANS[0], out, truth)
    assert json.loads(truth.read_text(encoding="utf-8")) == json.loads(
        json.dumps(Recording(PLANS[0]).truth())
    )
    assert out.read_bytes() == b"".join(chunk.lines for chunk in simulate_lines(PLANS[0]))
    assert summary.size_bytes == out.stat().st_size


def test_a_minute_of_which_only_the_start_of_a_room_is_told_has_no_row(tmp_path: Path) -> None:
    plan = SimulationPlan(scenario="flash_sale", rooms=1, minutes=2, rate=30)
    began_ms = truth_of(Recording(plan))["sessions"][0]["start_ms"]
    plan = replace(plan, start_ms=plan.start_ms + 60_000 - began_ms % 60_000 - 1)
    truth = truth_of(Recording(plan))
    began_ms = truth["sessions"][0]["start_ms"]
    assert began_ms % 60_000 == 59_999
    starts = [row["start_ms"] for row in rows(truth, "room", "1m")]
    assert starts[0] == began_ms + 1
    write_recording(plan, tmp_path / "recording.ndjson")
    events = read_events(tmp_path / "recording.ndjson", "ndjson", b"key")
    folded = [row for row in run_replay(events, settings=Settings()) if row.dimension == "room"]
    assert [row.start_ms for row in folded if row.window == "1m"] == starts
