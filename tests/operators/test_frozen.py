"""A captured state goes into bytes and comes back, whatever its arrays are like."""

import pickle

import numpy as np

from operators.frozen import parse, parts_of, whole

DATA = {
    "none": np.zeros(0, np.int64),
    "rows": np.arange(12, dtype=np.int32).reshape(4, 3),
    "flags": np.ones(5, np.bool_),
    "sparse": ("int64", (3, 2), np.array([1], np.uint32), np.array([7], np.uint64)),
    "plain": b"bytes",
    "history": {"hist:t/r": ({60_000: b"{}"}, [b"packed"], 60_000)},
}


def same(found: object, wanted: object) -> bool:
    """Equal, arrays also in type and shape."""
    if isinstance(wanted, np.ndarray):
        assert isinstance(found, np.ndarray)
        return found.dtype == wanted.dtype and np.array_equal(found, wanted)
    if isinstance(wanted, tuple):
        assert isinstance(found, tuple)
        return all(same(a, b) for a, b in zip(found, wanted, strict=True))
    return found == wanted


def test_there_and_back() -> None:
    found = parse(whole(parts_of(DATA)))
    assert isinstance(found, dict)
    assert list(found) == list(DATA)
    assert all(same(found[name], DATA[name]) for name in DATA)


def test_contents_of_arrays_are_not_copied() -> None:
    array = np.arange(1_000)
    parts = parts_of({"array": array})
    assert any(np.shares_memory(np.frombuffer(part, np.uint8), array) for part in parts if part)


def test_the_plain_pickle_of_an_earlier_version_is_read() -> None:
    assert parse(pickle.dumps({"encoding": 1})) == {"encoding": 1}
