"""Figures of cells: measures read from the cube and the clock, combined by the catalogue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from operators.catalogue.axes import PANE_MS, Window
from operators.cube import Cube
from operators.hashindex import I64, Bool
from operators.nulls import MASKED, is_null, known
from operators.plan import ROOM_DIMENSION, Layer, Plan, View
from operators.presence import Presence
from operators.sessions import Sessions
from operators.sides import GAUGES as SIDE_GAUGES
from operators.sides import Sides
from operators.stays import FOUND as STAYS
from operators.tags import TAGS, Tags

MINUTE_MS: Final = 60_000

Bounds = Callable[[int], tuple[int, int]]
"""Start and end of the interval that a cell of a deferred dimension is about."""

_NOT_EVENTS: Final = (
    *("minutes", "live_s", "room_viewers", "watch_s", "live_minutes"),
    *("target_minor", "target_due_minor"),
)
"""Gauges that are not 0 although nothing happened in the cell."""
AUDIENCE: Final = ("online", "online_peak", "active", "watch_s", "minute_peaks", *STAYS)
"""Gauges of who is there: null where the feed does not tell the viewers apart."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window at a moment: `[.., end_ms)`, of which the seconds before `until_s` have passed.

    For the session `end_ms` is only used for its gauges. `until_s` is exclusive.
    """

    window: Window
    end_ms: int
    until_s: int


class Figures:
    """Reads metric values; holds no state of its own."""

    def __init__(
        self,
        plan: Plan,
        cube: Cube,
        presence: Presence,
        active: Presence,
        sessions: Sessions,
        bounds: Bounds = lambda _: (0, 0),
        sides: Sides | None = None,
        tags: Tags | None = None,
    ) -> None:
        self._active = active
        self._sides = Sides() if sides is None else sides
        self._tags = Tags() if tags is None else tags
        self._plan = plan
        self._cube = cube
        self._presence = presence
        self._sessions = sessions
        self._bounds = bounds
        self._gauges = {
            name: number for name, number in plan.number.items() if plan.is_gauge[number]
        }
        self._tagged = [(self._gauges[n], k) for k, n in enumerate(TAGS) if n in self._gauges]
        self._of_viewers = np.flatnonzero(plan.of_viewers)
        self._of_audience = np.array([self._gauges[n] for n in AUDIENCE if n in self._gauges])

    def measures(self, view: View, cells: I64, span: Span) -> I64:
        """Matrix (cells, measures) of one dimension's cells in a window."""
        end = -(-span.end_ms // PANE_MS)
        values = self._read(cells, span.window.panes, end)
        if self._gauges:
            if view.deferred:
                self._interval_gauges(values, cells)
            elif view.dimension == "room":
                self._room_gauges(values, cells, span)
            else:
                self._split_gauges(view, values, cells, span, end)
        return values

    def _read(self, cells: I64, panes: int, end: int) -> I64:
        """What the cube has; counts of viewers are null where masked ones took part."""
        values = self._cube.read(cells, panes, end)
        if self._cube.masked.index.count:
            hidden = self._hidden(cells, self._of_viewers, panes, end)
            rows, columns = np.nonzero(hidden)
            values[rows, self._of_viewers[columns]] = MASKED
        return values

    def _hidden(self, cells: I64, measures: I64, panes: int, end: int) -> Bool:
        """Whether masked viewers took part in the window, shape (cells, measures)."""
        if panes:
            return self._cube.masked.between(cells, measures, end - panes, end)
        return self._cube.masked.ever(cells, measures)

    def ratios(self, view: View, measures: I64) -> tuple[I64, I64]:
        """Numerators and denominators, each (cells, metrics); `den` is 0 where there is none."""
        return _combined(measures, view, view.num_layers), _combined(
            measures, view, view.den_layers
        )

    def nothing(self, measures: I64) -> Bool:
        """Rows in which nothing happened: all measures 0 but the length of the window."""
        counted = [n for name, n in self._plan.number.items() if name not in _NOT_EVENTS]
        values = measures[:, counted]
        return np.asarray(~((values != 0) & ~is_null(values)).any(axis=1))

    def _minutes(self, cells: I64, span: Span) -> I64:
        """Length of the window in minutes; of a session the started ones."""
        if span.window.panes:
            return np.full(len(cells), span.window.length_ms // MINUTE_MS, np.int64)
        session = self._cube.cell_session[cells]
        end = self._sessions.end_ms[session]
        end = np.where(end > 0, end, span.end_ms)
        length = np.maximum(end - self._sessions.start_ms[session], 1)
        return np.asarray(-(-length // MINUTE_MS))

    def _split_gauges(self, view: View, values: I64, cells: I64, span: Span, end: int) -> None:
        """Gauges of cells that are not a room: the window's length, and their room's viewers."""
        gauges = self._gauges
        if "minutes" in gauges:
            values[:, gauges["minutes"]] = self._minutes(cells, span)
        if "room_viewers" in gauges and view.den[gauges["room_viewers"]].any():
            session = self._cube.cell_session[cells].astype(np.int64)
            sessions, place = np.unique(session, return_inverse=True)
            rooms = self._cube.cell(sessions, ROOM_DIMENSION, sessions * 0 - 1)
            number, panes = self._plan.number["viewers"], span.window.panes
            viewers = self._cube.read_one(rooms, number, panes, end)
            if self._cube.masked.index.count:
                hidden = self._hidden(rooms, np.array([number]), panes, end)
                viewers = np.where(hidden[:, 0], MASKED, viewers)
            values[:, gauges["room_viewers"]] = viewers[place]

    def _interval_gauges(self, values: I64, cells: I64) -> None:
        """The started minutes of intervals."""
        if "minutes" in self._gauges:
            bounds = [self._bounds(cell) for cell in cells.tolist()]
            minutes = [max(-(-(end - start) // MINUTE_MS), 1) for start, end in bounds]
            values[:, self._gauges["minutes"]] = minutes

    def _room_gauges(self, values: I64, cells: I64, span: Span) -> None:
        gauges = self._gauges
        if "minutes" in gauges:
            values[:, gauges["minutes"]] = self._minutes(cells, span)
        presence, session = self._presence, self._cube.cell_session[cells].astype(np.int64)
        self._side_gauges(values, session, span)
        if span.window.name == "session":
            online, peak = self._session_presence(presence, session, span)
            if "active" in gauges:
                active, _ = self._session_presence(self._active, session, span)
                values[:, gauges["active"]] = active
            self._watch_gauges(values, session, span)
            self._tag_gauges(values, cells, session)
        elif span.window.name == "1m":
            start = max(span.end_ms // 1000 - 60, presence.horizon_s + 1)
            stop = max(min(span.end_ms // 1000, span.until_s), start + 1)
            minute = presence.online(session, start, stop)
            online, peak = minute[:, -1], minute.max(axis=1)
            if "active" in gauges:
                values[:, gauges["active"]] = self._active.online(session, stop - 1, stop)[:, 0]
        else:
            return
        if "online" in gauges:
            values[:, gauges["online"]] = online
        if "online_peak" in gauges:
            values[:, gauges["online_peak"]] = peak
        self._hide_audience(values, cells, span)

    def _side_gauges(self, values: I64, session: I64, span: Span) -> None:
        """What is told beside viewers' events; see `operators.sides`."""
        if span.window.panes:
            if "online_reported" in self._gauges:
                end = -(-span.end_ms // PANE_MS)
                reported = self._sides.online(session, end - span.window.panes, end)
                values[:, self._gauges["online_reported"]] = reported
            return
        for name in SIDE_GAUGES:
            if name in self._gauges:
                found = self._sides.of_sessions(name, session, span.end_ms, self._sessions)
                values[:, self._gauges[name]] = found
        if "repeat_buyers" in self._gauges:
            hidden = values[:, self._plan.number["payers"]] == MASKED
            values[hidden, self._gauges["repeat_buyers"]] = MASKED

    def _tag_gauges(self, values: I64, cells: I64, session: I64) -> None:
        """Viewers by the deepest step; who did what is not known where masked ones took part."""
        if not self._tagged:
            return
        numbers, places = np.array(self._tagged).T
        values[:, numbers] = self._tags.read(session)[:, places]
        if self._cube.masked.index.count:
            hidden = self._cube.masked.ever(cells, numbers[:1])[:, 0]
            values[np.ix_(np.flatnonzero(hidden), numbers)] = MASKED

    def _hide_audience(self, values: I64, cells: I64, span: Span) -> None:
        """Who is there is not known where masked viewers took part, or may still be there."""
        masked = self._cube.masked
        if not masked.index.count or not len(self._of_audience):
            return
        online = np.array([self._gauges["online"]])
        if span.window.panes:
            start = span.end_ms // PANE_MS - span.window.panes
            since = start + -self._presence.ttl_s * 1000 // PANE_MS
            hidden = masked.between(cells, online, since, start + span.window.panes)
        else:
            hidden = masked.ever(cells, online)
        values[np.ix_(np.flatnonzero(hidden[:, 0]), self._of_audience)] = MASKED

    def _watch_gauges(self, values: I64, session: I64, span: Span) -> None:
        """Watch time and length of sessions, to their end or now."""
        end_ms = self._sessions.end_ms[session]
        limit = np.where(end_ms > 0, -(-end_ms // 1000), span.until_s)
        if "watch_s" in self._gauges:
            # A session that nobody ended is over with its last event.
            told_or_open = self._sessions.told[session] | (end_ms == 0)
            watched = self._presence.watched(session, limit, told_or_open)
            values[:, self._gauges["watch_s"]] = watched
        for name in STAYS:
            if name in self._gauges:
                found = getattr(self._presence.stays, name)
                values[:, self._gauges[name]] = found[session]
        if "minute_peaks" in self._gauges:
            # An ended session's last minute is read whole.
            whole = np.where(end_ms > 0, -(-limit // 60) * 60, limit)
            told = self._sessions.told[session] | (end_ms == 0)
            peaks = self._presence.minute_peaks(session, whole, told)
            values[:, self._gauges["minute_peaks"]] = peaks
        if "live_minutes" in self._gauges:
            last = np.where(end_ms > 0, end_ms, span.until_s * 1000) - 1
            first = self._sessions.start_ms[session] // MINUTE_MS
            values[:, self._gauges["live_minutes"]] = np.maximum(last // MINUTE_MS - first + 1, 1)
        if "live_s" in self._gauges:
            start = self._sessions.start_ms[session] // 1000
            values[:, self._gauges["live_s"]] = np.maximum(limit - start, 0)

    def _session_presence(self, presence: Presence, session: I64, span: Span) -> tuple[I64, I64]:
        """(online at the end or now, peak) of sessions."""
        first = presence.horizon_s + 1
        recent = presence.online(session, first, max(span.until_s, first + 1))
        peak = np.maximum(presence.peak[session], recent.max(axis=1))
        end = self._sessions.end_ms[session]
        second = np.where(end > 0, (end - 1) // 1000, span.until_s - 1)
        place = second - first
        inside = recent[np.arange(len(session)), np.clip(place, 0, recent.shape[1] - 1)]
        return np.where(place >= 0, inside, presence.online_last[session]), peak


def _combined(measures: I64, view: View, layers: tuple[Layer, ...]) -> I64:
    """Sums of terms, (cells, metrics); null where a term is."""
    out = np.zeros((len(measures), len(view.metrics)), np.int64)
    for layer in layers:
        out[:, layer.metric] += measures[:, layer.measure] * layer.factor
    unknown = is_null(measures)
    if unknown.any():
        for layer in layers:
            cells, terms = np.nonzero(unknown[:, layer.measure])
            out[cells, layer.metric[terms]] = measures[cells, layer.measure[terms]]
    return out


def value_of(num: int, den: int, has_den: bool) -> object:
    """A metric's value as it stands in rows and on the wire; None is null."""
    if not has_den:
        return known(num)
    return ratio_of(num, den)


def ratio_of(num: int, den: int) -> dict[str, object]:
    """A ratio with its terms; the value is None over 0, and where a term is null."""
    n, d = known(num), known(den)
    return {"den": d, "num": n, "value": None if n is None or not d else n / d}


def values_of(names: Sequence[str], has_den: Bool, num: I64, den: I64) -> list[dict[str, object]]:
    """Figures by name, one dict a row; `num` and `den` have shape (rows, names)."""
    columns: list[list[object]] = []
    for place, ratio in enumerate(has_den.tolist()):
        if ratio:
            pairs = zip(num[:, place].tolist(), den[:, place].tolist(), strict=True)
            columns.append([ratio_of(n, d) for n, d in pairs])
        else:
            columns.append([known(n) for n in num[:, place].tolist()])
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
