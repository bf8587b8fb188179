"""How far each viewer of a session came: one of five tags, exact in any order of arrival.

One row for each (session, viewer): a bit for every step taken. OR is idempotent and free of
order, and the deepest bit is the tag. Counts by session change with a row's tag, so that
reading them costs nothing. Who never entered has no tag: the five together are `view_uv`.
"""

from typing import Final

import numpy as np

from operators.hashindex import I64, Bool, HashIndex
from operators.profiles import U8
from operators.rings import grown
from stream.events import EVENT_TYPES

TAGS: Final = (
    *("viewers_silent", "viewers_browser", "viewers_clicker", "viewers_carter", "viewers_buyer"),
)
"""Gauges of the five, by depth."""
_ENTERED, _BROWSED, _CLICKED, _CARTED, _PAID, _ORDERED = (np.uint8(1 << bit) for bit in range(6))
_BITS: Final = {
    "enter": _ENTERED,
    **dict.fromkeys(
        (*("product_exposure", "comment", "like", "share", "follow", "gift", "fans_join"),),
        _BROWSED,
    ),
    "product_click": _CLICKED,
    "add_to_cart": _CARTED,
    "order_paid": _PAID,
    "order_created": _ORDERED,
}
STEP: Final[U8] = np.array([_BITS.get(kind.name, 0) for kind in EVENT_TYPES], np.uint8)
"""Event type number to the bit of its step, 0 for none."""
COUNTS: Final[Bool] = (STEP != 0) & (STEP != _ORDERED)
"""Event types that can change a tag: an order that nobody paid is no step."""
_UNTAGGED: Final = len(TAGS)
_SESSION_SHIFT: Final = np.uint64(32)
_VIEWER_MASK: Final = np.uint64(0xFFFF_FFFF)


def _tag(steps: int) -> int:
    """Place in `TAGS` of who took `steps`, `_UNTAGGED` for who never entered."""
    if not steps & int(_ENTERED):
        return _UNTAGGED
    return (steps & int(_PAID | _CARTED | _CLICKED | _BROWSED | _ENTERED)).bit_length() - 1


_TAG_OF: Final = np.array([_tag(steps) for steps in range(64)], np.int64)


class Tags:
    """Steps of the viewers of one shard.

    Attributes:
        index: (session << 32 | viewer) to the row; `steps` (rows,): the bits.
        counts: (sessions, 6): viewers by place in `TAGS`; the last column means nothing.
    """

    def __init__(self) -> None:
        self.index = HashIndex()
        self.steps: U8 = np.zeros(0, np.uint8)
        self.counts: I64 = np.zeros((0, _UNTAGGED + 1), np.int64)

    def see(self, sessions: I64, viewers: I64, steps: U8) -> None:
        """Take events by session, viewer and bit of `STEP`, none 0; shapes (n,)."""
        keys = (sessions.astype(np.uint64) << _SESSION_SHIFT) | viewers.astype(np.uint64)
        rows = self.index.find_or_add(keys)
        self.steps = grown(self.steps, self.index.count)
        new = np.flatnonzero((self.steps[rows] & steps) == 0)
        if not len(new):
            return
        self.counts = grown(self.counts, int(sessions[new].max()) + 1)
        touched, first = np.unique(rows[new], return_index=True)
        before = _TAG_OF[self.steps[touched]]
        np.bitwise_or.at(self.steps, rows[new], steps[new])
        after = _TAG_OF[self.steps[touched]]
        moved = np.flatnonzero(before != after)
        of = sessions[new[first[moved]]]
        np.subtract.at(self.counts, (of, before[moved]), 1)
        np.add.at(self.counts, (of, after[moved]), 1)

    def read(self, sessions: I64) -> I64:
        """Viewers of sessions by place in `TAGS`, shape (len(sessions), 5)."""
        out = np.zeros((len(sessions), len(TAGS)), np.int64)
        known = np.flatnonzero(sessions < len(self.counts))
        out[known] = self.counts[sessions[known], :_UNTAGGED]
        return out

    def release(self, sealed: Bool) -> None:
        """Forget the steps in sealed sessions (indexed by session); their counts stay.

        Only the payment of an order placed before can still change a tag: who has one waiting
        is kept.
        """
        steps = self.steps[: self.index.count]
        waiting = (steps & (_ORDERED | _PAID | _ENTERED)) == (_ORDERED | _ENTERED)
        keys = self.index.keys()
        kept = np.flatnonzero(~sealed[(keys >> _SESSION_SHIFT).astype(np.int64)] | waiting)
        if len(kept) < len(keys):
            self.steps = steps[kept].copy()
            self.index.keep(kept)

    def mark_viewers(self, alive: Bool) -> None:
        """Set the flag of every viewer that has a row."""
        alive[(self.index.keys() & _VIEWER_MASK).astype(np.int64)] = True

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers: `numbers[old]` is the new one."""
        keys = self.index.keys()
        viewers = numbers[(keys & _VIEWER_MASK).astype(np.int64)].astype(np.uint64)
        self.index.reset((keys >> _SESSION_SHIFT << _SESSION_SHIFT) | viewers)
