"""Rows of numbers, each kept once."""

from random import Random

import numpy as np

from operators.tuples import Tuples


def test_a_number_gives_its_row_back_and_few_rows_are_kept() -> None:
    random, tuples = Random(1), Tuples(2)
    wanted = [(random.randrange(50), random.randrange(3)) for _ in range(4_000)]
    numbers = np.concatenate(
        [tuples.numbers(np.array(wanted[n : n + 90], np.int32)) for n in range(0, 4_000, 90)]
    )
    assert list(map(tuple, tuples.rows[numbers].tolist())) == wanted
    assert tuples.count <= 151
    assert tuples.rows[0].tolist() == [-1, -1]


def test_more_rows_than_are_known_by_heart_mean_the_same() -> None:
    tuples, wanted = Tuples(1), np.arange(9_000, dtype=np.int32)[:, None]
    numbers = [tuples.numbers(wanted), tuples.numbers(wanted)]
    for one in numbers:
        assert tuples.rows[one].tolist() == wanted.tolist()


def test_what_is_not_used_any_more_goes() -> None:
    tuples = Tuples(2)
    numbers = tuples.numbers(np.array([[1, 2], [3, 4], [5, 6]], np.int32))
    used = np.array([numbers[2], 0, numbers[0], numbers[2]], np.int32)
    again = tuples.keep(used)
    assert tuples.rows[again].tolist() == [[5, 6], [-1, -1], [1, 2], [5, 6]]
    assert tuples.count == 3
    assert tuples.numbers(np.array([[3, 4]], np.int32)).tolist() == [3]
    assert tuples.rows[3].tolist() == [3, 4]
