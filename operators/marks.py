"""Who was seen where: exact distinct counts in any order of arrival.

One row for each (slot, id): a 64-bit mask with a bit for every 15 s pane in which the id was
seen, bit i for pane `top - i`. Setting a bit is idempotent and its order does not matter, so
duplicates, disorder and lateness cannot make a count wrong.

Of what no window holds any more, in slots that hardly ever change again, only the key *rests*:
8 bytes in a sorted array, where a row takes 28 to 36. Who rests and comes again is not new.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from operators.hashindex import I32, I64, U64, Bool, HashIndex, all_different
from operators.rings import grown
from stream.errors import InvariantError

_FAR: Final = 1_000
_ONE: Final = np.uint64(1)
_ID_BITS: Final = np.uint64(32)
_ID_MASK: Final = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class Sightings:
    """New facts of a fold.

    `first`: the slot of each id that its slot never saw before (a slot repeats).
    `slot, pane, before, after`: each new (slot, id, pane), with the panes in which the id was
    seen next before and after it, or panes more than 40 away.
    """

    first: I64
    slot: I64
    pane: I64
    before: I64
    after: I64


class Marks:
    """The table of masks. Ids are dense numbers below 2**32, slots likewise.

    `resting`: keys without a row, ascending; one that got a row again may be there, too.
    """

    def __init__(self) -> None:
        self.index = HashIndex()
        self.mask: U64 = np.zeros(0, np.uint64)
        self.top: I32 = np.zeros(0, np.int32)
        self.resting: U64 = np.zeros(0, np.uint64)
        self._rests: Bool = np.zeros(0, np.bool_)

    def see(self, slots: I64, ids: I64, panes: I64) -> Sightings:
        """Record that ids were seen in panes; all arrays have the same shape.

        Raises:
            InvariantError: a pane lies 64 or more behind the newest of its id; events that
                far behind are rejected before they come here.
        """
        known = self.index.count
        rows = self.index.find_or_add(_keys(slots, ids))
        self._grow(self.index.count)
        first = self._never_seen(self.index.keys()[known:])
        open_ = np.arange(len(rows))
        done: list[tuple[I64, I64, I64]] = []
        while len(open_):
            open_ = open_[~self._is_set(rows[open_], panes[open_])]
            if not len(open_):
                break
            winners = all_different(rows[open_])
            now = open_[winners]
            before, after = self._set(rows[now], panes[now])
            done.append((now, before, after))
            open_ = open_[~winners]
        if not done:
            none = np.empty(0, np.int64)
            return Sightings(first, none, none, none, none)
        place = np.concatenate([part[0] for part in done])
        return Sightings(
            first,
            slots[place],
            panes[place],
            np.concatenate([part[1] for part in done]),
            np.concatenate([part[2] for part in done]),
        )

    def _never_seen(self, keys: U64) -> I64:
        """Slots of the keys that do not rest."""
        slots = (keys >> _ID_BITS).astype(np.int64)
        some = np.flatnonzero(slots < len(self._rests))
        some = some[self._rests[slots[some]]]  # hardly ever any: a look-up of few
        if not len(some):
            return slots
        place = np.searchsorted(self.resting, keys[some])
        known = self.resting[np.minimum(place, len(self.resting) - 1)] == keys[some]
        return np.delete(slots, some[known])

    def put_to_rest(self, keys: U64) -> None:
        """These keys rest, and no others; ascending, all different."""
        self.resting = keys
        slots = (keys >> _ID_BITS).astype(np.int64)
        self._rests = np.zeros(int(slots.max(initial=-1)) + 1, np.bool_)
        self._rests[slots] = True

    def all_keys(self) -> U64:
        """Keys with rows, then those that rest."""
        return np.concatenate((self.index.keys(), self.resting))

    def let_go(self, gone: Bool, fading: Bool, resting: Bool, pane: int) -> None:
        """Drop the rows of what cannot be asked for again; flags by slot number.

        In `gone` slots all; in `fading` ones ids that were last seen before `pane`; in `resting`
        ones those, too, but they rest.
        """
        slots = self._slots()
        old = self.top[: self.index.count] < pane
        rest = resting[slots] & old & ~gone[slots]
        if rest.any():
            self.put_to_rest(np.union1d(self.resting, self.index.keys()[rest]))
        dropped = gone[slots] | (fading[slots] & old) | rest
        if dropped.any():
            rows = np.flatnonzero(~dropped)
            self.mask, self.top = self.mask[rows].copy(), self.top[rows].copy()
            self.index.keep(rows)

    def take(self, slots_of: Bool) -> U64:
        """Forget all of the slots where `slots_of`; gives their keys, ascending.

        None of them may be in a window any more.
        """
        mine = slots_of[self._slots()]
        keys = self.index.keys()[mine]
        if len(keys):
            rows = np.flatnonzero(~mine)
            self.mask, self.top = self.mask[rows].copy(), self.top[rows].copy()
            self.index.keep(rows)
        rests = slots_of[(self.resting >> _ID_BITS).astype(np.int64)]
        keys = np.union1d(keys, self.resting[rests])
        if rests.any():
            self.put_to_rest(self.resting[~rests])
        return keys

    def bring_back(self, slots: I64, ids: I64) -> None:
        """These ids were seen in these slots, in panes that no window holds any more."""
        if len(slots):
            self.put_to_rest(np.union1d(self.resting, _keys(slots, ids)))

    def _slots(self) -> I64:
        return (self.index.keys() >> _ID_BITS).astype(np.int64)

    def renumber(self, slots_with: Bool, numbers: I64) -> None:
        """Ids got other numbers in the slots where `slots_with`: `numbers[old]` is the new."""
        self.index.reset(_renumbered(self.index.keys(), slots_with, numbers))
        self.put_to_rest(np.sort(_renumbered(self.resting, slots_with, numbers)))

    def _grow(self, rows: int) -> None:
        self.mask = grown(self.mask, rows)
        self.top = grown(self.top, rows)

    def _is_set(self, rows: I64, panes: I64) -> Bool:
        back = self.top[rows] - panes
        inside = (back >= 0) & (back < 64)
        bit = self.mask[rows] >> np.where(inside, back, 0).astype(np.uint64)
        return np.asarray(inside & ((bit & _ONE) == _ONE))

    def _set(self, rows: I64, panes: I64) -> tuple[I64, I64]:
        """Set one bit in each of different rows; give the neighbours (before, after)."""
        mask = self.mask[rows]
        ahead = panes - self.top[rows]
        before = panes - _FAR
        after = panes + _FAR
        fresh = mask == 0
        later = ~fresh & (ahead > 0)
        before[later] = self.top[rows[later]]
        shift = np.clip(ahead, 0, 63).astype(np.uint64)
        moved = np.where(later & (ahead < 64), mask << shift, np.uint64(0)) | _ONE
        new_mask = np.where(fresh | later, moved, mask)
        earlier = np.flatnonzero(~fresh & (ahead < 0))
        if len(earlier):
            back = -ahead[earlier]
            if int(back.max()) >= 64:
                message = f"a pane lies {int(back.max())} behind its row"
                raise InvariantError(message)
            bit = _ONE << back.astype(np.uint64)
            old = mask[earlier]
            newer = old & (bit - _ONE)
            # Both are exact: `newer` has < 53 significant bits, the other is a power of two.
            highest = np.frexp(newer.astype(np.float64))[1] - 1
            after[earlier] = self.top[rows[earlier]] - highest
            older = old >> back.astype(np.uint64)
            lowest = np.frexp((older & (~older + _ONE)).astype(np.float64))[1] - 1
            there = older != 0
            before[earlier[there]] = panes[earlier[there]] - lowest[there]
            new_mask[earlier] = old | bit
        self.mask[rows] = new_mask
        self.top[rows] = np.where(fresh | later, panes, self.top[rows])
        return before, after


def _renumbered(keys: U64, slots_with: Bool, numbers: I64) -> U64:
    slots = keys >> _ID_BITS
    ids = (keys & _ID_MASK).astype(np.int64)
    mine = slots_with[slots.astype(np.int64)]
    ids[mine] = numbers[ids[mine]]
    return np.asarray((slots << _ID_BITS) | ids.astype(np.uint64))


def slots_and_ids(keys: U64) -> tuple[I64, I64]:
    """What keys are made of."""
    return (keys >> _ID_BITS).astype(np.int64), (keys & _ID_MASK).astype(np.int64)


def _keys(slots: I64, ids: I64) -> U64:
    return np.asarray((slots.astype(np.uint64) << _ID_BITS) | ids.astype(np.uint64))
