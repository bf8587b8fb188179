"""Where the events of a stretch belong and what they add, filled in step by step."""

from dataclasses import dataclass, field

import numpy as np

from operators.hashindex import I32, I64


@dataclass(slots=True)
class Placed:
    """What is filled in, by place in the stretch; see `operators.fold` and `operators.plan`."""

    sessions: I64
    product: I32
    traits: I32
    band: I32
    values: I64
    ids: I64
    orders: I64 = field(default_factory=lambda: np.zeros((3, 0), np.int64))
    """Of order events: places, and rows of the ledger of their lines and their orders."""
