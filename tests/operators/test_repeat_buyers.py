"""Buyers with a second order, against a dict."""

import random

import numpy as np
import pytest

from operators.sides.repeat import RepeatBuyers


@pytest.mark.parametrize("size", [1, 7, 500])
def test_buyers_with_a_second_order_are_counted_once_also_after_a_snapshot(size: int) -> None:
    rng = random.Random(3)
    buyers, known, count = RepeatBuyers(), dict[tuple[int, int], set[int]](), dict[int, int]()
    lines = [(rng.randrange(3), rng.randrange(400), rng.randrange(5)) for _ in range(3_000)]
    for start in range(0, len(lines), size):
        sessions, people, orders = zip(*lines[start : start + size], strict=True)
        buyers.paid(list(sessions), list(people), np.array(orders))
        if start == 1_500:
            again = RepeatBuyers()
            again.restore(buyers.snapshot())
            again.count = dict(buyers.count)
            buyers = again
    for session, buyer, order in lines:
        known.setdefault((session, buyer), set()).add(order)
    for (session, _), different in known.items():
        count[session] = count.get(session, 0) + (len(different) > 1)
    assert buyers.count == count


def test_buyers_go_with_their_day_and_the_others_stay() -> None:
    buyers = RepeatBuyers()
    buyers.turn_day(1, 3)
    buyers.paid([1, 1], [5, 6], np.array([1, 2]))
    buyers.turn_day(2, 3)
    buyers.paid([1], [7], np.array([3]))
    buyers.turn_day(5, 3)
    assert len(buyers.index) == 1
    buyers.paid([1], [7], np.array([3]))
    assert not buyers.count
    buyers.paid([1, 1], [7, 5], np.array([4, 4]))
    assert buyers.count == {1: 1}
