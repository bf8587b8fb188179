"""Where the events of a stretch belong and what they add, filled in step by step."""

from dataclasses import dataclass, field

from operators.hashindex import I32, I64


@dataclass(frozen=True, slots=True)
class Placed:
    """What is filled in, by place in the stretch; see `operators.fold` and `operators.plan`."""

    sessions: I64
    product: I32
    traits: I32
    band: I32
    values: I64
    ids: I64
    keys: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Filled: place of each order event to the keys of its line and its order."""
