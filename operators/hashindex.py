"""A vectorised map from 64-bit keys to dense row numbers: the base of every table of state.

The rows of a table (masks, times, totals) are plain arrays indexed by the row number, so that
only this file knows about hashing. Open addressing, linear probing, load at most one half.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_FREE: Final = np.int32(-1)
_MIN_BITS: Final = 6
_FEW: Final = 24


class HashIndex:
    """Keys to rows `0, 1, 2 …` in the order of their first appearance.

    Memory: 8 bytes a key (and up to an eighth in reserve) and 8 to 16 bytes of table.
    """

    __slots__ = ("_bits", "_keys", "_table", "count")

    def __init__(self, keys: U64 | None = None) -> None:
        """Start empty, or as `reset` with keys."""
        self.reset(keys)

    def reset(self, keys: U64 | None = None) -> None:
        """Hold nothing but `keys` (all different), as rows 0 … len(keys)-1."""
        given = np.empty(0, np.uint64) if keys is None else keys.astype(np.uint64)
        self.count: int = len(given)
        self._keys: U64 = given
        self._table: I32 = np.empty(0, np.int32)
        self._rebuild(bits_of(self.count))

    def keep(self, rows: I64) -> None:
        """Hold nothing but the keys of these rows, ascending, as rows 0 … len(rows)-1.

        The table stays twice as long as it need be: it will grow again, and what is given back
        and taken every minute is paid for in fresh pages.
        """
        self._keys = self._keys[rows]
        self.count = len(rows)
        least = bits_of(self.count)
        self._rebuild(max(least, min(self._bits, least + 1)))

    def keys(self) -> U64:
        """The keys by row, shape `(count,)`; a view, not to be changed."""
        return self._keys[: self.count]

    def find(self, keys: U64) -> I64:
        """Rows of `keys`, -1 where absent. Shape as `keys`."""
        place = self._home(keys)
        rows = self._table[place].astype(np.int64)
        open_ = np.flatnonzero((rows >= 0) & (self._keys_at(rows) != keys))
        mask = len(self._table) - 1
        while len(open_):
            place[open_] = (place[open_] + 1) & mask
            found = self._table[place[open_]].astype(np.int64)
            rows[open_] = found
            open_ = open_[(found >= 0) & (self._keys_at(found) != keys[open_])]
        return rows

    def find_or_add(self, keys: U64) -> I64:
        """Rows of `keys`, new rows for new keys. Equal keys get the same row.

        New rows are those `>=` the `count` from before the call.
        """
        wanted = self.count + len(keys)
        if wanted * 2 > len(self._table):
            absent = int((self.find(keys) < 0).sum())
            if (self.count + absent) * 2 > len(self._table):
                self._rebuild(bits_of(self.count + absent))
        place = self._home(keys)
        rows = self._table[place].astype(np.int64)
        open_ = np.flatnonzero((rows < 0) | (self._keys_at(rows) != keys))
        mask = len(self._table) - 1
        while len(open_) > _FEW:
            found = self._table[place[open_]].astype(np.int64)
            free = found < 0
            if free.any():
                self._claim(place[open_[free]], keys[open_[free]])
                found = self._table[place[open_]].astype(np.int64)
            hit = self._keys_at(found) == keys[open_]
            rows[open_[hit]] = found[hit]
            open_ = open_[~hit]
            place[open_] = (place[open_] + 1) & mask
        if len(open_):
            rows[open_] = self._one_by_one(place[open_].tolist(), keys[open_].tolist())
        return rows

    def extend(self, keys: U64) -> None:
        """Add keys, none of them there and all different, as the next rows in their order.

        `find_or_add` numbers new keys as the table has room for them, and that differs after a
        snapshot; here the keys alone decide.
        """
        start, need = self.count, self.count + len(keys)
        self._reserve(need)
        self._keys[start:need] = keys
        self.count = need
        if need * 2 > len(self._table):
            self._rebuild(bits_of(need))
        else:
            self._insert(np.arange(start, need, dtype=np.int32))

    def _one_by_one(self, places: list[int], keys: list[int]) -> list[int]:
        """The last few keys of a batch: for them, a round of array calls costs more than a loop."""
        self._reserve(self.count + len(keys))
        table, known, mask = self._table, self._keys, len(self._table) - 1
        rows = []
        for place, key in zip(places, keys, strict=True):
            row = int(table[place])
            while row >= 0 and int(known[row]) != key:
                place = (place + 1) & mask
                row = int(table[place])
            if row < 0:
                row = self.count
                known[row], table[place] = key, row
                self.count += 1
            rows.append(row)
        return rows

    def _reserve(self, count: int) -> None:
        if count > len(self._keys):
            grown = np.empty(max(count + count // 8, 64), np.uint64)
            grown[: self.count] = self._keys[: self.count]
            self._keys = grown

    def _claim(self, place: I64, keys: U64) -> None:
        """Give each free place to one of the keys that want it; losers look again."""
        rank = np.arange(len(place), dtype=np.int32)
        # Of equal places the last assignment stands; going backwards, that is the first key.
        self._table[place[::-1]] = rank[::-1]
        won = np.flatnonzero(self._table[place] == rank)
        need = self.count + len(won)
        self._reserve(need)
        self._keys[self.count : need] = keys[won]
        self._table[place[won]] = np.arange(self.count, need, dtype=np.int32)
        self.count = need

    def _keys_at(self, rows: I64) -> U64:
        """Keys of `rows`; garbage where a row is -1."""
        if len(self._keys) == 0:
            return np.zeros(len(rows), np.uint64)
        return self._keys[rows]

    def _home(self, keys: U64) -> I64:
        mixed = (keys ^ (keys >> np.uint64(32))) * _MULTIPLIER
        return (mixed >> np.uint64(64 - self._bits)).astype(np.int64)

    def _rebuild(self, bits: int) -> None:
        self._bits = bits
        if len(self._table) == 1 << bits:
            self._table.fill(_FREE)
        else:
            self._table = np.full(1 << bits, _FREE, np.int32)
        self._insert(np.arange(self.count, dtype=np.int32))

    def _insert(self, rows: I32) -> None:
        """Give rows whose keys are known a place in the table."""
        mask = len(self._table) - 1
        place = self._home(self._keys[rows])
        while len(rows):
            free = np.flatnonzero(self._table[place] == _FREE)
            self._table[place[free][::-1]] = rows[free][::-1]
            lost = np.flatnonzero(self._table[place] != rows)
            rows, place = rows[lost], (place[lost] + 1) & mask


def bits_of(count: int) -> int:
    """The least length of a table of so many keys is two to the power of this."""
    return max(_MIN_BITS, (count * 2 - 1).bit_length())


def first_of_each(rows: I64, scratch: I32) -> Bool:
    """True at the first place of each distinct row.

    Args:
        rows: row numbers, shape `(n,)`.
        scratch: any array longer than the largest row; its contents are overwritten.
    """
    order = np.arange(len(rows), dtype=np.int32)
    scratch[rows[::-1]] = order[::-1]
    return np.asarray(scratch[rows] == order)


def firsts(values: I64) -> Bool:
    """True at the first place of each distinct value, shape as values; for a batch of few.

    It sorts, and needs no array as long as a table.
    """
    first = np.zeros(len(values), np.bool_)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def all_different(rows: I64) -> Bool:
    """True at places that hold different rows: at the first place of most, of all in a few calls.

    For loops that take the rest in their next round; unlike `first_of_each` it needs no array
    as long as the table.
    """
    size = 1 << (len(rows) * 8).bit_length()
    order = np.arange(len(rows), dtype=np.int32)
    place = rows & (size - 1)
    scratch = np.empty(size, np.int32)
    scratch[place[::-1]] = order[::-1]
    return np.asarray(scratch[place] == order)
