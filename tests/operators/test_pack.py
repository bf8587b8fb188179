"""Sparse arrays come back as they were."""

import numpy as np
import pytest

from operators.pack import pack, unpack


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.9])
def test_arrays_survive(dtype: type[np.generic], share: float) -> None:
    rng = np.random.default_rng(1)
    array = rng.integers(1, 100, (500, 104)).astype(dtype)
    array[rng.random(array.shape) >= share] = 0
    found = unpack(pack(array))
    assert found is not None
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def test_small_full_and_odd_arrays_stay_arrays() -> None:
    for array in (np.zeros(10, np.int32), np.ones(100_000, np.int32), np.zeros(65_537, np.int8)):
        assert pack(array) is array


def test_mostly_zeros_take_little() -> None:
    array = np.zeros((1_000, 104), np.int32)
    array[:, 7] = 5
    packed = pack(array)
    assert isinstance(packed, tuple)
    assert sum(part.nbytes for part in packed[2:]) < array.nbytes / 10


def test_anything_else_is_none() -> None:
    assert unpack(None) is None
    assert unpack((1, 2)) is None
