"""CellIndex against a dict, while rows are given back and used again."""

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.cellindex import CellIndex

KEYS = 400


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_rows_agree_with_a_dict_while_others_come_and_go(seed: int, most: int) -> None:
    random, index, model = Random(seed), CellIndex(), dict[int, int]()
    for turn in range(30):
        free = np.flatnonzero(index.is_free())
        new = [k for k in random.sample(range(KEYS), random.randint(0, most)) if k not in model]
        rows = index.take(np.array(new, np.uint64), free)
        assert rows[: len(free)].tolist() == free[: len(new)].tolist()
        assert not set(rows.tolist()) & set(model.values())
        model.update(zip(new, rows.tolist(), strict=True))
        gone = random.sample(sorted(model), random.randint(0, min(most, len(model))))
        index.drop(np.array([model.pop(key) for key in gone], np.int64))
        if turn == 15:
            again = CellIndex()
            again.reset(index.keys().copy())
            index = again
        found = index.find(np.arange(KEYS, dtype=np.uint64)).tolist()
        assert found == [model.get(key, -1) for key in range(KEYS)]
    assert index.count <= KEYS
    assert len(index._table) <= 8 * max(index.count, 32)
