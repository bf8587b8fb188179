"""Memory for copies of states."""

import numpy as np

from operators.copies import KEPT, CopySpace, copied, size_of


def test_copies_are_equal_and_apart() -> None:
    arrays = {
        "a": np.arange(7, dtype=np.int32),
        "b": np.arange(12.0).reshape(3, 4),
        "c": np.zeros((0, 64), np.int64),
        "d": np.array([True, False]),
        "e": np.arange(20, dtype=np.uint64)[::2],
    }
    wanted = {name: array.copy() for name, array in arrays.items()}
    found = copied(arrays, CopySpace().take(size_of(arrays)))
    for array in arrays.values():
        array[...] = 1
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_block_is_used_again_once_it_is_given_back() -> None:
    space = CopySpace()
    first, second = space.take(1_000), space.take(1_000)
    assert not np.shares_memory(first, second)
    space.give_back(first)
    assert space.take(900) is first
    assert space.take(900) is not second


def test_blocks_grow_with_what_is_asked_for_and_few_are_kept() -> None:
    space = CopySpace()
    small = space.take(1_000)
    space.give_back(small)
    large = space.take(2_000)
    assert len(large) >= 2_000
    space.give_back(large)
    assert space.take(10) is large, "the small one went for it"
    blocks = [space.take(size) for size in (100, 200, 300)]
    for block in blocks:
        space.give_back(block)
    kept = [space.take(1) for _ in range(KEPT)]
    assert [len(block) for block in kept] == sorted(len(block) for block in blocks)[-KEPT:]
