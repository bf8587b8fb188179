"""The platform's own gauges: what `room_stats` said last, and the most it ever said.

Enter messages may be a sample of the truth, so the platform's counters are figures of their
own. `online` goes up and down: of a window its last value by event time counts, of equal
times the larger. The others accumulate: of a session the largest counts, since samples arrive
out of order. Both are free of the order of arrival.
"""

from typing import Final

import numpy as np

from operators.catalogue.axes import PANE_MS
from operators.hashindex import I32, I64, Bool
from operators.nulls import NOT_REPORTED
from operators.rings import RING, grown

LARGEST: Final = {"viewers": 0, "likes": 1, "gmv": 2}
"""Accumulating gauge to its column."""
LAST: Final = "online"


class Reported:
    """Gauges by session; the panes of live sessions are in rings, reused once they are sealed."""

    def __init__(self) -> None:
        self.largest: I64 = np.zeros((0, len(LARGEST)), np.int64)
        self.last: I64 = np.zeros((0, 2), np.int64)
        self.row_of: I32 = np.zeros(0, np.int32)
        self.owner: I32 = np.zeros(0, np.int32)
        self.rings: I64 = np.zeros((0, RING, 2), np.int64)

    def see(self, session: int, metric: str, time_ms: int, value: int, sealed: Bool) -> None:
        """Take one sample; metrics nobody knows are passed over."""
        if metric in LARGEST:
            self._grow(session + 1)
            column = LARGEST[metric]
            self.largest[session, column] = max(int(self.largest[session, column]), value)
        elif metric == LAST:
            self._grow(session + 1)
            sample = (time_ms, value)
            self.last[session] = max(sample, tuple(self.last[session].tolist()))
            row, place = self._row(session, sealed, time_ms), time_ms // PANE_MS % RING
            pane_ms, held = self.rings[row, place].tolist()
            # What lies a whole turn of the ring apart belongs to another pane.
            if pane_ms // PANE_MS > time_ms // PANE_MS:
                return
            self.rings[row, place] = max(sample, (pane_ms, held))

    def of_session(self, metric: str, sessions: I64) -> I64:
        """Values of a gauge in sessions."""
        out = np.full(len(sessions), NOT_REPORTED, np.int64)
        known = np.flatnonzero(sessions < len(self.largest))
        table = self.last[:, 1] if metric == LAST else self.largest[:, LARGEST[metric]]
        out[known] = table[sessions[known]]
        return out

    def of_window(self, sessions: I64, start: int, end: int) -> I64:
        """Last online of sessions in panes `[start, end)`, at most `RING` of them."""
        out = np.full(len(sessions), NOT_REPORTED, np.int64)
        known = np.flatnonzero(sessions < len(self.row_of))
        known = known[self.row_of[sessions[known]] >= 0]
        if len(known):
            rows = self.row_of[sessions[known]].astype(np.int64)
            found = self.rings[rows[:, None], np.arange(start, end) % RING]
            inside = (found[:, :, 0] >= start * PANE_MS) & (found[:, :, 0] < end * PANE_MS)
            times = np.where(inside, found[:, :, 0], -1)
            latest = times.argmax(axis=1)
            values = found[np.arange(len(known)), latest, 1]
            out[known] = np.where(inside.any(axis=1), values, NOT_REPORTED)
        return out

    def _row(self, session: int, sealed: Bool, time_ms: int) -> int:
        """Ring of a session, taken from a sealed one of which no window is read any more."""
        row = int(self.row_of[session])
        if row >= 0:
            return row
        quiet = self.last[self.owner, 0] < time_ms - RING * PANE_MS
        free = np.flatnonzero(sealed[self.owner] & quiet)
        if len(free):
            row = int(free[0])
            self.row_of[self.owner[row]] = -1
            self.owner[row] = session
        else:
            row = len(self.owner)
            self.owner = np.append(self.owner, np.int32(session))
            self.rings = np.concatenate((self.rings, np.zeros((1, RING, 2), np.int64)))
        self.rings[row] = (-1, NOT_REPORTED)
        self.row_of[session] = row
        return row

    def _grow(self, sessions: int) -> None:
        had = len(self.largest)
        if sessions > had:
            self.largest = grown(self.largest, sessions)
            self.last, self.row_of = (
                grown(self.last, len(self.largest)),
                grown(self.row_of, len(self.largest)),
            )
            self.largest[had:] = NOT_REPORTED
            self.last[had:] = (-1, NOT_REPORTED)
            self.row_of[had:] = -1

    ARRAYS: Final = ("largest", "last", "row_of", "owner", "rings")
