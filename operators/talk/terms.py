"""Which terms viewers say, and what they order in the minutes after. Exact in any order.

Mentions wait until their minute can change no more; then they are counted. So whatever was
seen first is never asked for, and nothing has to be corrected.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from operators.hashindex import I64, Bool
from operators.talk.tables import Keyed, Store, high_of, low_of, packed

MINUTE_MS: Final = 60_000
R5_MS: Final = 5 * MINUTE_MS
MAX_TERMS: Final = 50_000
"""Different terms counted of a session; from the minute on that has them, only known ones."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by (session, term); all arrays have shape (rows,)."""

    session: I64
    term: I64
    users: I64
    mentions: I64


class Terms:
    """Mentions of recent minutes, and totals of every (session, term)."""

    def __init__(self, horizon_ms: int) -> None:
        self._horizon_ms = horizon_ms
        self.heard = Store("session", "term", "viewer", "time_ms", "counted")
        self.slots = Keyed("mentions", "users", "orders", "minor")
        self._told = Keyed()
        self._ordered = Keyed()
        self.looked = 0
        """So many mentions, the oldest, were there when screens last looked."""

    def hear(self, session: I64, term: I64, viewer: I64, time_ms: I64) -> None:
        """Mentions as they come; viewer -1: not known."""
        self.heard.add(session, term, viewer, time_ms, np.zeros(len(term), np.int64))

    def count(self, end_ms: int) -> I64:
        """Count the mentions before `end_ms` into the totals; sessions that had some."""
        heard = self.heard
        due = np.flatnonzero((heard["counted"] == 0) & (heard["time_ms"] < end_ms))
        session, term = heard["session"][due], heard["term"][due]
        heard.put("counted", due, 1)
        keys = packed(session, term)
        full = self._full(session)
        if full.any():
            known = ~full | (self.slots.index.find(keys) >= 0)
            due, keys = due[known], keys[known]
        rows = self.slots.rows(keys)
        self.slots.add("mentions", rows, 1)
        viewer = heard["viewer"][due]
        there = viewer >= 0
        new = self._told.new(packed(rows[there], viewer[there]))
        self.slots.add("users", high_of(new), 1)
        return np.unique(session)

    def _full(self, session: I64) -> Bool:
        """Which of the sessions have as many terms as are counted."""
        if len(self.slots) < MAX_TERMS or not len(session):
            return np.zeros(len(session), np.bool_)
        sizes = np.bincount(high_of(self.slots.index.keys()), minlength=int(session.max()) + 1)
        return np.asarray(sizes[session] >= MAX_TERMS)

    def look(self) -> None:
        """From now on `looked` mentions are those there are."""
        self.looked = len(self.heard)

    def window(self, end_ms: int, first: int | None = None) -> Tally:
        """Counts of the five minutes before `end_ms`, by the `first` mentions (None: all)."""
        heard = self.heard
        time_ms = heard["time_ms"][:first]
        rows = np.flatnonzero((time_ms >= end_ms - R5_MS) & (time_ms < end_ms))
        keys, place, mentions = np.unique(
            packed(heard["session"][rows], heard["term"][rows]),
            return_inverse=True,
            return_counts=True,
        )
        viewer = heard["viewer"][rows]
        there = viewer >= 0
        pairs = np.unique(packed(place[there], viewer[there]))
        users = np.bincount(high_of(pairs), minlength=len(keys))
        return Tally(high_of(keys), low_of(keys), users, mentions)

    def follow(self, paid: Store) -> I64:
        """Count paid lines with what their buyers said before; sessions that had some.

        A line counts for a term if its buyer said the term at most the horizon before it, in
        the same session; once for each term, and its order once.
        """
        heard = self.heard
        buyers = packed(paid["session"], np.maximum(paid["viewer"], 0))
        known = np.flatnonzero(paid["viewer"] >= 0)
        mine = packed(heard["session"], np.maximum(heard["viewer"], 0))
        rows = np.flatnonzero((heard["viewer"] >= 0) & np.isin(mine, buyers[known]))
        rows = rows[np.argsort(mine[rows], kind="stable")]
        first = np.searchsorted(mine[rows], buyers[known], "left")
        count = np.searchsorted(mine[rows], buyers[known], "right") - first
        line = np.repeat(known, count)
        offset = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
        mention = rows[np.repeat(first, count) + offset]
        ago = paid["time_ms"][line] - heard["time_ms"][mention]
        good = (ago >= 0) & (ago < self._horizon_ms)
        line, mention = line[good], mention[good]
        slot = self.slots.index.find(packed(heard["session"][mention], heard["term"][mention]))
        pairs = np.unique(packed(slot[slot >= 0], line[slot >= 0]))
        slot, line = high_of(pairs), low_of(pairs)
        self.slots.add("minor", slot, paid["amount"][line])
        new = self._ordered.new(packed(slot, paid["order"][line]))
        self.slots.add("orders", high_of(new), 1)
        return np.unique(paid["session"][line])

    def forget(self, end_ms: int) -> None:
        """Drop mentions that no window and no order from `end_ms` on looks back at."""
        before = end_ms - max(R5_MS, self._horizon_ms)
        kept = (self.heard["time_ms"] >= before) | (self.heard["counted"] == 0)
        self.looked = int(np.count_nonzero(kept[: self.looked]))
        self.heard.keep(kept)

    def drop(self, gone: Bool) -> None:
        """Forget the totals of sessions, by number."""
        numbers = self.slots.keep(~gone[high_of(self.slots.index.keys())])
        self._told.renumber_high(numbers)
        self._ordered.renumber_high(numbers)

    def used_terms(self) -> I64:
        """Codes of all terms that are known of."""
        return np.unique(np.concatenate([low_of(self.slots.index.keys()), self.heard["term"]]))

    def renumber_terms(self, numbers: I64) -> None:
        """Terms got other codes."""
        self.slots.renumber_low(numbers)
        self.heard.put("term", np.ones(self.heard.whole.shape[1], np.bool_),
                       numbers[self.heard["term"]])  # fmt: skip

    def mark_viewers(self, alive: Bool) -> None:
        """Set the flag of every viewer that is known of."""
        alive[low_of(self._told.index.keys())] = True
        alive[self.heard["viewer"][self.heard["viewer"] >= 0]] = True

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers."""
        self._told.renumber_low(numbers)
        there = np.flatnonzero(self.heard["viewer"] >= 0)
        self.heard.put("viewer", there, numbers[self.heard["viewer"][there]])

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {
            "heard": self.heard.whole.copy(),
            "looked": self.looked,
            "slots": self.slots.snapshot(),
            "told": self._told.snapshot(),
            "ordered": self._ordered.snapshot(),
        }

    def restore(self, data: object) -> None:
        """Take a snapshot."""
        if isinstance(data, dict):
            self.heard.restore(data.get("heard"))
            self.looked = min(int(data.get("looked", 0)), len(self.heard))
            self.slots.restore(data.get("slots"))
            self._told.restore(data.get("told"))
            self._ordered.restore(data.get("ordered"))
