"""Lines counted once, and where an order's refunds belong."""

import numpy as np

from operators.ledger import NO_LINE, Ledger, line_key, order_key
from stream.events import Event


def order(
    kind: str,
    *,
    order_id: str,
    line_id: str | None = None,
    refund_id: str | None = None,
    tenant: str = "t1",
) -> Event:
    return Event(
        event_id="e",
        source="s",
        type=kind,
        event_time_ms=0,
        tenant=tenant,
        order_id=order_id,
        line_id=line_id,
        refund_id=refund_id,
    )


def keys(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(numbers, np.uint64)


def test_a_line_is_new_once_within_a_call_and_over_calls() -> None:
    ledger = Ledger(2)
    assert ledger.new_lines(keys(5, 7, 5)).tolist() == [True, True, False]
    assert ledger.new_lines(keys(7, 9)).tolist() == [False, True]
    assert ledger.new_lines(keys()).tolist() == []


def test_a_line_is_told_apart_by_tenant_type_order_and_line() -> None:
    paid = order("order_paid", order_id="o1", line_id="1")
    others = [
        order("order_paid", order_id="o1"),
        order("order_paid", order_id="o1", line_id="2"),
        order("order_paid", order_id="o2", line_id="1"),
        order("order_created", order_id="o1", line_id="1"),
        order("order_paid", order_id="o1", line_id="1", tenant="t2"),
    ]
    assert line_key(paid) == line_key(order("order_paid", order_id="o1", line_id="1"))
    assert len({line_key(event) for event in [paid, *others]}) == 6


def test_a_refund_is_told_apart_by_its_own_number_and_not_its_order() -> None:
    first = order("refund_succeeded", order_id="o1", refund_id="f1")
    assert line_key(first) == line_key(order("refund_succeeded", order_id="o2", refund_id="f1"))
    assert line_key(first) != line_key(order("refund_succeeded", order_id="o1", refund_id="f2"))
    assert order_key(first) == order_key(order("order_paid", order_id="o1"))


def test_the_first_word_on_an_order_stands() -> None:
    ledger = Ledger(2)
    sessions, products = np.array([3, 4, 9]), np.array([1, 2, 9], np.int32)
    traits = np.array([[5, -1], [6, 7], [9, 9]], np.int32)
    bands = np.array([0, 1, 9], np.int32)
    ledger.remember(keys(10, 11, 10), sessions, products, traits, bands)
    ledger.remember(keys(11), np.array([8]), np.array([8], np.int32), traits[:1], bands[:1])
    rows = [ledger.find(10), ledger.find(11)]
    assert ledger.session[rows].tolist() == [3, 4]
    assert ledger.product[rows].tolist() == [1, 2]
    assert ledger.traits[rows].tolist() == [[5, -1], [6, 7]]
    assert ledger.band[rows].tolist() == [0, 1]


def test_an_unknown_order_has_no_line() -> None:
    assert Ledger(1).find(1) == NO_LINE


def test_it_keeps_tens_of_thousands_of_lines() -> None:
    ledger = Ledger(1)
    many = np.arange(1, 40_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for start in range(0, len(many), 7_000):
        assert ledger.new_lines(many[start : start + 7_000]).all()
    assert not ledger.new_lines(many[::-1]).any()
