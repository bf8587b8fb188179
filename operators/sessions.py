"""Rooms and their sessions: which session an event belongs to, when one starts and ends.

A session opens at a room's first event (or its room_status start) and ends at room_status end,
or after `idle_ms` of ticks without an event. Which session an event belongs to depends on its
event time alone, as far as order within `max_out_of_orderness_ms` goes: while a room is ended,
events at or after the end are *held* until the watermark has passed them, so that a restart
that arrives a little later finds its events not yet given away.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from operators.columns import Columns
from operators.hashindex import I32, I64, Bool
from operators.profiles import U8
from operators.rings import grown
from stream.events import TYPE_CODE

NO_SESSION: Final = -1
HELD: Final = -3

RESUME_MS: Final = 10_000
"""A start this soon after an end resumes the session: streams reconnect."""

TOTAL_ROOM: Final = ""
"""Room of the pseudo-session that a group's totals are kept under; no real room is named so."""

_NONE, _LIVE, _ENDED = 0, 1, 2
BY_SESSION: Final = (
    *("room", "start_ms", "last_ms", "end_ms", "active_ms", "told", "done", "sealed"),
)
"""Arrays with one place a session that a snapshot has to hold."""
_DERIVED: Final = ("number_of", "is_total")
_STATUS: Final = TYPE_CODE["room_status"]
_OPENS: Final = np.ones(len(TYPE_CODE), np.bool_)
for _name in ("refund_requested", "refund_succeeded", "order_cancelled", "settlement", "cost"):
    _OPENS[TYPE_CODE[_name]] = False
for _name in (
    "stock_set",
    "stock_adjust",
    "price",
    "catalog",
    "target",
    "operator_action",
    "leave",
):
    _OPENS[TYPE_CODE[_name]] = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a room is."""

    tenant: str
    group: str
    room_id: str


class Sessions:
    """The rooms of a shard and their sessions, by number.

    Arrays by session: `room`, `start_ms` (smallest event time), `last_ms` (largest), `end_ms`
    (exclusive; 0 while open), `told` (a room_status ended it), `active_ms`
    (tick at the last event), `done` (final row sent),
    `sealed` (nothing but refunds can change it), `number_of` (1 for a room's first session),
    `is_total` (a group's pseudo-session: never live, never ended). By room: `current` session,
    `before` it, `group_of`: number of its group. By group: `first_of_group`, a room of it;
    `total_of`, its pseudo-session.
    """

    def __init__(self, idle_ms: int, lateness_ms: int) -> None:
        self._idle_ms = idle_ms
        self._lateness_ms = lateness_ms
        self.places: list[Place] = []
        self.number: dict[Place, int] = {}
        self.count = 0
        self._group_count = 0
        self.groups: dict[tuple[str, str], int] = {}
        self.group_of: I32 = np.zeros(0, np.int32)
        self.first_of_group: I32 = np.zeros(0, np.int32)
        self.total_of: I32 = np.zeros(0, np.int32)
        self.mode: U8 = np.zeros(0, np.uint8)
        self.current: I32 = np.zeros(0, np.int32)
        self.before: I32 = np.zeros(0, np.int32)
        self.room: I32 = np.zeros(0, np.int32)
        self.start_ms: I64 = np.zeros(0, np.int64)
        self.last_ms: I64 = np.zeros(0, np.int64)
        self.end_ms: I64 = np.zeros(0, np.int64)
        self.active_ms: I64 = np.zeros(0, np.int64)
        self.told: Bool = np.zeros(0, np.bool_)
        self.done: Bool = np.zeros(0, np.bool_)
        self.sealed: Bool = np.zeros(0, np.bool_)
        self.number_of: I32 = np.zeros(0, np.int32)
        self.is_total: Bool = np.zeros(0, np.bool_)

    def room_number(self, place: Place) -> int:
        """Number of a room, new for a new one."""
        found = self.number.get(place)
        if found is not None:
            return found
        number = self.number[place] = len(self.places)
        self.places.append(place)
        self.mode = grown(self.mode, number + 1)
        group = self.groups.setdefault((place.tenant, place.group), len(self.groups))
        self.group_of = grown(self.group_of, number + 1)
        self.group_of[number] = group
        if group == len(self.groups) - 1 and group >= self._group_count:
            self.first_of_group = grown(self.first_of_group, group + 1)
            self.first_of_group[group] = number
            self._group_count = group + 1
            had = len(self.total_of)
            self.total_of = grown(self.total_of, group + 1)
            self.total_of[had:] = NO_SESSION
        for name in ("current", "before"):
            array = getattr(self, name)
            if number >= len(array):
                fresh = grown(array, number + 1)
                fresh[len(array) :] = NO_SESSION
                setattr(self, name, fresh)
        return number

    def assign(self, columns: Columns, rooms: I32, ticks: I64) -> I64:
        """Session of each event: NO_SESSION without a room, HELD where it has to wait.

        Args:
            columns: events in log order.
            rooms: room number of each, -1 for none.
            ticks: last tick before each, ms.
        """
        out = np.full(columns.n, NO_SESSION, np.int64)
        there = np.flatnonzero(rooms >= 0)
        if not len(there):
            return out
        room, time_ms = rooms[there], columns.time_ms[there]
        current = self.current[room].astype(np.int64)
        odd = (self.mode[room] != _LIVE) | (columns.type[there] == _STATUS)
        # `current` is -1 only where the mode is _NONE, which is odd already.
        if self.count:
            odd |= (self.before[room] >= 0) & (time_ms < self.start_ms[current])
        out[there] = current
        if odd.any():
            rooms_to_walk = np.unique(room[odd])
            walk = there[np.isin(room, rooms_to_walk)]
            for place in walk.tolist():
                out[place] = self._walk(columns, place, int(rooms[place]), int(ticks[place]))
        return self.touch(out, columns, ticks)

    def _walk(self, columns: Columns, place: int, room: int, tick_ms: int) -> int:
        """One event of a room whose session may change."""
        time_ms, type_ = int(columns.time_ms[place]), int(columns.type[place])
        mode, session = int(self.mode[room]), int(self.current[room])
        status = columns.objects[place].status if type_ == _STATUS else None
        if mode == _NONE:
            if status == "end" or not _OPENS[type_]:
                return NO_SESSION
            return self.open(room, time_ms, tick_ms)
        if mode == _ENDED:
            return session if time_ms < self.end_ms[session] else HELD
        if status == "end":
            self.end_ms[session] = max(time_ms, int(self.start_ms[session]) + 1)
            self.told[session] = True
            self.mode[room] = _ENDED
            return session
        previous = int(self.before[room])
        if previous >= 0 and time_ms < self.start_ms[session] and not self.sealed[previous]:
            return previous
        return session

    def release(self, columns: Columns, place: int, room: int, tick_ms: int) -> int:
        """Session of a held event whose time has come; called in order of event time."""
        mode, session = int(self.mode[room]), int(self.current[room])
        if mode != _ENDED:
            return self._walk(columns, place, room, tick_ms)
        time_ms = int(columns.time_ms[place])
        since_end = time_ms - int(self.end_ms[session])
        status = columns.objects[place].status if int(columns.type[place]) == _STATUS else None
        if status == "start" and since_end < RESUME_MS:
            self.end_ms[session] = 0
            self.told[session] = False
            self.done[session] = False
            self.mode[room] = _LIVE
            return session
        if status != "start" and (status is not None or since_end < self._lateness_ms):
            return session
        if not _OPENS[int(columns.type[place])]:
            return NO_SESSION
        return self.open(room, time_ms, tick_ms)

    def open(self, room: int, time_ms: int, tick_ms: int) -> int:
        """Open a session in a room and make it the current one."""
        session = self.count
        self.count += 1
        for name in (*BY_SESSION, *_DERIVED):
            setattr(self, name, grown(getattr(self, name), self.count))
        self.room[session] = room
        before = int(self.current[room])
        self.number_of[session] = 1 if before < 0 else int(self.number_of[before]) + 1
        self.start_ms[session] = self.last_ms[session] = time_ms
        self.active_ms[session] = tick_ms
        self.before[room] = self.current[room]
        self.current[room] = session
        self.mode[room] = _LIVE
        return session

    def totals(self, sessions: I64) -> I64:
        """Pseudo-sessions of the groups that sessions (none below 0) are of, made where new."""
        groups = self.group_of[self.room[sessions]]
        found = self.total_of[groups]
        if (found < 0).any():
            for group in np.unique(groups[found < 0]).tolist():
                where = self.places[int(self.first_of_group[group])]
                room = self.room_number(Place(where.tenant, where.group, TOTAL_ROOM))
                session = self.open(room, 0, 0)
                self.mode[room] = _NONE
                self.is_total[session] = True
                self.total_of[group] = session
            found = self.total_of[groups]
        return found.astype(np.int64)

    def derive(self) -> None:
        """After the arrays were put in from outside: fill those that follow from them."""
        self.count = len(self.room)
        self.number_of = np.zeros(self.count, np.int32)
        self.is_total = np.zeros(self.count, np.bool_)
        said: dict[int, int] = {}
        for session, room in enumerate(self.room.tolist()):
            said[room] = self.number_of[session] = said.get(room, 0) + 1
            if self.places[room].room_id == TOTAL_ROOM:
                self.is_total[session] = True
                self.total_of[self.group_of[room]] = session

    def touch(self, sessions: I64, columns: Columns, ticks: I64) -> I64:
        """Widen sessions to their events; gives `sessions` without what lies before a start.

        What cannot open a session is in one only from its start on, whenever it arrives.
        """
        there = np.flatnonzero(sessions >= 0)
        of, time_ms, opens = sessions[there], columns.time_ms[there], _OPENS[columns.type[there]]
        np.minimum.at(self.start_ms, of[opens], time_ms[opens])
        early = time_ms < self.start_ms[of]
        if early.any():
            sessions[there[early]] = NO_SESSION
            of, time_ms, there = of[~early], time_ms[~early], there[~early]
        np.maximum.at(self.last_ms, of, time_ms)
        np.maximum.at(self.active_ms, of, ticks[there])
        return sessions

    def end_idle(self, tick_ms: int) -> I64:
        """End the sessions without an event for `idle_ms` of ticks; gives their numbers."""
        live = self.live()
        idle = live[tick_ms - self.active_ms[live] >= self._idle_ms]
        self.end_ms[idle] = self.last_ms[idle] + 1
        self.mode[self.room[idle]] = _ENDED
        return idle

    def end_all(self) -> I64:
        """The recording is over: end what is open just after its last event."""
        live = self.live()
        self.end_ms[live] = self.last_ms[live] + 1
        self.mode[self.room[live]] = _ENDED
        return live

    def seal(self, watermark_ms: int) -> I64:
        """Seal the sessions that no event can reach any more; gives their numbers."""
        n = self.count
        ready = np.flatnonzero(
            (self.end_ms[:n] > 0)
            & ~self.sealed[:n]
            & (watermark_ms >= self.end_ms[:n] + 2 * self._lateness_ms)
        )
        self.sealed[ready] = True
        for session in ready.tolist():
            room = int(self.room[session])
            if int(self.current[room]) == session:
                self.mode[room] = _NONE
        return ready

    def began_ms(self) -> int | None:
        """Smallest event time of the sessions that are not sealed; None without one."""
        n = self.count
        starts = self.start_ms[:n][~self.sealed[:n] & ~self.is_total[:n]]
        return int(starts.min()) if len(starts) else None

    def live(self) -> I64:
        """Numbers of the open sessions."""
        return np.flatnonzero((self.end_ms[: self.count] == 0) & ~self.is_total[: self.count])

    def place(self, session: int) -> Place:
        """Where a session takes place."""
        return self.places[int(self.room[session])]
