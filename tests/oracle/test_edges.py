"""Small logs, each with one thing that is easy to get wrong: engine against oracle."""

from typing import Any

from tests.oracle.support import Log, T, agree_on

LINE: dict[str, Any] = {"order_id": "o", "line_id": "1", "amount_minor": 500, "product_id": "p"}
REFUND: dict[str, Any] = {"order_id": "o", "line_id": "1", "amount_minor": 100, "room_id": None}


def run_to(log: Log, end_s: int) -> Log:
    """Tick every second up to `end_s`, exclusive."""
    ticks = [line for line in log.lines if b'"tick"' in line]
    for second in range(len(ticks), end_s):
        log.tick(second * 1000)
    return log


def agree(log: Log) -> int:
    """Compare in one batch, and with batches of three lines; gives the number of values."""
    return agree_on(log.lines, 3)


def session(until_s: int) -> Log:
    """A session with two viewers that ends after nine seconds."""
    log = run_to(Log(), 1).add("room_status", 0, status="start").add("enter", 0, 1, channel="paid")
    run_to(log, 4).add("enter", 3_500, 2, channel="feed")
    run_to(log, 10).add("room_status", 9_000, status="end")
    return run_to(log, until_s)


def test_a_refund_finds_an_order_of_the_second_before() -> None:
    log = run_to(Log(), 1).add("enter", 0, 1).add("order_paid", 0, 1, **LINE)
    log.add("refund_succeeded", 10, 1, refund_id="f", **REFUND)
    assert agree(run_to(log, 300))


def test_two_late_refunds_of_one_order_are_one_refunded_order() -> None:
    log = run_to(Log(), 1).add("room_status", 0, status="start").add("enter", 0, 1)
    log.add("order_paid", 0, 1, **LINE)
    run_to(log, 10).add("room_status", 9_000, status="end")
    run_to(log, 20).add("refund_succeeded", 19_000, 1, refund_id="f1", **REFUND)
    run_to(log, 400).add("refund_succeeded", 399_000, 1, refund_id="f2", **REFUND)
    assert agree(run_to(log, 900))


def test_a_trailing_event_that_comes_late_still_belongs_to_its_session() -> None:
    assert agree(run_to(session(90).add("enter", 59_000, 3), 400))
    assert agree(run_to(session(60).add("enter", 59_000, 3), 400))


def test_a_refund_after_the_end_opens_no_session() -> None:
    log = session(74).add("refund_succeeded", 73_500, refund_id="f", order_id="?", amount_minor=1)
    assert agree(run_to(log, 400))


def test_a_start_shortly_after_the_end_resumes_the_session() -> None:
    log = session(16).add("room_status", 15_000, status="start").add("enter", 15_500, 3)
    run_to(log, 40).add("enter", 5_000, 4)
    run_to(log, 100).add("room_status", 99_000, status="end")
    assert agree(run_to(log, 400))


def test_a_late_event_revises_a_session_with_trailing_events() -> None:
    log = session(20).add("comment", 18_000, 1)
    assert agree(run_to(run_to(log, 50).add("enter", 2_000, 3), 400))


def test_a_late_viewer_of_one_channel_changes_the_shares_of_the_others() -> None:
    log = run_to(Log(), 1).add("enter", 0, 1, channel="paid").add("enter", 0, 2, channel="feed")
    run_to(log, 110).add("enter", 59_000, 3, channel="paid")
    assert agree(run_to(log, 400))


def test_an_early_event_that_opens_nothing_moves_no_start() -> None:
    log = run_to(Log(), 4).add("enter", 3_000, 1).add("cost", 0, amount_minor=1)
    assert agree(run_to(log, 300))


def test_a_shard_without_any_counted_event_has_rows_of_its_audience_only() -> None:
    log = run_to(Log(), 1).add("heartbeat", 0, 1)
    assert agree(run_to(log, 300))


def test_sparse_ticks_give_the_same_minutes_as_dense_ones() -> None:
    dense = run_to(Log(), 1).add("enter", 0, 1)
    assert agree(run_to(dense, 2_000).add("enter", 2_000_000, 1).tick(2_400_000))
    sparse = Log().tick(0).add("enter", 0, 1)
    assert agree(sparse.tick(2_000_000).add("enter", 2_000_000, 1).tick(2_400_000))


def test_the_last_minutes_of_a_recording_are_said() -> None:
    log = run_to(Log(), 1).add("enter", 0, 1).add("like", 500, 1, qty=3)
    assert agree(log.tick(180_000 + T % 60_000)) > 50
