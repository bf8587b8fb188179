"""Orders that are older than `ledger_days` have no session any more; the log alone decides."""

import pytest

from operators.snapshot import freeze, thaw
from tests.operators.one_room import event, play, quiet_shard, tick, ticks

_DAY_S = 86_400
_DAYS = 3


def order(kind: str, at_s: int, order_id: str, **more: object) -> bytes:
    """An order event of product p1; a refund's has no room of its own."""
    body: dict[str, object] = {
        "event_id": f"{kind}{order_id}{more.get('refund_id', '')}",
        "order_id": order_id,
        "amount_minor": 700,
        "product_id": "p1",
    }
    return event(kind, at_s * 1000, 0, 1, **{**body, **more})


def log(days: int) -> list[bytes]:
    """Two orders of a session and, after so many days, a refund of each."""
    lines = [*ticks(0, 1), event("room_status", 1_000, 1, status="start")]
    lines += [order("order_paid", 2, "o1"), order("order_paid", 3, "o2"), *ticks(2, 10)]
    lines += [event("room_status", 10_000, 2, status="end"), *ticks(11, 200)]
    for day in range(1, days + 1):
        at_s = day * _DAY_S
        lines += ticks(at_s - 9, at_s)
        if day == days:
            for order_id in ("o1", "o2"):
                refund_id = f"f{order_id}"
                lines.append(
                    order("refund_succeeded", at_s, order_id, refund_id=refund_id, room_id="null")
                )
        lines += ticks(at_s + 1, at_s + 200)
    return lines


def refunded(days: int, size: int, *, stops: bool = False) -> list[object]:
    """Refunded amount of the session by revision."""
    shard, rows, lines = quiet_shard(ledger_days=_DAYS), [], log(days)
    for start in range(0, len(lines), 150):
        rows += play(lines[start : start + 150], shard, size=size).metrics("session")
        if stops:
            data = freeze(shard)
            shard = quiet_shard(ledger_days=_DAYS)
            thaw(shard, data)
    metrics = [row["metrics"] for row in rows]
    return [one["refund_amount"] for one in metrics if isinstance(one, dict)]


@pytest.mark.parametrize("size", [1, 40, 0])
def test_a_refund_revises_its_session_while_its_order_is_kept(size: int) -> None:
    assert refunded(_DAYS, size) == [0, 1400]
    assert refunded(_DAYS + 1, size) == [0]


def test_a_resumed_engine_forgets_the_same_orders() -> None:
    assert refunded(_DAYS, 0, stops=True) == [0, 1400]
    assert refunded(_DAYS + 1, 0, stops=True) == [0]


def test_the_state_of_forgotten_orders_is_let_go() -> None:
    shard = quiet_shard(ledger_days=_DAYS)
    play(log(_DAYS), shard)
    assert len(shard.state.ledger.orders) == 2
    play([tick((_DAYS + day) * _DAY_S * 1000) for day in range(1, 3)], shard)
    assert len(shard.state.ledger.orders) == len(shard.state.ledger.place) == 0
