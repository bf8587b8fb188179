"""Refunds that come long after their session was sealed revise it, each of them once."""

import numpy as np
import pytest

from operators.packing import Packing
from operators.snapshot import freeze, thaw
from tests.operators.one_room import T0_MS, event, play, quiet_shard, tick, ticks

_MINUTE_S = 60


def order(kind: str, at_s: int, number: int, user: int, **more: object) -> bytes:
    """An order event of product p1; `number` is the order's."""
    body: dict[str, object] = {
        "event_id": f"{kind}{number}",
        "order_id": f"o{number}",
        "amount_minor": 700,
        "product_id": "p1",
    }
    return event(kind, at_s * 1000, 0, user, **{**body, **more})


def refund(at_s: int, number: int, user: int, refund_id: str, **more: object) -> bytes:
    """A refund of an order."""
    own = {"refund_id": refund_id, "event_id": f"r{refund_id}"}
    return order("refund_succeeded", at_s, number, user, **own, **more)


def other_session(minute: int) -> list[bytes]:
    """A short session of another room, with the ticks of three minutes: it is sealed in them."""
    start = minute * _MINUTE_S
    return [
        event("room_status", start * 1000, 10 + minute, status="start", room_id="r2"),
        *ticks(start, start + 9),
        event("room_status", start * 1000 + 9_000, 50 + minute, status="end", room_id="r2"),
        *ticks(start + 10, (minute + 3) * _MINUTE_S),
    ]


def log() -> list[bytes]:
    """A session with a refund in it, and others 20, 36 and 50 minutes after it.

    Between them others are sealed: then those before are looked at, too.
    """
    lines = [*ticks(0, 1), event("room_status", 1_000, 1, status="start")]
    lines += [order("order_paid", 2, number, number % 2) for number in range(1, 6)]
    lines += [refund(50, 1, 1, "f1"), *ticks(2, 60)]
    lines += [event("room_status", 60_000, 2, status="end"), *ticks(61, 17 * _MINUTE_S)]
    lines += [*other_session(17), refund(20 * _MINUTE_S, 3, 1, "f2")]
    lines += ticks(20 * _MINUTE_S + 1, 33 * _MINUTE_S)
    lines += [*other_session(33), refund(36 * _MINUTE_S, 2, 0, "f3")]
    lines += ticks(36 * _MINUTE_S + 1, 47 * _MINUTE_S)
    lines += [*other_session(47), refund(50 * _MINUTE_S, 2, 0, "f4")]
    return [*lines, *ticks(50 * _MINUTE_S + 1, 51 * _MINUTE_S)]


WANTED = [(0, 700, 1, 1), (1, 1400, 2, 1), (2, 2100, 3, 2), (3, 2800, 3, 2)]
"""(revision, refund_amount, orders with a refund, viewers with one)."""


def found(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Revisions of the first session as `WANTED` has them."""
    out: list[tuple[object, ...]] = []
    for row in rows:
        metrics = row["metrics"]
        assert isinstance(metrics, dict)
        if metrics["orders_paid"]:
            uv, orders = metrics["refund_rate_uv"], metrics["refund_rate_ord"]
            out.append((row["revision"], metrics["refund_amount"], orders["num"], uv["num"]))
    return out


def test_who_had_a_refund_counts_once_however_late_the_next_comes() -> None:
    played = play(log(), quiet_shard())
    assert found(played.metrics("session")) == WANTED
    assert [row["revision"] for row in played.metrics("session", "product")] == [0, 1, 2, 3]


def test_a_snapshot_between_late_refunds_changes_nothing() -> None:
    lines, rows = log(), []
    shard = quiet_shard()
    for start in range(0, len(lines), 500):
        rows += play(lines[start : start + 500], shard).metrics("session")
        data = freeze(shard)
        shard = quiet_shard()
        thaw(shard, data)
    assert found(rows) == WANTED


def test_a_late_refund_wakes_no_explanation_for_longer_than_it_needs() -> None:
    """One is of an order that was explained, the other of a product that never was."""
    lines = [*ticks(0, 1), event("room_status", 1_000, 1, status="start")]
    lines += [event("explain_start", 2_000, 2, product_id="p1")]
    lines += [order("order_paid", 3, 1, 1), order("order_paid", 4, 2, 1, product_id="p2")]
    lines += [event("room_status", 60_000, 3, status="end"), *ticks(5, 20 * _MINUTE_S)]
    for minute, number, product in ((20, 2, "p2"), (40, 1, "p1")):
        at_s = minute * _MINUTE_S
        lines += [refund(at_s, number, 1, f"f{number}", product_id=product)]
        lines += ticks(at_s + 1, at_s + 20 * _MINUTE_S)
    shard, revisions = quiet_shard(), list[object]()
    told, resting = shard.state.intervals.told, shard.state.intervals.resting
    for start in range(0, len(lines), 20):
        rows = play(lines[start : start + 20], shard).metrics("session", "explanation")
        revisions += [row["revision"] for row in rows]
        minute = ((shard.state.clock.tick_ms or 0) - T0_MS) // 60_000
        if minute % 20 > 14:
            assert (len(told), len(resting)) == (0, 1)
    assert revisions == [0, 1]


def test_an_old_session_that_is_being_said_when_others_are_forgotten_keeps_its_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [*ticks(0, 1), event("room_status", 1_000, 1, status="start")]
    lines += [event("explain_start", 2_000, 2, product_id="p1"), order("order_paid", 3, 1, 1)]
    lines += [event("room_status", 60_000, 3, status="end"), *ticks(5, 20 * _MINUTE_S)]
    shard = quiet_shard()
    play(lines, shard)
    assert len(shard.state.packing) == 1
    shard.state.packing.bring_back(np.array([0]))
    # Many are unpacked: it is not its turn yet.
    monkeypatch.setattr(Packing, "_pack", lambda *_: None)
    later_s = (shard.state.options.ledger_days + 4) * 86_400
    play([tick(later_s * 1000)], shard)
    shard.forget_sent()
    said = {patch.channel for patch in shard.flush(0).patches}
    assert any("explanation" in channel for channel in said)
