"""When flushes may happen: not before their interval, not beyond their share of the time."""

from stream.pace import Budget, Pace


def test_it_is_due_once_an_interval() -> None:
    pace = Pace(50, Budget(0.5))
    assert pace.due(10.0)
    pace.done(10.0, 0.001)
    assert not pace.due(10.049)
    assert pace.due(10.051)


def test_what_costs_much_waits_until_it_was_its_share() -> None:
    pace = Pace(50, Budget(0.25))
    pace.done(10.0, 0.1)
    assert not pace.due(10.399)
    assert pace.due(10.401)


def test_shards_share_one_budget() -> None:
    budget = Budget(0.25)
    one, other = Pace(0, budget), Pace(0, budget)
    one.done(10.0, 0.1)
    assert not other.due(10.3)
    other.done(10.5, 0.1)
    assert not one.due(10.89)
    assert one.due(10.91)


def test_idle_time_is_not_saved_up() -> None:
    pace = Pace(0, Budget(0.25))
    pace.done(0.0, 0.1)
    pace.done(1_000.0, 0.1)
    assert not pace.due(1_000.3)


def test_what_was_begun_may_go_on_within_the_budget() -> None:
    pace = Pace(250, Budget(0.25))
    pace.done(10.0, 0.01)
    assert not pace.may_go_on(10.039)
    assert pace.may_go_on(10.041)
    assert not pace.due(10.041)
