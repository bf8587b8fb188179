"""Cells of a snapshot under the numbers of another catalogue."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.cellindex import GONE
from operators.cube import DIMENSION_SHIFT, Cube
from operators.profiles import MAX_DIMENSIONS

_NUMBERS: Final = np.arange(MAX_DIMENSIONS, dtype=np.int32)
"""Numbers a dimension can have."""


def renumber_dimensions(cube: Cube, names: Sequence[str]) -> None:
    """The cells are of the dimensions `names`, not the plan's: give them the plan's numbers.

    A dimension the plan has not gets a number that no view reads.
    """
    places = {dimension.name: place for place, dimension in enumerate(cube.plan.dimensions)}
    gone = len(_NUMBERS) - len(names)
    numbers = _NUMBERS.copy()
    numbers[: len(names)] = [places.get(name, gone + i) for i, name in enumerate(names)]
    cube.cell_dimension = numbers[cube.cell_dimension]
    rest = cube.cells.keys() & ~(np.uint64(len(_NUMBERS) - 1) << DIMENSION_SHIFT)
    keys = rest | (cube.cell_dimension.astype(np.uint64) << DIMENSION_SHIFT)
    cube.cells.reset(np.where(cube.cells.is_free(), GONE, keys))
