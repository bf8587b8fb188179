from pathlib import Path

import pytest

from simulators.bulk import lines, write
from simulators.bulk_blocks import BulkPlan
from stream.codec import decode
from stream.errors import ConfigError
from stream.validate import reject_reason

PLAN = BulkPlan(40_000, rooms=7, tenants=3, viewers=500, products=20, minutes=10)


def test_it_writes_exactly_that_many_valid_events_in_order() -> None:
    events, rejected = decode(b"".join(lines(PLAN)))
    assert rejected == []
    assert {reject_reason(event) for event in events} == {None}
    ticks = [event for event in events if event.type == "tick"]
    others = [event for event in events if event.type != "tick"]
    assert len(others) == PLAN.events
    assert len({(event.source, event.event_id) for event in events}) == len(events)
    times = [event.event_time_ms for event in events]
    assert times == sorted(times)
    steps = {
        after.event_time_ms - before.event_time_ms
        for before, after in zip(ticks, ticks[1:-1], strict=False)
    }
    assert steps == {1_000}
    assert events[-1].type == "tick"
    assert {event.tenant for event in others} == {"t1", "t2", "t3"}
    assert len({event.user_id for event in others if event.user_id}) <= 500


def test_paid_orders_were_created_and_refunds_were_paid() -> None:
    known: dict[str, set[str]] = {"order_created": set(), "order_paid": set()}
    events, _ = decode(b"".join(lines(PLAN)))
    refunds = 0
    for event in events:
        if event.type in known and event.order_id:
            assert event.order_id not in known[event.type]
            known[event.type].add(event.order_id)
            if event.type == "order_paid":
                assert event.order_id in known["order_created"]
        elif event.type == "refund_succeeded":
            assert event.order_id in known["order_paid"]
            refunds += 1
    assert refunds > 0


def test_the_same_plan_gives_the_same_file(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert write(PLAN, first) == write(PLAN, second) == first.stat().st_size
    assert first.read_bytes() == second.read_bytes()


def test_too_few_events_are_refused() -> None:
    with pytest.raises(ConfigError, match="events"):
        BulkPlan(100)
    with pytest.raises(ConfigError, match="tenants"):
        BulkPlan(10_000, rooms=2, tenants=3)
