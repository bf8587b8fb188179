"""Letting go of viewers: their marks, and in the index of ids those no live session knows."""

from typing import Final, Protocol

import numpy as np

from operators.catalogue.axes import ROLLING_PANES
from operators.cube import Cube
from operators.hashindex import I64, Bool
from operators.options import State

MIN_VIEWERS: Final = 10_000
"""Below this many viewers nothing is worth the work."""
_MASK: Final = np.uint64(0xFFFF_FFFF)
_SHIFT: Final = np.uint64(32)


_FOLLOWING: Final = frozenset(("refund_succeeded", "order_cancelled"))
"""Types that come for a sealed session, too."""


class Holder(Protocol):
    """Something else that knows viewers by number."""

    def mark_viewers(self, alive: Bool) -> None:
        """Set the flag of every viewer that is known of."""

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers."""


def compact_viewers(state: State, *others: Holder) -> bool:
    """Renumber viewers when more than half are gone; True if it did.

    Call after the marks and presence of sealed sessions were dropped. Costs one pass over the
    marks; a viewer who comes back is simply new again.
    """
    count = state.viewers.count
    if count < MIN_VIEWERS:
        return False
    cube, presence = state.cube, state.presence
    keys = cube.marks.all_keys()
    slots_with = state.plan.of_viewers[cube.slot_measure[: cube.slot_count]]
    mine = slots_with[(keys >> _SHIFT).astype(np.int64)]
    alive = np.zeros(count, np.bool_)
    alive[(keys[mine] & _MASK).astype(np.int64)] = True
    alive[state.deferred.users()] = True
    alive[(presence.index.keys() & _MASK).astype(np.int64)] = True
    holders = (state.tags, *others)
    for other in holders:
        other.mark_viewers(alive)
    kept = np.flatnonzero(alive)
    if len(kept) * 2 > count:
        return False
    numbers = np.full(count, -1, np.int64)
    numbers[kept] = np.arange(len(kept))
    state.viewers.reset(state.viewers.keys()[kept])
    cube.marks.renumber(slots_with, numbers)
    presence.renumber_viewers(numbers)
    state.active.renumber_viewers(numbers)
    for other in holders:
        other.renumber_viewers(numbers)
    state.deferred.renumber_viewers(numbers)
    return True


def drop_marks(cube: Cube, sessions: Bool, endless: Bool) -> None:
    """Forget who was seen in sealed sessions, indexed by session; their totals stay.

    Refunds and cancels come for weeks: who had one is kept, so that a second does not count
    again; in which pane, as long as a window holds it. Of sessions that are `endless`, only
    windows are read: who is in none any more is forgotten.
    """
    refunds = np.array([not _FOLLOWING.isdisjoint(m.types) for m in cube.plan.measures], np.bool_)
    measure = cube.slot_measure[: cube.slot_count]
    session = cube.cell_session[cube.slot_cell[: cube.slot_count]]
    sealed = sessions[session]
    follows = refunds[measure]
    # A window may hold who was seen in it; later only that it was so counts.
    oldest = cube.horizon - max(ROLLING_PANES)
    cube.marks.let_go(sealed & ~follows, endless[session], sealed & follows, oldest)
