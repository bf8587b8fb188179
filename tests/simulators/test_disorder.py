from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.api import HARD_DISORDER, Disorder, Recording, SimulationPlan, simulate_lines
from simulators.columns import Col
from simulators.disorder import GARBAGE, Garbage
from stream.codec import Rejected, decode_line
from stream.validate import reject_reason
from tests.simulators.truths import truth_of

PLAN = SimulationPlan("calm", rooms=4, minutes=8, rate=120, disorder=HARD_DISORDER, seed=9)
GOOD = (
    '{"event_id":"1","source":"/sim/room/r1","type":"enter","event_time_ms":1793534400000,'
    '"tenant":"t1","room_id":"r1","user_id":"00000000000000aa"}\n'
)


@pytest.mark.parametrize("kind", GARBAGE, ids=lambda kind: kind.name)
def test_garbage_is_rejected_for_the_reason_it_is_counted_under(kind: Garbage) -> None:
    made = kind.make(GOOD)
    assert made.endswith(b"\n")
    assert made.count(b"\n") == 1
    result = decode_line(made[:-1])
    reason = result.reason if isinstance(result, Rejected) else reject_reason(result)
    assert reason == kind.reason


def test_arrival_keeps_every_bound() -> None:
    recording = Recording(PLAN)
    part, time_ms = recording.delivery, recording.world.events[Col.TIME]
    lag = part.arrival_ms - time_ms[part.row]
    plain = (part.junk < 0) & ~part.repeat
    late = part.late[part.row]
    ordinary = plain & part.accepted[part.row] & ~late
    assert (np.diff(part.arrival_ms) >= 0).all()
    assert lag[ordinary].min() >= 0
    assert lag[ordinary].max() <= HARD_DISORDER.max_delay_ms
    assert lag[plain & late].min() >= 5_000
    assert lag[plain & late].max() < 45_000
    # A copy stays within the lateness, so that it is a duplicate and not too late.
    assert lag[part.repeat].max() < 60_000
    assert (lag[part.repeat] > 0).all()


def test_an_event_in_order_is_never_behind_the_watermark_and_a_late_one_always_is() -> None:
    recording = Recording(PLAN)
    part = recording.delivery
    watermark = part.arrival_ms // 1_000 * 1_000 - 2_000
    stamp = recording.world.events[Col.TIME][part.row]
    plain = (part.junk < 0) & ~part.repeat & part.accepted[part.row]
    behind = stamp < watermark
    assert (behind[plain] == part.late[part.row][plain]).all()
    # Names, prices and shared stock correct no window.
    counted = truth_of(recording)["counts"]["late"]
    assert 0 <= int(behind[plain].sum()) - counted <= 20


def test_everything_that_goes_in_is_accounted_for() -> None:
    counts = truth_of(Recording(PLAN))["counts"]
    assert counts["in"] == counts["accepted"] + counts["duplicates"] + sum(counts["dead"].values())
    assert counts["lost"] > 0
    assert set(counts["dead"]) == {kind.reason for kind in GARBAGE} | {"clock_skew", "too_late"}


def test_shares_are_about_what_was_asked_for() -> None:
    plan = SimulationPlan(
        "calm", rooms=4, minutes=10, rate=200, disorder=Disorder(500, 0.02, 0, 0.05, 0, 0, 0.01)
    )
    counts = truth_of(Recording(plan))["counts"]
    good = counts["accepted"]
    assert counts["duplicates"] == pytest.approx(0.05 * good, rel=0.1)
    assert counts["late"] == pytest.approx(0.02 * good, rel=0.1)
    assert sum(counts["dead"].values()) == pytest.approx(0.01 * good, rel=0.15)


def test_without_disorder_lines_are_in_event_order_and_all_accepted() -> None:
    recording = Recording(SimulationPlan("calm", rooms=2, minutes=3))
    counts = truth_of(recording)["counts"]
    assert counts["in"] == counts["accepted"]
    assert (np.diff(recording.delivery.stamp_ms) >= 0).all()


ratios = st.floats(0, 0.3)


@settings(max_examples=25, deadline=None)
@given(
    disorder=st.builds(Disorder, st.integers(0, 2_000), *[ratios] * 6),
    scenario=st.sampled_from(["calm", "oversell_race", "feed_outage", "refund_surge"]),
    rooms=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    cut=st.floats(0, 1),
)
def test_any_plan_cut_anywhere_adds_up(
    disorder: Disorder, scenario: str, rooms: int, seed: int, cut: float
) -> None:
    plan = SimulationPlan(scenario, rooms, minutes=2, rate=20, seed=seed, disorder=disorder)
    recording = Recording(plan)
    stop = int(cut * len(recording))
    arrival = recording.delivery.arrival_ms
    assert (np.diff(arrival) >= 0).all()
    now_ms = int(arrival[stop - 1]) + 1_000 if stop else plan.start_ms
    counts = truth_of(recording, stop, 0, now_ms)["counts"]
    rejected = sum(counts["dead"].values())
    assert counts["in"] == counts["accepted"] + counts["duplicates"] + rejected
    whole = truth_of(recording)["counts"]
    assert whole["in"] == len(recording)
    assert counts["accepted"] <= whole["accepted"] + rooms
    assert recording.closing_ms() >= int(arrival[-1]) + 122_000


def test_ids_are_unique_and_every_good_line_is_valid() -> None:
    ids: Counter[tuple[str, str]] = Counter()
    for chunk in simulate_lines(SimulationPlan("flash_sale", rooms=3, tenants=2, minutes=6)):
        for line in chunk.lines.split(b"\n")[:-1]:
            event = decode_line(line)
            assert not isinstance(event, Rejected), event
            assert reject_reason(event) is None, line
            ids[(event.source, event.event_id)] += 1
    assert max(ids.values()) == 1


def test_ticks_come_each_second_before_their_lines_and_one_closes() -> None:
    ticks, last_ms = [], 0
    for chunk in simulate_lines(PLAN):
        first, *others = chunk.lines.split(b"\n")[:-1]
        tick = decode_line(first)
        assert not isinstance(tick, Rejected)
        assert (tick.type, tick.source) == ("tick", "clock")
        assert tick.event_id == str(tick.event_time_ms)
        assert tick.event_time_ms == chunk.arrival_ms
        assert not any(b'"type":"tick"' in line for line in others)
        ticks.append(tick.event_time_ms)
        last_ms = max(last_ms, chunk.arrival_ms)
    assert ticks[0] <= PLAN.start_ms
    assert set(np.diff(ticks[:-1])) == {1_000}
    assert ticks[-1] % 60_000 == 0
    assert ticks[-1] >= PLAN.end_ms + 2_000 + 60_000 + 60_000
    assert not others
