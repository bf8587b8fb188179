"""How long each viewer stayed: seconds watched by (session, viewer), and who reached half a minute.

The seconds of a row are what its presences come to (`operators.presence`), whatever the clock or
the session's end say: every change of an interval adds its seconds, so their sum does not depend
on the order of arrival. A reading as of second L takes off what lies at or after L. It costs a
pass over all rows, so a beat does it, and screens read what the last one found.
"""

from typing import Final

import numpy as np

from operators.hashindex import I64, U64, Bool
from operators.rings import grown

STAY_S: Final = 30
"""Who watched this long has stayed; shorter visits are of those who looked in."""

_SESSION_SHIFT: Final = np.uint64(32)
FOUND: Final = ("entrants", "entrants_stayed", "stayers", "stayers_watch_s")
"""What a reading finds, by session."""
BY_SESSION: Final = (*FOUND, "settled")
BY_ROW: Final = ("watched_s", "entered")


class Stays:
    """Stays of the viewers of one shard.

    Attributes:
        watched_s, entered: by row of the presence index: seconds watched, cut by nothing, and
            whether the viewer has an enter in the session.
        entrants, entrants_stayed: by session, as of its last reading: viewers with an enter, and
            those of them who watched for `STAY_S` or longer.
        stayers, stayers_watch_s: likewise all viewers who did, and what they watched.
        settled: by session: its last reading stands, the points it was made of are gone.
    """

    def __init__(self, ttl_s: int) -> None:
        self._ttl_s = ttl_s
        self.watched_s: I64 = np.zeros(0, np.int64)
        self.entered: Bool = np.zeros(0, np.bool_)
        self.entrants: I64 = np.zeros(0, np.int64)
        self.entrants_stayed: I64 = np.zeros(0, np.int64)
        self.stayers: I64 = np.zeros(0, np.int64)
        self.stayers_watch_s: I64 = np.zeros(0, np.int64)
        self.settled: Bool = np.zeros(0, np.bool_)

    def grow(self, sessions: int, rows: int) -> None:
        """Make room for session numbers and rows below these."""
        for names, count in ((BY_SESSION, sessions), (BY_ROW, rows)):
            for name in names:
                setattr(self, name, grown(getattr(self, name), count))

    def keep(self, rows: I64) -> None:
        """Only these rows are left, in this order."""
        self.watched_s, self.entered = self.watched_s[rows].copy(), self.entered[rows].copy()

    def read(self, keys: U64, last: I64, recent: I64, limit_s: I64) -> None:
        """Find who stayed, of the seconds before a limit.

        Args:
            keys: of presence, by row.
            last: the last point of each row.
            recent: its recent points; none at or after a limit may be missing.
            limit_s: by session, the first second that does not count; 0 leaves a session as it
                is, and so does its being settled.
        """
        known = min(len(limit_s), len(self.settled))
        limits = np.where(self.settled[:known], 0, limit_s[:known])
        chosen = np.flatnonzero(limits > 0)
        if not len(chosen):
            return
        sessions = (keys >> _SESSION_SHIFT).view(np.int64)
        limit = limits[sessions]
        watched = self.watched_s[: len(keys)] - self._beyond(last[: len(keys)], recent, limit)
        stayed = (watched >= STAY_S) & (limit > 0)
        entered = self.entered[: len(keys)]
        counted = {
            "entrants": sessions[entered],
            "entrants_stayed": sessions[entered & stayed],
            "stayers": sessions[stayed],
        }
        for name, of in counted.items():
            getattr(self, name)[chosen] = np.bincount(of, minlength=known)[chosen]
        # Sums of whole seconds are exact in the floats of bincount.
        seconds = np.bincount(sessions[stayed], watched[stayed], minlength=known)
        self.stayers_watch_s[chosen] = seconds[chosen].astype(np.int64)

    def _beyond(self, last: I64, recent: I64, limit: I64) -> I64:
        """Seconds at or after the limit, by row; anything where that is 0."""
        second = last >> 1
        timeout = np.maximum(second + self._ttl_s - limit, 0)
        beyond = np.where((last & 1) == 1, timeout, 0)
        later = (second >= limit) & (limit > 0)
        if later.any():
            beyond[later] = 0
            mine = recent[later[recent[:, 0]]]
            rows, seconds = self._later(mine, limit[mine[:, 0]])
            np.add.at(beyond, rows, seconds)
        return beyond

    def _later(self, points: I64, limit: I64) -> tuple[I64, I64]:
        """(rows, seconds beyond) from recent points and the limits of their rows.

        Of two points in one second the leave stands: it is the smaller number.
        """
        beyond = points[:, 1] >> 1 >= limit
        points, limit = points[beyond], limit[beyond]
        order = np.lexsort((points[:, 1], points[:, 0]))
        points, limit = points[order], limit[order]
        rows, at = points[:, 0], points[:, 1] >> 1
        first = np.ones(len(points), np.bool_)
        first[1:] = (rows[1:] != rows[:-1]) | (at[1:] != at[:-1])
        points, limit, rows, at = points[first], limit[first], rows[first], at[first]
        end = at + self._ttl_s
        same = rows[1:] == rows[:-1]
        end[:-1][same] = np.minimum(end[:-1], at[1:])[same]
        seconds = np.where((points[:, 1] & 1) == 1, end - at, 0)
        # The presence before the first of them may reach over the limit.
        opening = np.ones(len(points), np.bool_)
        opening[1:] = ~same
        before = points[:, 2]
        reach = np.minimum((before >> 1) + self._ttl_s, at) - limit
        seconds += np.where(opening & ((before & 1) == 1), np.maximum(reach, 0), 0)
        return rows, seconds
