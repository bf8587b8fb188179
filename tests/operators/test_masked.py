"""Where masked viewers took part: against a plain set of panes, in any order."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.masked import Masked

SEEN = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1_000, 1_050)), max_size=30
)
CELLS, MEASURES = np.arange(3), np.arange(2)


def filled(seen: list[tuple[int, int, int]], batch: int) -> Masked:
    masked = Masked()
    for start in range(0, len(seen), batch):
        part = np.array(seen[start : start + batch], np.int64)
        masked.see(part[:, 0], part[:, 1], part[:, 2])
    return masked


@given(SEEN, st.randoms(), st.integers(1, 7), st.integers(1_000, 1_060), st.integers(1, 24))
def test_a_window_is_masked_when_one_of_its_panes_is(
    seen: list[tuple[int, int, int]], random: Random, batch: int, end: int, length: int
) -> None:
    shuffled = sorted(seen, key=lambda _: random.random())
    masked = filled(shuffled, batch)
    got = masked.between(CELLS, MEASURES, end - length, end)
    for cell in range(3):
        for measure in range(2):
            panes = [pane for c, m, pane in seen if (c, m) == (cell, measure)]
            assert got[cell, measure] == any(end - length <= pane < end for pane in panes)
            assert masked.ever(CELLS, MEASURES)[cell, measure] == bool(panes)


def test_what_lies_far_behind_is_still_masked_for_the_session() -> None:
    masked = filled([(0, 0, 2_000), (0, 0, 1_000)], 1)
    assert masked.ever(CELLS, MEASURES)[0, 0]
    assert masked.between(CELLS, MEASURES, 1_990, 2_001)[0, 0]
    assert not masked.between(CELLS, MEASURES, 990, 1_010)[0, 0]


def test_measures_that_are_gone_take_their_rows_with_them() -> None:
    masked = filled([(0, 0, 1_000), (1, 1, 1_001)], 9)
    masked.renumber([-1, 0])
    assert masked.ever(CELLS, MEASURES).tolist() == [[False, False], [True, False], [False, False]]
    assert masked.between(CELLS, MEASURES, 1_001, 1_002)[1, 0]
