"""The beat: every 5 s of watermark, what has become final is said and what is over let go.

All that is final happens here and nowhere else, at positions the ticks in the log decide, so
that rows and alerts depend on the log alone.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from operators.boards import Boards
from operators.catalogue.axes import PANE_MS
from operators.compact import compact_viewers, drop_marks
from operators.figures import MINUTE_MS, Figures
from operators.fold import Fold
from operators.hashindex import I64
from operators.heat import product_history
from operators.history import History
from operators.options import State
from operators.results import Patch, Row
from operators.row_blocks import MetricRows
from operators.rows import Rows
from operators.sessions import RESUME_MS, Place
from operators.watched import room_channels

BEAT_MS: Final = 5_000
_DAY_MS: Final = 86_400_000
PRESENCE_LAG_S: Final = 65
"""Seconds stay changeable this much longer than panes: a late event's minute may have begun
60 s before it, and the peak of the whole minute is read again."""


@dataclass(slots=True)
class Finals:
    """What a beat yields."""

    rows: list[Row | MetricRows] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    sealed: list[Place] = field(default_factory=list)


class Beat:
    """Runs beats; `minute` is the last minute whose windows are final (None: no beat yet)."""

    def __init__(self, state: State, fold: Fold, figures: Figures, boards: Boards) -> None:
        self._state = state
        self._fold = fold
        self._figures = figures
        self._boards = boards
        self.rows = Rows(state, figures)
        self.history = History(state.options.history_minutes)
        self.minute: int | None = None
        self._pane = self._day = 0

    def run(self, tick_ms: int) -> Finals:
        """A tick took the watermark past a multiple of BEAT_MS; the clock shows it already."""
        state, out = self._state, Finals()
        watermark = tick_ms - state.options.max_out_of_orderness_ms
        self._fold.turn_generation(tick_ms)
        self._fold.release(watermark, tick_ms)
        idle = state.sessions.end_idle(tick_ms)
        if len(idle):
            self._fold.release(watermark, tick_ms)
        self._sync_presence()
        self._correct(out)
        before = self.minute
        self._minutes(watermark, out)
        if self.minute != before:
            # A pass over all viewers: once a minute is 2 % of a replay, once a pane was 8 %.
            self._read_stays(state.sessions.live(), watermark // 1000)
        self._end_sessions(watermark, out)
        self._move_horizon(watermark)
        self._fold_deferred(watermark - state.options.allowed_lateness_ms, out)
        self._seal(watermark, out)
        if tick_ms // PANE_MS != self._pane:
            self._pane = tick_ms // PANE_MS
            self._touch_live()
        self._fold.talk.look(tick_ms)
        state.intervals.rest(state.packing.run(tick_ms))
        self._forget(tick_ms)
        out.patches += self.history.keep(history(out.rows) + product_history(out.rows))
        return out

    def close(self) -> Finals:
        """The recording is over: every open session ends with its last event."""
        out = Finals()
        self._state.sessions.end_all()
        self._sync_presence()
        self._correct(out)
        self._end_sessions(2**62, out)
        state = self._state
        state.deferred.read_before(None)
        self._fold_deferred(2**62, out)
        n = state.sessions.count
        last = np.flatnonzero(~(state.sessions.sealed[:n] | state.sessions.is_total[:n]))
        out.rows += self.rows.sessions(last, revise=False, deferred=True)
        out.patches += self.history.keep(history(out.rows) + product_history(out.rows))
        return out

    def _fold_deferred(self, horizon_ms: int, out: Finals) -> None:
        """What is known for good of intervals; of sealed sessions their rows are said again."""
        changed = self._state.deferred.run(horizon_ms)
        sealed = changed[self._state.sessions.sealed[changed]]
        if len(sealed):
            out.rows += self.rows.sessions(sealed, revise=True, deferred=True)

    def _sync_presence(self) -> None:
        state = self._state
        count = state.sessions.count
        end = state.sessions.end_ms[:count]
        told = state.sessions.told[:count]
        last = np.where(told, end - 1, state.sessions.last_ms[:count])
        for presence in (state.presence, state.active):
            presence.grow(count)
            presence.stop_s[:count] = np.where(told, (end + 999) // 1000, 0)
            presence.last_s[:count] = state.sessions.last_ms[:count] // 1000
            presence.note_s[:count] = last // 1000

    def _correct(self, out: Finals) -> None:
        """Revisions of what late events changed since the last beat."""
        if self._fold.late and self.minute is not None:
            out.rows += self.rows.corrections(sorted(self._fold.late), self.minute)
        self._fold.late.clear()
        if self._fold.late_sessions:
            late = np.array(sorted(self._fold.late_sessions), np.int64)
            self._read_stays(late)
            out.rows += self.rows.sessions(late, revise=True)
        self._fold.late_sessions.clear()

    def _minutes(self, watermark: int, out: Finals) -> None:
        """Rows of every minute the watermark has passed."""
        now = watermark // MINUTE_MS
        if self.minute is None:
            self.minute = now
        while self.minute < now:
            if self._nothing_lives():
                self.minute = now
                return
            self.minute += 1
            self._move_horizon(min(watermark, self.minute * MINUTE_MS))
            out.rows += self.rows.minute(self.minute)
            board_rows = self._boards.minute(self.minute - 1)
            out.rows += board_rows
            end_ms = (self.minute - 1) * MINUTE_MS
            out.rows += self._fold.talk.minute(end_ms)
            last = self._fold.talk.over(end_ms)
            out.patches += last
            out.retired += [patch.channel for patch in last]
            self._state.cube.release_idle()
            self.rows.forget(self.minute - 15)
            self.rows.release(self._state.sessions.sealed)
            self.history.forget(watermark)

    def _nothing_lives(self) -> bool:
        state = self._state
        cube = state.cube
        return not len(state.sessions.live()) and not bool(
            (cube.ring[: cube.slot_count] >= 0).any()
        )

    def _end_sessions(self, watermark: int, out: Finals) -> None:
        sessions = self._state.sessions
        n = sessions.count
        # Not before a start can no longer resume the session.
        ended = (sessions.end_ms[:n] > 0) & (sessions.end_ms[:n] + RESUME_MS <= watermark)
        ready = (ended & ~sessions.done[:n]).nonzero()[0]
        if len(ready):
            sessions.done[ready] = True
            self._read_stays(ready)
            out.rows += self.rows.sessions(ready, revise=False)
            # Nobody is online in them any more, and figures per minute of who sold or was
            # shown before have had more minutes since: no event or pane will say so.
            cube = self._state.cube
            cube.dirty[cube.cell(ready, 0, ready * 0 - 1)] = True
            cube.touch(ready)

    def _read_stays(self, sessions: I64, until_s: int | None = None) -> None:
        """Read who stayed in sessions, to their end or up to `until_s`."""
        if not len(sessions):
            return
        state = self._state
        limits = np.zeros(state.sessions.count, np.int64)
        ends = -(-state.sessions.end_ms[sessions] // 1000)
        limits[sessions] = ends if until_s is None else until_s
        state.presence.read_stays(limits)

    def _move_horizon(self, watermark: int) -> None:
        """Let go of what events can no longer change, as of a watermark."""
        state = self._state
        behind = watermark - state.options.allowed_lateness_ms
        state.deferred.read_before(behind // PANE_MS)
        state.cube.advance(behind // PANE_MS)
        for presence in (state.presence, state.active):
            presence.advance(behind // 1000 - PRESENCE_LAG_S)

    def _seal(self, watermark: int, out: Finals) -> None:
        state = self._state
        n = state.sessions.count
        passed = state.sessions.end_ms[:n] // 1000 + 1 < state.presence.horizon_s
        for presence in (state.presence, state.active):
            presence.release(state.sessions.sealed[:n] & passed)
        sealed = state.sessions.seal(watermark)
        for presence in (state.presence, state.active):
            presence.release(state.sessions.sealed)
        if not len(sealed):
            return
        # No event can reach them, and all were folded: what was deferred is final.
        out.rows += self.rows.sessions(sealed, revise=False, deferred=True)
        for session in sealed.tolist():
            where = state.sessions.place(session)
            if int(state.sessions.current[state.sessions.room[session]]) == session:
                out.sealed.append(where)
                out.retired += room_channels(state.plan, where)
        drop_marks(state.cube, state.sessions.sealed, state.sessions.is_total)
        state.tags.release(state.sessions.sealed)
        state.sides.costs.rest(sealed.tolist())
        compact_viewers(state, self._fold.talk)

    def _forget(self, tick_ms: int) -> None:
        """Once a day of ticks: let go of sessions that no late refund finds any more.

        An order is known for `ledger_days` from the day of its first event, which came at the
        latest when its session was sealed; the second day more is for that.
        """
        if tick_ms // _DAY_MS == self._day:
            return
        self._day = tick_ms // _DAY_MS
        state = self._state
        gone = state.packing.forget(tick_ms - (state.options.ledger_days + 2) * _DAY_MS)
        state.sides.costs.forget(gone)
        # Not of one that is unpacked to be said just now: its cells have keys.
        state.intervals.forget(gone)

    def sealed_channels(self) -> list[str]:
        """Channels of rooms whose newest session is sealed: they expire, also when said again."""
        sessions = self._state.sessions
        newest = sessions.current[: len(sessions.places)]
        rooms = np.flatnonzero(newest >= 0).tolist()
        return [
            name
            for room in rooms
            if sessions.sealed[newest[room]]
            for name in room_channels(self._state.plan, sessions.places[room])
        ]

    def _touch_live(self) -> None:
        """A pane went by: rolling figures change without any event."""
        cube = self._state.cube
        live = cube.ring[: cube.slot_count] >= 0
        cube.dirty[cube.slot_cell[: cube.slot_count][live]] = True
        sessions = self._state.sessions.live()
        if len(sessions):
            cube.dirty[cube.cell(sessions, 0, sessions * 0 - 1)] = True


def history(rows: list[Row | MetricRows]) -> list[Patch]:
    """The chart's past: final minutes of rooms, as fields of `hist:T/ROOM`."""
    fields: dict[str, dict[str, object]] = {}
    for block in rows:
        if isinstance(block, Row):
            continue
        if block.layout.dimension == "room" and block.layout.window == "1m":
            for row in block:
                metrics = row.body["metrics"]
                if isinstance(metrics, dict):
                    of_room = fields.setdefault(f"hist:{row.tenant}/{row.room_id}", {})
                    minute = of_room[str(row.start_ms)] = {**metrics, "revision": row.revision}
                if "nulls" in row.body:
                    minute["nulls"] = row.body["nulls"]
    return [Patch(channel, minutes) for channel, minutes in fields.items()]
