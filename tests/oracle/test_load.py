from typing import Any

from tests.oracle.support import Log, T


def reasons(log: Log) -> list[tuple[object, ...]]:
    return log.query("SELECT event_id, reason, copy FROM judged ORDER BY pos")


def test_lateness_is_judged_at_the_log_position_and_its_bound_is_inclusive() -> None:
    log = Log().add("enter", 0, 1, event_id="early").tick(100_000)
    log.add("enter", 38_000, 1, event_id="just").add("enter", 37_999, 1, event_id="late")
    log.add("enter", 160_000, 1, event_id="ahead").add("enter", 160_001, 1, event_id="far")
    log.tick(101_000).add("enter", 38_999, 1, event_id="late2")
    assert [(name, reason) for name, reason, _ in reasons(log)] == [
        ("early", "before_first_tick"),
        ("just", None),
        ("late", "too_late"),
        ("ahead", None),
        ("far", "clock_skew"),
        ("late2", "too_late"),
    ]


def test_a_copy_counts_only_against_an_accepted_one() -> None:
    log = Log().tick(0).add("enter", 60_001, 1, event_id="x").add("enter", 0, 1, event_id="x")
    log.add("enter", 0, 1, event_id="x").add("enter", 0, 1, event_id="x", source="other")
    assert [copy for _, reason, copy in reasons(log) if reason is None] == [1, 2, 1]


def test_order_lines_and_refunds_count_once_whatever_their_event_id() -> None:
    line: dict[str, Any] = {"order_id": "o", "line_id": "1", "amount_minor": 5}
    log = Log().tick(0).add("order_paid", 0, 1, **line).add("order_paid", 0, 1, **line)
    log.add("order_created", 0, 1, **line).add("order_paid", 0, 1, **{**line, "line_id": "2"})
    log.add("refund_succeeded", 0, 1, refund_id="f", **line)
    log.add("refund_succeeded", 0, 1, refund_id="f", **line)
    counts = log.query("SELECT type, count(*) FROM accepted GROUP BY type ORDER BY type")
    assert counts == [("order_created", 1), ("order_paid", 2), ("refund_succeeded", 1)]


def test_a_refund_counts_in_the_session_of_its_order_line() -> None:
    line: dict[str, Any] = {"order_id": "o", "line_id": "1", "amount_minor": 5}
    log = Log().tick(0).add("order_paid", 0, 1, product_id="p", **line)
    log.add("refund_succeeded", 10, refund_id="f", room_id=None, **line)
    log.add("refund_succeeded", 10, refund_id="g", room_id=None, order_id="?", amount_minor=1)
    rooms = log.query(
        "SELECT refund_id, room_id, product_id FROM placed_events WHERE refund_id > ''"
    )
    assert rooms == [("f", "r", "p")]


def test_what_is_no_event_is_left_out() -> None:
    log = Log().tick(0).raw(b'{"event_id":').raw(b"\xff\x00").add("enter", 0)
    log.add("enter", 0, 1, tenant=None).add("nothing", 0, 1).add("enter", 0, 1)
    assert log.query("SELECT count(*) FROM accepted") == [(1,)]
    assert log.query("SELECT lines FROM unreadable") == [(5,)]


def test_online_is_exact_by_the_second_and_a_leave_wins_its_second() -> None:
    log = Log().tick(0).add("enter", 0, 1).add("enter", 1_500, 2).add("leave", 1_900, 2)
    log.add("enter", 2_000, 3).add("leave", 4_000, 3).add("like", 5_000, 3)
    levels = log.query("SELECT from_s, to_s, online FROM levels ORDER BY from_s")
    start = T // 1000
    assert levels == [
        (start, start + 2, 1),
        (start + 2, start + 4, 2),
        (start + 4, start + 5, 1),
        (start + 5, start + 300, 2),
        (start + 300, start + 305, 1),
    ]
