"""Intervals: what starts and ends make of each other, and where events are found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.catalogue.axes import DIMENSION_NUMBER
from operators.interval_index import Intervals, Lookup
from operators.intervals import (
    KINDS,
    OPEN_MS,
    IntervalKind,
    Point,
    intervals,
    stays,
)
from operators.profiles import Names
from stream.events import Event

EXPLANATION, SHIFT, CAMPAIGN = KINDS
POINTS = st.sets(st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("abc")), max_size=14)


def naive(kind: IntervalKind, points: set[Point]) -> list[tuple[str, int, int]]:
    """The definition, word by word: walk on from each start until something ends it."""
    starts = sorted((time, subject) for time, is_start, subject in points if is_start)
    out = []
    for time, subject in starts:
        limits = [t for t, is_start, s in points if not is_start and s == subject and t > time]
        limits += [
            t
            for t, s in starts
            if (t, s) > (time, subject) and (kind.one_at_a_time or s == subject)
        ]
        out.append((subject, time, min(limits, default=OPEN_MS)))
    return out


@given(POINTS, st.sampled_from(KINDS))
def test_an_interval_ends_as_its_definition_says(points: set[Point], kind: IntervalKind) -> None:
    found = [(one.subject, one.start_ms, one.end_ms) for one in intervals(kind, points)]
    assert found == naive(kind, points)


@given(POINTS, st.integers(0, 16), st.sampled_from([None, "a", "b"]), st.integers(0, 5))
def test_an_event_is_found_in_the_explanation_the_definition_names(
    points: set[Point], time: int, product: str | None, tail: int
) -> None:
    names = Names()
    made = Intervals(tail, names)
    for at, is_start, subject in points:
        made.observe(7, told(EXPLANATION.start if is_start else EXPLANATION.end, at, subject))
    wanted = None
    for subject, start, end in naive(EXPLANATION, points):
        if product is None and start <= time < end:
            wanted = f"{subject}@{start}"
        elif subject == product and start <= time:
            wanted = f"{subject}@{start}" if time < end + tail else None
    key = key_at(made.lookup([7]), 7, "explanation", names[product], time)
    assert (None if key < 0 else made.text(7, key)) == wanted


def key_at(lookup: Lookup, session: int, dimension: str, lane: int, at_ms: int) -> int:
    """The code of what one event belongs to."""
    columns = [np.array([value], np.int64) for value in (session, lane, at_ms)]
    return int(lookup.find(columns[0], DIMENSION_NUMBER[dimension], columns[1], columns[2])[0])


def told(kind: str, at_ms: int, subject: str = "") -> Event:
    """A start or end; all kinds of subject are the same here."""
    return Event(
        event_id="e",
        source="s",
        type=kind,
        event_time_ms=at_ms,
        tenant="t",
        room_id="r",
        product_id=subject,
        host_id=subject,
        campaign_id=subject,
    )


def test_the_time_after_a_campaign_ends_where_it_starts_again() -> None:
    points = {(0, True, "c"), (10, False, "c"), (200_000, True, "c")}
    spans = [(one.key, one.start_ms, one.end_ms) for one in stays({"campaign_phase": points}, 0)]
    assert spans == [
        ("c@0/during", 0, 10),
        ("c@0/after", 10, 200_000),
        ("c@200000/during", 200_000, OPEN_MS),
    ]


def test_campaigns_side_by_side_are_found_in_lanes_of_their_own() -> None:
    made = Intervals(0, Names())
    for name in "xyz":
        assert made.observe(3, told("promo_start", 5, name))
    lookup = made.lookup([3])
    assert lookup.campaigns == 3
    keys = [key_at(lookup, 3, "campaign_phase", lane, 6) for lane in range(3)]
    assert [made.text(3, key) for key in keys] == [f"{c}@5/during" for c in "xyz"]


def test_sessions_are_kept_apart_and_one_without_any_finds_nothing() -> None:
    made = Intervals(0, Names())
    made.observe(1, told("shift_start", 5, "h"))
    assert key_at(made.lookup([1]), 1, "shift", -1, 9) >= 0
    assert key_at(made.lookup([1]), 2, "shift", -1, 9) == -1
    assert key_at(made.lookup([]), 1, "shift", -1, 9) == -1


def test_what_is_no_start_or_end_is_passed_over() -> None:
    made = Intervals(0, Names())
    assert not made.observe(1, told("enter", 5))
    assert 1 not in made


@given(POINTS, POINTS)
def test_one_that_rested_goes_on_as_if_it_had_not(first: set[Point], then: set[Point]) -> None:
    names = Names()
    resting, awake = both = Intervals(3, names), Intervals(3, names)
    for points in (first, then):
        for at, is_start, subject in sorted(points):
            event = told(EXPLANATION.start if is_start else EXPLANATION.end, at, subject)
            for made in both:
                made.observe(7, event)
        for made in both:
            made.lookup([7])
        resting.rest([7, 8])
        assert (7 in resting.told, 8 in resting) == (False, False)
    assert resting.stays(7) == awake.stays(7)
    for key in {stay.key for stay in awake.stays(7)}:
        code = awake.code(7, key)
        assert resting.code(7, key) == code
        assert resting.bounds(7, code) == awake.bounds(7, code)


def test_of_a_session_that_is_forgotten_nothing_is_left() -> None:
    made = Intervals(0, Names())
    for session in (1, 2):
        made.observe(session, told("shift_start", 5, "h"))
        made.lookup([session])
    made.rest([1])
    made.forget([1, 2, 3])
    assert 1 not in made and 2 not in made
    assert key_at(made.lookup([1]), 1, "shift", -1, 9) == -1
