"""Buyers with a second order, against a dict."""

import random

from operators.sides.repeat import RepeatBuyers


def test_buyers_with_a_second_order_are_counted_once_also_after_a_snapshot() -> None:
    rng = random.Random(3)
    buyers, first, count = RepeatBuyers(), dict[tuple[int, int], int](), dict[int, int]()
    for number in range(3_000):
        session, buyer, order = rng.randrange(3), rng.randrange(400), rng.randrange(1, 6)
        buyers.paid(session, buyer, order)
        known = first.setdefault((session, buyer), order)
        if known not in (order, 0):
            first[session, buyer] = 0
            count[session] = count.get(session, 0) + 1
        if number == 1_500:
            again = RepeatBuyers()
            again.restore(buyers.snapshot())
            again.count = dict(buyers.count)
            buyers = again
    assert buyers.count == count
