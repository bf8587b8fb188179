"""Engine against oracle on logs of days: orders are forgotten after `ledger_days`."""

import random

import pytest

from stream.settings import Settings
from tests.oracle.support import Log, agree_on

_DAY_MS = 86_400_000
_ORDERS, _REFUNDS, _LINES = 12, 6, (None, "1", "2")
_KINDS = (
    *("order_created", "order_paid", "order_paid", "order_cancelled"),
    *("refund_requested", "refund_succeeded", "refund_succeeded"),
)


def log_of_days(seed: int, *, days: int = 6, orders: int = 40, ends: bool = True) -> Log:
    """A session a day, or one of them all, and events of orders that may be of any day before."""
    rng, log = random.Random(seed), Log()
    for day in range(days):
        day_ms = day * _DAY_MS
        log.tick(day_ms)
        if ends or not day:
            log.add("room_status", day_ms + 100, status="start")
        for second in range(orders):
            at_ms = day_ms + second * 1_000
            _order(rng, log, at_ms + 500)
            log.tick(at_ms + 1_000)
        end_ms = day_ms + orders * 1_000
        if ends:
            log.add("room_status", end_ms, status="end")
        for second in range(0, 300, 10):
            log.tick(end_ms + 1_000 * (second + 1))
    return log


def _order(rng: random.Random, log: Log, at_ms: int) -> None:
    kind, number = rng.choice(_KINDS), rng.randrange(_ORDERS)
    fields: dict[str, object] = {
        "order_id": f"o{number}",
        "line_id": rng.choice(_LINES),
        "product_id": f"p{number % 3}",
        "amount_minor": rng.randrange(1, 9_000),
    }
    if kind.startswith("refund"):
        fields["refund_id"] = f"f{rng.randrange(_REFUNDS)}"
        fields |= {"room_id": None, "product_id": None} if rng.random() < 0.7 else {}
    log.add(kind, at_ms, rng.randrange(5), **fields)


@pytest.mark.parametrize(("seed", "ledger_days"), [(0, 1), (1, 3)])
def test_orders_of_other_sessions_are_forgotten_alike(seed: int, ledger_days: int) -> None:
    log = log_of_days(seed)
    assert agree_on(log.lines, 7, Settings(ledger_days=ledger_days), boards=False) > 1_000


def test_orders_are_forgotten_alike_within_a_session_that_goes_on() -> None:
    """And its buyers are not: one of two days ago would have bought a second time again."""
    settings = Settings(ledger_days=1, session_idle_ms=_DAY_MS)
    assert agree_on(log_of_days(4, days=3, ends=False).lines, 7, settings) > 1_000


def test_what_is_kept_changes_figures() -> None:
    """So that the test above can fail: the oracle tells the two apart."""
    query = "SELECT count(*) FROM placed_events WHERE of_seen_order"
    log = log_of_days(0)
    assert log.query(query, Settings(ledger_days=1)) != log.query(query)
