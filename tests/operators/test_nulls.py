"""Numbers that stand for null: never a value, always with their reason."""

import numpy as np

from operators.figures import value_of, values_of
from operators.nulls import MASKED, NOT_REPORTED, REASONS, is_null, known, reasons
from stream.events import MAX_INT


def test_no_sum_of_events_reads_as_null() -> None:
    values = np.array([MAX_INT * 512, -MAX_INT * 512, 0, MASKED, NOT_REPORTED])
    assert is_null(values).tolist() == [False, False, False, True, True]
    assert [known(value) is None for value in values.tolist()] == is_null(values).tolist()


def test_a_figure_is_null_where_a_term_is() -> None:
    assert value_of(MASKED, 0, False) is None
    assert value_of(MASKED, 120, True) == {"num": None, "den": 120, "value": None}
    assert value_of(3, MASKED, True) == {"num": 3, "den": None, "value": None}
    num, den = np.array([[MASKED, 3]]), np.array([[0, MASKED]])
    (row,) = values_of(("a", "b"), np.array([False, True]), num, den)
    assert row == {"a": None, "b": {"num": 3, "den": None, "value": None}}


def test_reasons_are_told_but_for_what_nobody_reported() -> None:
    num = np.array([[1, 2], [MASKED, NOT_REPORTED]])
    den = np.array([[0, MASKED], [0, 0]])
    assert reasons(("a", "b"), num, den) == {0: {"b": "masked_identity"}, 1: {"a": REASONS[1]}}
