"""Figures as text: the same JSON as of the values one by one, for any numbers."""

import pickle

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import figure_text, nulls
from operators.figure_text import FigureText, number_texts, value_texts
from operators.figures import value_of

NAMES = ("a", "b%d", "c", "d")
HAS_DEN = (False, True, True, False)
NULLS = st.sampled_from((nulls.NOT_REPORTED, nulls.MASKED))
NUMBERS = st.one_of(st.just(0), st.integers(-(2**53) + 1, 2**53 - 1), NULLS)
ROWS = st.lists(st.tuples(*[st.tuples(NUMBERS, NUMBERS)] * len(NAMES)), max_size=12)


def arrays(
    rows: list[tuple[tuple[int, int], ...]],
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], ...]:
    table = np.array(rows, np.int64).reshape(len(rows), len(NAMES), 2)
    return table[:, :, 0], np.where(HAS_DEN, table[:, :, 1], 0)


def expected(num: object, den: object) -> list[bytes]:
    rows = zip(np.array(num).tolist(), np.array(den).tolist(), strict=True)
    return [
        orjson.dumps(
            {
                name: value_of(n, d, ratio)
                for name, n, d, ratio in zip(NAMES, nums, dens, HAS_DEN, strict=True)
            },
            option=orjson.OPT_SORT_KEYS,
        )
        for nums, dens in rows
    ]


@given(ROWS)
def test_rows_are_as_if_each_value_were_encoded(rows: list[tuple[tuple[int, int], ...]]) -> None:
    num, den = arrays(rows)
    assert FigureText(NAMES, HAS_DEN).objects(num, den) == expected(num, den)


@given(ROWS)
def test_single_values_too(rows: list[tuple[tuple[int, int], ...]]) -> None:
    num, den = (matrix.reshape(-1) for matrix in arrays(rows))
    has_den = np.tile(np.array(HAS_DEN), len(rows))
    texts = value_texts(num, den, has_den)
    wanted = zip(num.tolist(), den.tolist(), has_den.tolist(), strict=True)
    assert list(map(orjson.loads, texts)) == [value_of(*terms) for terms in wanted]


def test_what_is_not_a_number_is_null() -> None:
    assert number_texts(np.array([0.5, np.nan])) == [b"0.5", b"null"]
    assert number_texts(np.array([], np.int64)) == []


def test_templates_are_bounded_and_stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    text = FigureText(NAMES, HAS_DEN)
    num, den = arrays([((1, 0), (0, 0), (2, 3), (0, 0)), ((0, 0), (0, 4), (0, 0), (5, 0))])
    first = text.objects(num, den)
    monkeypatch.setattr(figure_text, "MAX_TEMPLATES", 1)
    again = FigureText(NAMES, HAS_DEN)
    assert again.objects(num, den) == first
    assert len(again._templates) == 1
    travelled = pickle.loads(pickle.dumps(text))
    assert travelled._templates == {}
    assert travelled.objects(num, den) == first
