"""Keys that are kept for weeks: as a dict of them says, with the oldest forgotten."""

from random import Random

import numpy as np
import pytest

from operators.longindex import LongIndex

Keys = np.ndarray[tuple[int], np.dtype[np.uint64]]


def keys_of(numbers: list[int]) -> Keys:
    return np.array(numbers, np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def again(index: LongIndex) -> LongIndex:
    """As a snapshot would make it."""
    fresh = LongIndex()
    fresh.restore(index.arrays())
    return fresh


@pytest.mark.parametrize("seed", range(3))
def test_it_is_a_dict_that_forgets_its_oldest(seed: int) -> None:
    random, index, want = Random(seed), LongIndex(), dict[int, int]()
    for step in range(30):
        numbers = [random.randrange(40_000) for _ in range(random.choice((1, 30, 3_000)))]
        known, end = dict(want), index.end
        rows = index.find_or_add(keys_of(numbers)).tolist()
        for number, row in zip(numbers, rows, strict=True):
            assert row == known[number] if number in known else row >= end
            assert want.setdefault(number, row) == row
        assert sorted(want.values()) == list(range(index.first, index.end))
        assert len(index) == len(want)
        if step % 7 == 6:
            before = random.randrange(index.first, index.end + 1)
            index.forget(before)
            want = {number: row for number, row in want.items() if row >= before}
        if step % 5 == 4:
            index = again(index)
        asked = random.sample(range(50_000), 500)
        found = index.find(keys_of(asked)).tolist()
        assert found == [want.get(number, -1) for number in asked]


def test_what_is_forgotten_is_new_again_and_no_number_is_given_twice() -> None:
    index = LongIndex()
    assert index.find_or_add(keys_of([1, 2, 1])).tolist() == [0, 1, 0]
    index.forget(2)
    assert index.first == index.end == 2
    assert index.find(keys_of([1, 2])).tolist() == [-1, -1]
    assert index.find_or_add(keys_of([2])).tolist() == [2]
    index.forget(1)
    assert index.find(keys_of([2])).tolist() == [2]


@pytest.mark.parametrize("stop", [False, True])
def test_keys_go_by_the_day_on_which_they_came_first(stop: bool) -> None:
    index, gone = LongIndex(), list[int]()
    for day in (1, 2, 2, 5, 6, 9, 40):
        gone.append(index.turn_day(day, 4))
        index.find_or_add(keys_of([1, day * 10, day * 10 + 1]))
        if stop:
            index = again(index)
    assert gone == [0, 0, 0, 0, 3, 2, 7]
    assert (index.first, index.end) == (12, 15)


def test_a_key_takes_twelve_bytes_once_it_is_settled() -> None:
    index = LongIndex()
    for start in range(0, 100_000, 5_000):
        index.find_or_add(keys_of(list(range(start, start + 5_000))))
    settled = index.arrays()["settled"].nbytes + index.arrays()["rows"].nbytes
    assert settled >= 0.85 * 12 * 100_000


def test_arrays_that_are_missing_leave_it_empty() -> None:
    index, found = LongIndex(), LongIndex()
    index.find_or_add(keys_of([1]))
    found.restore({**index.arrays(), "first": np.array([5]), "rows": None})
    assert len(found) == found.first == 0
