"""Who is online: an exact count for every second, in any order of arrival.

A viewer's *points* are its presence events and leaves, by whole second. It is online at second
t when its latest point at or before t is a presence less than `ttl_s` old. So a presence at
second p counts in `[p, min(next point, p + ttl_s))`: +1 at the start, -1 at the end, in a ring
of seconds a session. A point that comes late splits the interval of the one before it.
"""

from typing import Final

import numpy as np

from operators.hashindex import I32, I64, U64, Bool, HashIndex, all_different
from operators.rings import grown
from operators.stays import Stays

SECONDS: Final = 512
"""Length of the ring: lateness 62 s + skew 60 s + ttl 300 s, and room to spare."""

DEFAULT_TTL_S: Final = 300
"""A viewer without a sign for this long has left: Shopify's Live View counts 5 minutes."""
ACTIVE_S: Final = 60
"""Who acted this short a time ago is active; who is online and is not, is silent."""

_SESSION_SHIFT: Final = np.uint64(32)
_VIEWER_MASK: Final = np.uint64(0xFFFF_FFFF)
BY_SESSION: Final = (
    *("ring_of", "base", "peak", "watch_s", "tail_s", "stop_s", "last_s", "note_s", "online_last"),
    *("peaks", "peaks_tail", "peak_open"),
)
"""Arrays with one place a session."""
_LEAVE: Final = 0
_PRESENT: Final = 1


class Presence:
    """Presence of the viewers of one shard.

    Attributes:
        horizon_s: seconds before it cannot change any more; they are folded into `base`.
        base, peak, watch_s, tail_s: by session, at the horizon: online, largest online so far,
            sum of online over the seconds up to the last event, and over those after it.
        stop_s: by session: nobody is online from this second on; 0 while it is open.
        last_s: by session: second of its last event (set by the caller).
        peaks, peaks_tail, peak_open: by session, at the horizon: sum of the peaks of the minutes
            up to that of the last event, of those after it, and peak so far of the open minute.
        note_s, online_last: by session: a second (set by the caller), and how many were online
            then, once the horizon has passed it.
        stays: how long each viewer stayed, row by row of `index`.
        ring_of: by session: its row in `rings`, -1 before its first point and once it is released;
            `owner` the reverse.
        rings: (rows, SECONDS): change of online at second s in place s % SECONDS.
    """

    def __init__(self, ttl_s: int = DEFAULT_TTL_S) -> None:
        self.ttl_s = ttl_s
        self.horizon_s = 0
        self.index = HashIndex()
        self.stays = Stays(ttl_s)
        self.last: I64 = np.zeros(0, np.int64)
        self.rings: I32 = np.zeros((0, SECONDS), np.int32)
        self.owner: I32 = np.zeros(0, np.int32)
        self.ring_of: I32 = np.zeros(0, np.int32)
        self.sessions = 0
        self.base: I64 = np.zeros(0, np.int64)
        self.peak: I64 = np.zeros(0, np.int64)
        self.watch_s: I64 = np.zeros(0, np.int64)
        self.tail_s: I64 = np.zeros(0, np.int64)
        self.stop_s: I64 = np.zeros(0, np.int64)
        self.last_s: I64 = np.zeros(0, np.int64)
        self.note_s: I64 = np.zeros(0, np.int64)
        self.online_last: I64 = np.zeros(0, np.int64)
        self.peaks: I64 = np.zeros(0, np.int64)
        self.peaks_tail: I64 = np.zeros(0, np.int64)
        self.peak_open: I64 = np.zeros(0, np.int64)
        self.recent: I64 = np.zeros((0, 3), np.int64)
        self.recent_count = 0

    def grow(self, sessions: int) -> None:
        """Make room for session numbers below `sessions`."""
        if sessions <= self.sessions:
            return
        for name in BY_SESSION:
            setattr(self, name, grown(getattr(self, name), sessions))
        self.ring_of[self.sessions : sessions] = -1
        self.sessions = sessions
        self.stays.grow(sessions, self.index.count)

    def _open_rings(self, sessions: I64) -> None:
        """Give a ring to those of the sessions that have none: a room nobody is in needs none."""
        bare = np.unique(sessions[self.ring_of[sessions] < 0])
        if not len(bare):
            return
        rows = np.flatnonzero(self.owner < 0)[: len(bare)]
        first, more = len(self.owner), len(bare) - len(rows)
        if more:
            self.owner = np.concatenate((self.owner, np.full(more, -1, np.int32)))
            self.rings = grown(self.rings, first + more)
            rows = np.concatenate((rows, np.arange(first, first + more)))
        self.ring_of[bare] = rows
        self.owner[rows] = bare

    def release(self, sealed: Bool) -> None:
        """Forget who was online in sealed sessions (indexed by session); their sums stay.

        Those whose end the horizon has not passed keep it until then: their peak is still in
        the ring, and screens read it.
        """
        n = self.sessions
        over = sealed[:n] & (self.stop_s[:n] <= self.horizon_s)
        mine = np.flatnonzero(over & (self.ring_of[:n] >= 0))
        if not len(mine):
            return
        self._close_minute(mine)
        # A session that nobody ended is over with its last event.
        self._settle(
            mine, np.where(self.stop_s[mine] > 0, self.stop_s[mine], self.last_s[mine] + 1)
        )
        rows = self.ring_of[mine]
        self.rings[rows] = 0
        self.owner[rows] = -1
        self.ring_of[mine] = -1
        self.base[mine] = 0
        keys = self.index.keys()
        kept = np.flatnonzero(self.ring_of[(keys >> _SESSION_SHIFT).astype(np.int64)] >= 0)
        renumber = np.full(len(keys), -1, np.int64)
        renumber[kept] = np.arange(len(kept))
        self.index.keep(kept)
        self.last = self.last[kept].copy()
        self.stays.keep(kept)
        recent = self.recent[: self.recent_count].copy()
        recent[:, 0] = renumber[recent[:, 0]]
        self.recent = recent[recent[:, 0] >= 0]
        self.recent_count = len(self.recent)

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers: `numbers[old]` is the new one."""
        keys = self.index.keys()
        viewers = numbers[(keys & _VIEWER_MASK).astype(np.int64)].astype(np.uint64)
        self.index.reset((keys >> _SESSION_SHIFT << _SESSION_SHIFT) | viewers)

    def read_stays(self, limit_s: I64) -> None:
        """Read who stayed in sessions, up to `limit_s` by session (exclusive); 0: not in this."""
        recent = self.recent[: self.recent_count]
        self.stays.read(self.index.keys(), self.last, recent, limit_s)

    def _settle(self, sessions: I64, limit_s: I64) -> None:
        """Read their stays for the last time, before their points are forgotten."""
        limits = np.zeros(self.sessions, np.int64)
        limits[sessions] = limit_s
        self.read_stays(limits)
        self.stays.settled[sessions] = True

    def see(
        self,
        sessions: I64,
        viewers: I64,
        seconds: I64,
        leaves: Bool,
        enters: Bool | None = None,
    ) -> None:
        """Take points, shapes (n,), none before the horizon. `enters`: None: none of them is."""
        self._open_rings(sessions)
        keys = (sessions.astype(np.uint64) << _SESSION_SHIFT) | viewers.astype(np.uint64)
        rows = self.index.find_or_add(keys)
        self.last = grown(self.last, self.index.count)
        self.stays.grow(self.sessions, self.index.count)
        if enters is not None:
            self.stays.entered[rows[enters]] = True
        points = seconds * 2 + np.where(leaves, _LEAVE, _PRESENT)
        open_ = np.arange(len(rows))
        while len(open_):
            last = self.last[rows[open_]]
            open_ = open_[points[open_] != last]
            if not len(open_):
                return
            winners = all_different(rows[open_])
            now = open_[winners]
            ordered = (points[now] >> 1) > (self.last[rows[now]] >> 1)
            self._append(sessions[now[ordered]], rows[now[ordered]], points[now[ordered]])
            late = now[~ordered]
            if len(late):
                self._insert_all(sessions[late], rows[late], points[late])
            open_ = open_[~winners]

    def _append(self, sessions: I64, rows: I64, points: I64) -> None:
        """Points after the last of their viewer, one each."""
        last = self.last[rows]
        self._remember(rows, points, last)
        self.last[rows] = points
        at = points >> 1
        end = (last >> 1) + self.ttl_s
        open_ = ((last & 1) == _PRESENT) & (end > at)
        self.stays.watched_s[rows[open_]] -= (end - at)[open_]
        self._change(sessions[open_], end[open_], 1)
        self._change(sessions[open_], at[open_], -1)
        present = (points & 1) == _PRESENT
        self.stays.watched_s[rows[present]] += self.ttl_s
        self._change(sessions[present], at[present], 1)
        self._change(sessions[present], at[present] + self.ttl_s, -1)

    def _remember(self, rows: I64, points: I64, befores: I64) -> None:
        """Keep points until the horizon passes them: (row, point, point before it)."""
        count = self.recent_count + len(rows)
        self.recent = grown(self.recent, count)
        self.recent[self.recent_count : count] = np.column_stack((rows, points, befores))
        self.recent_count = count

    def _insert_all(self, sessions: I64, rows: I64, points: I64) -> None:
        """Points at or before the last of their viewer, one each."""
        recent = self.recent[: self.recent_count]
        places: dict[int, list[int]] = {row: [] for row in rows.tolist()}
        for place in np.flatnonzero(np.isin(recent[:, 0], rows)).tolist():
            places[int(recent[place, 0])].append(place)
        for session, row, point in zip(
            sessions.tolist(), rows.tolist(), points.tolist(), strict=True
        ):
            self._insert(session, row, point, places[row])

    def _insert(self, session: int, row: int, point: int, places: list[int]) -> None:
        before, after, same = self._neighbours(row, point, places)
        at, kind = point >> 1, point & 1
        if same is not None:
            if kind == _PRESENT or same & 1 == _LEAVE:
                return  # of two points in one second, the leave stands
            self._interval(session, row, at, self._end(at, after), -1)
        else:
            if before & 1 == _PRESENT:
                old, new = self._end(before >> 1, after), self._end(before >> 1, point)
                self._interval(session, row, new, old, -1)
            if kind == _PRESENT:
                self._interval(session, row, at, self._end(at, after), 1)
        for place in places:  # the next point's predecessor is this one now
            if after is not None and int(self.recent[place, 1]) == after:
                self.recent[place, 2] = point
        self._remember(np.array([row]), np.array([point]), np.array([before]))
        if after is None:
            self.last[row] = point

    def _end(self, start: int, after: int | None) -> int:
        """End of the interval of a presence at second `start`, next point `after`."""
        timeout = start + self.ttl_s
        return timeout if after is None else min(timeout, after >> 1)

    def _neighbours(
        self, row: int, point: int, places: list[int]
    ) -> tuple[int, int | None, int | None]:
        """Points of a viewer around `point`: before (0: none), after, in the same second."""
        known: dict[int, int] = {}
        oldest, oldest_before = 0, 0
        for _, found, before in self.recent[places].tolist():
            known[found >> 1] = min(found, known.get(found >> 1, found))
            if not oldest or found >> 1 < oldest >> 1:
                oldest, oldest_before = found, before
        if not oldest:
            last = int(self.last[row])
            known[last >> 1] = last
        elif oldest_before:
            known.setdefault(oldest_before >> 1, oldest_before)
        at = point >> 1
        earlier = [second for second in known if second < at]
        later = [second for second in known if second > at]
        return (
            known[max(earlier)] if earlier else 0,
            known[min(later)] if later else None,
            known.get(at),
        )

    def _interval(self, session: int, row: int, start: int, end: int, by: int) -> None:
        if end > start:
            self.stays.watched_s[row] += by * (end - start)
            where = np.array([session])
            self._change(where, np.array([start]), by)
            self._change(where, np.array([end]), -by)

    def _change(self, sessions: I64, seconds: I64, by: int) -> None:
        """Change online by `by` from `seconds` on; before the horizon: from the horizon on."""
        places = self.ring_of[sessions].astype(np.int64) * SECONDS + (
            np.maximum(seconds, self.horizon_s + 1) % SECONDS
        )
        np.add.at(self.rings.reshape(-1), places, np.int32(by))

    def online(self, sessions: I64, start_s: int, stop_s: int) -> I64:
        """Online in each second of `[start_s, stop_s)`, shape (len(sessions), seconds).

        `start_s` > horizon_s; `stop_s` at most SECONDS after it.
        """
        seconds = np.arange(self.horizon_s + 1, stop_s)
        rows = self.ring_of[sessions].astype(np.int64)
        changes = np.zeros((len(rows), len(seconds)), np.int32)
        there = rows >= 0
        changes[there] = self.rings[rows[there, None], seconds % SECONDS]
        online = self.base[sessions][:, None] + np.cumsum(changes, axis=1)
        online[self._after_stop(self.stop_s[sessions], seconds)] = 0
        return np.asarray(online[:, start_s - self.horizon_s - 1 :])

    def advance(self, horizon_s: int) -> None:
        """Fold the seconds up to and including `horizon_s` into the sums."""
        if not self.horizon_s:
            self.horizon_s = horizon_s
        count = min(horizon_s - self.horizon_s, SECONDS - 1)
        if count <= 0:
            return
        seconds = np.arange(self.horizon_s + 1, self.horizon_s + count + 1)
        rows = np.flatnonzero(self.owner >= 0)
        live = self.owner[rows].astype(np.int64)
        online = self.base[live][:, None] + np.cumsum(
            self.rings[:, seconds % SECONDS][rows], axis=1
        )
        self.rings[:, seconds % SECONDS] = 0
        self.base[live] = online[:, -1]
        online[self._after_stop(self.stop_s[live], seconds)] = 0
        at_last = self.note_s[live] - int(seconds[0])
        held = np.flatnonzero((at_last >= 0) & (at_last < count))
        self.online_last[live[held]] = online[held, at_last[held]]
        self.peak[live] = np.maximum(self.peak[live], online.max(axis=1, initial=0))
        self._add_watch(live, seconds, online)
        self._add_peaks(live, seconds, online, horizon_s)
        over = (self.stop_s[live] > 0) & (self.stop_s[live] <= horizon_s)
        over &= ~self.stays.settled[live]
        if over.any():
            self._settle(live[over], self.stop_s[live[over]])
        self.horizon_s = horizon_s
        recent = self.recent[: self.recent_count]
        kept = recent[recent[:, 1] >> 1 >= horizon_s]
        self.recent, self.recent_count = kept.copy(), len(kept)

    def _add_watch(self, live: I64, seconds: I64, online: I64) -> None:
        """Add to the watch time; what lies after a session's last event waits in the tail."""
        moved = live[self.last_s[live] >= int(seconds[0])]
        self.watch_s[moved] += self.tail_s[moved]
        self.tail_s[moved] = 0
        after = seconds > self.last_s[live][:, None]
        self.watch_s[live] += np.where(after, 0, online).sum(axis=1)
        self.tail_s[live] += np.where(after, online, 0).sum(axis=1)

    def _add_peaks(self, live: I64, seconds: I64, online: I64, horizon_s: int) -> None:
        """Add the peaks of the minutes that end up to `horizon_s`; see `_add_watch`."""
        minutes, peaks = _by_minute(seconds, online)
        peaks[:, 0] = np.maximum(peaks[:, 0], self.peak_open[live])
        closed = minutes < (horizon_s + 1) // 60
        last = self.last_s[live] // 60
        moved = live[last >= minutes[0]]
        self.peaks[moved] += self.peaks_tail[moved]
        self.peaks_tail[moved] = 0
        after = minutes > last[:, None]
        self.peaks[live] += np.where(closed & ~after, peaks, 0).sum(axis=1)
        self.peaks_tail[live] += np.where(closed & after, peaks, 0).sum(axis=1)
        self.peak_open[live] = 0 if closed[-1] else peaks[:, -1]

    def _close_minute(self, sessions: I64) -> None:
        """The open minute of sessions that are let go goes to where it belongs."""
        after = (self.horizon_s + 1) // 60 > self.last_s[sessions] // 60
        self.peaks_tail[sessions] += np.where(after, self.peak_open[sessions], 0)
        self.peaks[sessions] += np.where(after, 0, self.peak_open[sessions])
        self.peak_open[sessions] = 0

    def minute_peaks(self, sessions: I64, limit_s: I64, with_tail: Bool) -> I64:
        """Sum of the peaks of the minutes of sessions, seconds from `limit_s` on left out.

        `with_tail`: as in `watched`.
        """
        first = self.horizon_s + 1
        recent = self.online(sessions, first, max(int(limit_s.max(initial=0)), first + 1))
        seconds = np.arange(first, first + recent.shape[1])
        minutes, peaks = _by_minute(seconds, np.where(seconds < limit_s[:, None], recent, 0))
        peaks[:, 0] = np.maximum(
            peaks[:, 0], np.where(minutes[0] * 60 < limit_s, self.peak_open[sessions], 0)
        )
        done = self.peaks[sessions] + np.where(with_tail, self.peaks_tail[sessions], 0)
        return np.asarray(done + peaks.sum(axis=1))

    def watched(self, sessions: I64, limit_s: I64, with_tail: Bool) -> I64:
        """Seconds watched in sessions up to `limit_s` (exclusive), at least to the horizon.

        `with_tail`: count what was watched after the session's last event, too.
        """
        first = self.horizon_s + 1
        recent = self.online(sessions, first, max(int(limit_s.max(initial=0)), first + 1))
        seconds = np.arange(first, first + recent.shape[1])
        inside = seconds < limit_s[:, None]
        total = self.watch_s[sessions] + np.where(with_tail, self.tail_s[sessions], 0)
        return np.asarray(total + np.where(inside, recent, 0).sum(axis=1))

    @staticmethod
    def _after_stop(stop_s: I64, seconds: I64) -> Bool:
        """Shape (sessions, seconds): the session has ended by then."""
        return np.asarray((stop_s[:, None] > 0) & (seconds >= stop_s[:, None]))

    def keys(self) -> U64:
        """Keys (session << 32 | viewer) by row."""
        return self.index.keys()


def _by_minute(seconds: I64, online: I64) -> tuple[I64, I64]:
    """(minutes, largest of each): `seconds` are consecutive, `online` is (sessions, seconds)."""
    minutes = seconds // 60
    starts = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
    return minutes[starts], np.maximum.reduceat(online, starts, axis=1)
