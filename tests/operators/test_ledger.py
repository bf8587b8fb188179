"""Lines counted once, and where an order's refunds belong."""

import numpy as np

from operators.ledger import NEVER, Ledger, order_key, order_line
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


def paid(*names: str) -> list[Event]:
    return [order("order_paid", order_id=name) for name in names]


def rows(ledger: Ledger, *names: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    keys = [order_key(event) for event in paid(*names)]
    return ledger.rows(np.array(keys, np.uint64))


def test_a_line_is_new_once_within_a_call_and_over_calls() -> None:
    ledger = Ledger(2)
    assert ledger.new_lines(paid("5", "7", "5")).tolist() == [True, True, False]
    assert ledger.new_lines(paid("7", "9")).tolist() == [False, True]
    assert ledger.new_lines([]).tolist() == []


def test_a_line_is_told_apart_by_tenant_type_order_and_line() -> None:
    first = order("order_paid", order_id="o1", line_id="1")
    others = [
        order("order_paid", order_id="o1"),
        order("order_paid", order_id="o1", line_id="2"),
        order("order_paid", order_id="o2", line_id="1"),
        order("order_created", order_id="o1", line_id="1"),
        order("order_cancelled", order_id="o1", line_id="1"),
        order("order_paid", order_id="o1", line_id="1", tenant="t2"),
    ]
    ledger = Ledger(2)
    assert ledger.new_lines([first, *others]).all()
    assert not ledger.new_lines([*others, first]).any()


def test_no_line_and_one_without_a_name_are_the_same_line_but_not_the_same_place() -> None:
    ledger = Ledger(2)
    unnamed = order("order_paid", order_id="o1", line_id="")
    assert ledger.new_lines([*paid("o1"), unnamed]).tolist() == [True, False]
    assert ledger.new_lines([unnamed, *paid("o1")]).tolist() == [False, False]
    key = order_key(unnamed)
    assert order_line(key, None) == key != order_line(key, "")


def test_a_refund_is_told_apart_by_its_own_number_and_not_its_order() -> None:
    first = order("refund_succeeded", order_id="o1", refund_id="f1")
    ledger = Ledger(2)
    assert ledger.new_lines([first, first]).tolist() == [True, False]
    other = order("refund_succeeded", order_id="o2", refund_id="f1")
    assert ledger.new_lines([other]).tolist() == [False]
    others = [
        order("refund_succeeded", order_id="o1", refund_id="f2"),
        order("refund_requested", order_id="o1", refund_id="f1"),
        order("refund_succeeded", order_id="o1", refund_id="f1", line_id="1"),
    ]
    assert ledger.new_lines(others).all()
    assert order_key(first) == order_key(order("order_paid", order_id="o1"))


def remember(ledger: Ledger, at: list[int], numbers: list[int]) -> list[bool]:
    """Say of each row that all about it is this number."""
    codes = np.array(numbers, np.int32)
    traits = np.repeat(codes[:, None], 2, 1)
    new = ledger.remember(np.array(at), codes.astype(np.int64), codes, traits, codes)
    return [bool(one) for one in new]


def known(ledger: Ledger, row: int) -> list[int]:
    session, product, traits, band = ledger.of(row)
    return [session, product, *traits.tolist(), band]


def test_the_first_word_on_an_order_stands() -> None:
    ledger = Ledger(2)
    one, two = rows(ledger, "a", "b").tolist()
    assert not ledger.is_known(one)
    assert remember(ledger, [one, two, one], [3, 4, 9]) == [True, True, False]
    assert remember(ledger, [two], [8]) == [False]
    assert known(ledger, one) == [3] * 5
    assert known(ledger, two) == [4] * 5


def test_the_earliest_payment_of_an_order_counts() -> None:
    ledger = Ledger(2)
    at = rows(ledger, "a", "b", "c")
    ledger.pay(at[[0, 1, 0]], np.array([50, 70, 40]))
    ledger.pay(at[:1], np.array([60]))
    assert ledger.paid(at).tolist() == [40, 70, NEVER]


def test_orders_are_forgotten_by_day_and_the_others_keep_their_numbers() -> None:
    ledger = Ledger(2)
    ledger.turn_day(1, 30)
    old = rows(ledger, "a", "b")
    remember(ledger, old.tolist(), [1, 2])
    ledger.pay(old, np.array([10, 20]))
    ledger.new_lines([order("refund_succeeded", order_id="a", refund_id="f")])
    ledger.turn_day(2, 30)
    young = rows(ledger, "c", "d")
    remember(ledger, young.tolist(), [3, 4])
    ledger.pay(young, np.array([30, 40]))
    ledger.turn_day(31, 30)
    assert rows(ledger, "b", "c").tolist() == [old[1], young[0]]
    ledger.turn_day(32, 30)
    assert rows(ledger, "c", "d").tolist() == young.tolist()
    assert [known(ledger, row) for row in young.tolist()] == [[3] * 5, [4] * 5]
    assert ledger.paid(np.concatenate((old, young))).tolist() == [NEVER, NEVER, 30, 40]
    again = int(rows(ledger, "b")[0])
    assert again > young[1]
    assert not ledger.is_known(again)
    assert ledger.new_lines([order("refund_succeeded", order_id="a", refund_id="f")]).all()
    ledger.turn_day(90, 30)
    ledger.turn_day(150, 30)
    assert len(ledger.orders) == len(ledger.refunds) == 0
    assert ledger.places.count == ledger.kinds.count == 1


def test_it_keeps_tens_of_thousands_of_lines() -> None:
    ledger = Ledger(1)
    many = paid(*(str(n) for n in range(40_000)))
    for start in range(0, len(many), 7_000):
        assert ledger.new_lines(many[start : start + 7_000]).all()
    assert not ledger.new_lines(many[::-1]).any()
