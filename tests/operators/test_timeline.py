"""Marks: starts, ends, and what a new start closes."""

import msgspec

from operators.timeline import MAX_MARKS, Timeline
from stream.events import Event

BASE = Event(event_id="e", source="s", type="", event_time_ms=0, tenant="t1", room_id="r1")


def told(*events: tuple[str, int, dict[str, str]]) -> dict[str, object]:
    timeline = Timeline()
    for kind, time_ms, fields in events:
        timeline.observe(msgspec.structs.replace(BASE, type=kind, event_time_ms=time_ms, **fields))
    patches = timeline.flush("t1")
    return dict(patches[0].fields) if patches else {}


def test_the_next_product_ends_the_one_before() -> None:
    marks = told(
        ("explain_start", 10, {"product_id": "p1"}), ("explain_start", 30, {"product_id": "p2"})
    )
    assert marks == {
        "mark.10.explanation.p1": {"kind": "explanation", "id": "p1", "start_ms": 10, "end_ms": 30},
        "mark.30.explanation.p2": {
            "kind": "explanation", "id": "p2", "start_ms": 30, "end_ms": None
        },
    }  # fmt: skip


def test_promotions_run_side_by_side_and_end_by_id() -> None:
    marks = told(
        ("promo_start", 10, {"campaign_id": "c1"}),
        ("promo_start", 20, {"campaign_id": "c2"}),
        ("promo_end", 40, {"campaign_id": "c1"}),
    )
    ends = {name: mark["end_ms"] for name, mark in marks.items() if isinstance(mark, dict)}
    assert ends == {"mark.10.promo.c1": 40, "mark.20.promo.c2": None}


def test_an_end_without_a_start_and_other_events_are_nothing() -> None:
    assert told(("explain_end", 5, {"product_id": "p1"}), ("enter", 6, {"user_id": "0" * 16})) == {}


def test_marks_are_bounded_and_the_oldest_are_taken_away() -> None:
    starts = [("shift_start", n, {"host_id": "h"}) for n in range(MAX_MARKS + 3)]
    marks = told(*starts)
    assert sum(mark is not None for mark in marks.values()) == MAX_MARKS
    assert marks["mark.0.shift.h"] is None
