"""One session packed and unpacked is the same, and small."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.packed import _NAMES, Packed, from_bytes, to_bytes

NUMBERS = st.lists(st.integers(-(2**62), 2**62) | st.integers(-200, 200), max_size=50)
"""Differences of neighbours stay within 64 bits."""
ANY = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50)
"""Keys of viewers and masks of panes take all of them."""
WHOLE = ("viewers", "masked_mask")


@given(st.fixed_dictionaries({name: ANY if name in WHOLE else NUMBERS for name in _NAMES}))
def test_what_is_packed_comes_back(parts: dict[str, list[int]]) -> None:
    packed = Packed(**{name: np.array(numbers, np.int64) for name, numbers in parts.items()})
    found = from_bytes(to_bytes(packed))
    assert {name: getattr(found, name).tolist() for name in _NAMES} == parts


def test_five_hundred_slots_take_less_than_four_bytes_each() -> None:
    rng = np.random.default_rng(1)
    slots = np.arange(500)
    none = np.zeros(0, np.int64)
    packed = Packed(
        np.repeat(np.arange(5), 20), np.arange(100), np.zeros(100, np.int64), slots // 5,
        slots % 5, rng.integers(0, 5_000, 500), *(none,) * 8,
    )  # fmt: skip
    assert len(to_bytes(packed)) < 2_000
