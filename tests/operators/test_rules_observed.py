"""What the alert book observes itself."""

import msgspec

from operators.rules.observed import Observed
from operators.talk.matching import judge_of
from stream.events import Event

T0 = 1_700_000_000_000


def line(kind: str, number: int, at_ms: int, **more: str) -> Event:
    body = {
        "event_id": f"{kind}{number}", "source": "/test", "type": kind, "tenant": "t1",
        "room_id": "r1", "event_time_ms": at_ms, "order_id": f"o{number}", **more,
    }  # fmt: skip
    return msgspec.convert(body, Event)


def test_the_most_refunded_item_is_found_by_its_orders_whatever_came_first() -> None:
    paid = [line("order_paid", n, T0 + n, sku_id="red" if n < 3 else "blue") for n in range(5)]
    back = [line("refund_succeeded", n, T0 + 1_000 + n, refund_id=f"f{n}") for n in range(5)]
    found = []
    for events in (paid + back, back + paid):
        observed = Observed()
        for event in events:
            observed.take(event, judge_of(()))
        found.append(observed.most_refunded("r1", T0 + 10_000))
    assert found == [("sku", "red", 0.6), ("sku", "red", 0.6)]


def test_a_refund_that_says_its_product_needs_no_order() -> None:
    observed = Observed()
    told = line("refund_succeeded", 1, T0, refund_id="f1", product_id="p9")
    observed.take(told, judge_of(()))
    assert observed.most_refunded("r1", T0 + 10_000) == ("product", "p9", 1.0)
    assert observed.most_refunded("r1", T0 + 700_000) is None
    assert observed.most_refunded("r2", T0) is None


def test_a_violation_counts_from_its_own_moment_on() -> None:
    observed = Observed()
    observed.take(line("violation", 1, T0 + 1_500), judge_of(()))
    assert observed.value("r1", "session", "violations", T0 + 1_000) == (0, None)
    assert observed.value("r1", "session", "violations", T0 + 2_000) == (1, None)
