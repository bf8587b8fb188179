"""HashIndex against a dict."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.hashindex import HashIndex, all_different, first_of_each, firsts

KEYS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=300)


@given(st.lists(KEYS, max_size=6))
def test_rows_agree_with_a_dict_over_many_batches(batches: list[list[int]]) -> None:
    index = HashIndex()
    model: dict[int, int] = {}
    for batch in batches:
        keys = np.array(batch, np.uint64)
        before = index.count
        rows = index.find_or_add(keys)
        for key, row in zip(batch, rows.tolist(), strict=True):
            assert (row >= before) == (key not in model) or model[key] == row
            assert model.setdefault(key, row) == row
        assert index.count == len(model)
        assert sorted(model.values()) == list(range(len(model)))
    assert [model[k] for k in index.keys().tolist()] == list(range(len(model)))


@given(KEYS, KEYS)
def test_find_gives_minus_one_for_absent_keys(have: list[int], ask: list[int]) -> None:
    index = HashIndex()
    index.find_or_add(np.array(have, np.uint64))
    found = index.find(np.array(ask, np.uint64)).tolist()
    assert [row >= 0 for row in found] == [key in set(have) for key in ask]


@given(st.sets(st.integers(0, 2**64 - 1), max_size=200))
def test_an_index_made_from_keys_is_the_same_index(keys: set[int]) -> None:
    array = np.array(sorted(keys), np.uint64)
    index = HashIndex(array)
    assert index.find(array).tolist() == list(range(len(array)))
    assert index.find_or_add(array).tolist() == list(range(len(array)))


@given(st.lists(st.integers(0, 20), max_size=60))
def test_first_of_each_marks_first_places(rows: list[int]) -> None:
    array = np.array(rows, np.int64)
    wanted = [row not in rows[:place] for place, row in enumerate(rows)]
    assert first_of_each(array, np.empty(21, np.int32)).tolist() == wanted
    assert firsts(array).tolist() == wanted


@given(st.lists(st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=90), max_size=6))
def test_extended_by_keys_in_an_order_it_numbers_them_in_that_order(sets: list[set[int]]) -> None:
    index = HashIndex()
    order: list[int] = []
    for keys in sets:
        new = sorted(keys - set(order))
        index.extend(np.array(new, np.uint64))
        order += new
        assert index.find(np.array(order, np.uint64)).tolist() == list(range(len(order)))
    assert index.keys().tolist() == order


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=300))
def test_all_different_takes_no_row_twice_and_always_some(rows: list[int]) -> None:
    open_ = np.array(rows, np.int64)
    seen: list[int] = []
    while len(open_):
        marks = all_different(open_)
        taken = open_[marks].tolist()
        assert taken
        assert len(set(taken)) == len(taken)
        seen += taken
        open_ = open_[~marks]
    assert sorted(seen) == sorted(rows)


@given(KEYS, st.randoms(use_true_random=False), KEYS)
def test_of_an_index_some_rows_are_kept_in_their_order(
    have: list[int], random: Random, more: list[int]
) -> None:
    index = HashIndex(np.array(sorted(set(have)), np.uint64))
    kept = sorted(random.sample(range(index.count), random.randint(0, index.count)))
    wanted = index.keys()[kept].tolist()
    index.keep(np.array(kept, np.int64))
    assert index.keys().tolist() == wanted
    rows = index.find_or_add(np.array(wanted + more, np.uint64)).tolist()
    assert rows[: len(wanted)] == list(range(len(wanted)))
    assert index.keys()[rows].tolist() == wanted + more


def test_a_table_is_not_given_back_for_a_while_nor_kept_for_good() -> None:
    index = HashIndex(np.arange(1_000, dtype=np.uint64))
    full = len(index._table)
    for rows, length in ((600, full), (400, full), (200, full // 2), (1, full // 16)):
        index.keep(np.arange(rows))
        assert len(index._table) == length
