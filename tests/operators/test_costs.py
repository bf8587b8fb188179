"""Costs of goods: the same whether a session rests or not."""

import sys

from operators.sides.costs import Costs

PEN, CUP, NOBODY_KNOWS = ("t", "g", "pen"), ("t", "g", "cup"), None


def sold() -> Costs:
    """Two sessions; a pen costs 3, a cup 5."""
    costs = Costs()
    costs.say(PEN, 10, 3)
    costs.say(CUP, 10, 5)
    for session, product, units in ((1, PEN, 2), (1, CUP, 1), (2, CUP, 4), (1, PEN, 300)):
        costs.sold(session, product, units)
    return costs


def test_a_session_that_rests_costs_the_same_and_takes_refunds() -> None:
    costs = sold()
    before = [costs.of_session(session, 20) for session in (1, 2, 3)]
    assert before == [911, 20, 0]
    costs.rest([1, 3])
    assert [costs.of_session(session, 20) for session in (1, 2, 3)] == before
    costs.sold(1, PEN, -301)
    assert costs.of_session(1, 20) == 8
    costs.rest([1, 2])
    costs.sold(1, NOBODY_KNOWS, 1)
    assert costs.of_session(1, 20) is None
    assert costs.of_session(2, 20) == 20


def test_a_cost_changes_the_sessions_that_do_not_rest() -> None:
    costs = sold()
    assert costs.with_product(CUP) == [1, 2]
    costs.rest([1])
    assert costs.with_product(CUP) == [2]
    assert costs.with_product(("t", "g", "jar")) == []


def test_a_session_at_rest_takes_a_few_bytes_a_product() -> None:
    costs = Costs()
    for number in range(40):
        costs.sold(1, ("t", "g", f"p{number}"), number)
    before = sys.getsizeof(costs.units[1])
    costs.rest([1])
    assert not costs.units
    assert sys.getsizeof(costs.resting[1]) * 8 < before
