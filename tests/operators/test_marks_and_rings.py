"""Exact distinct counts against sets, in any order of arrival and any batching."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.catalogue.axes import ROLLING_PANES
from operators.marks import Marks
from operators.rings import DistinctRings, SumRings

SEEN = st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 18))
"""(slot, id, pane after 1000)."""


@settings(max_examples=300)
@given(st.lists(SEEN, max_size=60), st.integers(1, 60))
def test_rolling_and_session_counts_equal_sets(seen: list[tuple[int, int, int]], size: int) -> None:
    marks, rings, totals = Marks(), DistinctRings(), np.zeros(3, np.int64)
    rings.grow(3)
    for start in range(0, len(seen), size):
        at, ids, pane = np.array(seen[start : start + size], np.int64).reshape(-1, 3).T
        new = marks.see(at, ids, pane + 1000)
        np.add.at(totals, new.first, 1)
        rings.mark(new.slot, new.pane, new.before, new.after)
    for slot in range(3):
        mine = [(who, pane) for where, who, pane in seen if where == slot]
        assert totals[slot] == len({who for who, _ in mine})
        for length in ROLLING_PANES:
            for end in range(1000, 1020 + length):
                want = {who for who, pane in mine if end - length <= pane + 1000 < end}
                got = rings.window(np.array([slot]), end, length, 999)
                assert got[0] == len(want), (slot, length, end)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 200)), max_size=80), st.booleans())
def test_counts_stay_right_while_the_horizon_moves(
    seen: list[tuple[int, int]], rests: bool
) -> None:
    marks, rings, sums = Marks(), DistinctRings(), SumRings()
    total = 0
    rings.grow(1)
    sums.grow(1)
    horizon = 1000
    ordered = sorted(seen, key=lambda item: item[1])
    for place, (who, pane) in enumerate(ordered):
        now = pane + 1000
        if now - 9 > horizon:
            sums.forget(horizon, now - 9)
            rings.forget(horizon, now - 9)
            horizon = now - 9
            none, all_ = np.zeros(1, np.bool_), np.ones(1, np.bool_)
            marks.let_go(none, none, all_ if rests else none, horizon - max(ROLLING_PANES))
        new = marks.see(np.array([0]), np.array([who]), np.array([now]))
        rings.mark(new.slot, new.pane, new.before, new.after)
        sums.add(np.array([0]), np.array([now]), np.array([1]))
        total += len(new.first)
        so_far = [(w, p + 1000) for w, p in ordered[: place + 1]]
        assert total == len({w for w, _ in so_far})
        for length in ROLLING_PANES:
            for end in (now - 3, now + 1, now + 5):
                if end > horizon:
                    inside = [w for w, p in so_far if end - length <= p < end]
                    got = rings.window(np.array([0]), end, length, horizon)
                    assert got[0] == len(set(inside))
                    assert sums.window(np.array([0]), end, length)[0] == len(inside)


def test_an_idle_row_is_idle_only_when_no_window_holds_it() -> None:
    marks, rings = Marks(), DistinctRings()
    rings.grow(1)
    new = marks.see(np.array([0]), np.array([7]), np.array([1000]))
    rings.mark(new.slot, new.pane, new.before, new.after)
    rings.forget(990, 1030)
    assert not rings.idle()[0]
    rings.forget(1030, 1041)
    assert rings.idle()[0]


def test_who_rests_takes_no_row_and_is_found_under_a_new_number() -> None:
    marks = Marks()
    marks.see(np.array([0, 0, 1]), np.array([5, 6, 5]), np.array([100, 200, 100]))
    none, both = np.zeros(2, np.bool_), np.ones(2, np.bool_)
    marks.let_go(none, none, both, 150)
    assert marks.index.count == 1
    numbers = np.array([-1] * 5 + [1, 0])
    marks.renumber(both, numbers)
    new = marks.see(np.array([0, 0, 0, 1, 1]), np.array([1, 0, 2, 1, 0]), np.full(5, 201))
    assert sorted(new.first.tolist()) == [0, 1]
