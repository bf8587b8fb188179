from typing import Any

from stream.oracle.sessions import Session
from tests.oracle.support import Log, T

MINUTE = 60_000


def spans(log: Log) -> list[tuple[int, int]]:
    rows = log.query("SELECT start_ms, end_ms FROM sessions ORDER BY start_ms")
    return [(int(str(start)) - T, int(str(end)) - T) for start, end in rows]


def started(log: Log, at_ms: int, status: str) -> Log:
    return log.tick(at_ms).add("room_status", at_ms, status=status)


def test_a_session_runs_from_start_to_end_and_keeps_what_trails() -> None:
    log = started(Log(), 0, "start").add("enter", 500, 1)
    log = started(log, 9_000, "end").add("like", 8_000, 1).add("like", 20_000, 1)
    assert spans(log) == [(0, 9_000)]
    assert log.query("SELECT count(*) FROM placed_events") == [(5,)]


def test_a_quick_restart_resumes_and_a_slow_one_is_another_session() -> None:
    log = started(started(Log(), 0, "start"), 9_000, "end")
    quick = started(log, 18_999, "start").add("enter", 30_000, 1)
    assert spans(quick) == [(0, 30_001)]
    log = started(started(started(Log(), 0, "start"), 9_000, "end"), 19_000, "start")
    assert spans(log) == [(0, 9_000), (19_000, 19_001)]


def test_half_an_hour_of_ticks_without_an_event_ends_a_session() -> None:
    log = Log().tick(0).add("enter", 0, 1).tick(30 * MINUTE - 1).add("enter", 30 * MINUTE - 1, 2)
    assert len(spans(log)) == 1
    log = Log().tick(0).add("enter", 0, 1).tick(30 * MINUTE).add("enter", 30 * MINUTE, 2)
    assert spans(log) == [(0, 1), (30 * MINUTE, 30 * MINUTE + 1)]


def test_a_refund_opens_no_session_but_belongs_to_one_that_is_open() -> None:
    refund: dict[str, Any] = {"refund_id": "f", "order_id": "o", "amount_minor": 1}
    log = Log().tick(0)
    log.add("refund_succeeded", 0, None, **refund)
    assert spans(log) == []


def test_an_open_session_closes_just_after_its_last_event() -> None:
    assert Session(1, "t", "r", 5, 9, 0).closing_ms == 10
    assert Session(1, "t", "r", 5, 9, 0, 7).closing_ms == 7
