"""The figures that rules are judged on: complete windows as of the watermark.

What many groups ask for at one beat is read once for all of them, and turned into Python
numbers one metric at a time, because rules name few.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from operators.catalogue.axes import PANE_MS, PANES_PER_MINUTE, WINDOW_BY_NAME
from operators.figures import Figures, Span
from operators.hashindex import I64
from operators.nulls import known
from operators.options import State
from operators.plan import View
from operators.rules.model import PoolFacts, RoomFacts, Value
from operators.stock import StockLedger

_NOTHING: Final[Value] = (None, None)
TOTALS: Final = "tenant"
"""The dimension of all rooms of a group together."""

Column = tuple[list[int], list[int] | None]
"""Numerators by row, and denominators where the metric has them."""


class _Table:
    """One dimension and window of all sessions: rows by session and key, columns by metric."""

    def __init__(self, view: View, window: str, num: I64, den: I64) -> None:
        self.view = view
        self.rows: dict[tuple[int, str], int] = {}
        self.keys: dict[int, list[str]] = {}
        self._place = {
            metric.name: k for k, metric in enumerate(view.metrics) if view.in_window[window][k]
        }
        self._num = num
        self._den = den
        self._columns: dict[str, Column | None] = {}

    def add(self, row: int, session: int, key: str) -> None:
        """Say what a row is."""
        self.rows[session, key] = row
        self.keys.setdefault(session, []).append(key)

    def value(self, session: int, key: str, metric: str) -> Value:
        """One figure; (None, None) where there is none."""
        row = self.rows.get((session, key))
        column = self._column(metric)
        if row is None or column is None:
            return _NOTHING
        num, den = known(column[0][row]), None if column[1] is None else known(column[1][row])
        if num is None or (den is None and column[1] is not None):
            return _NOTHING  # null: not known
        return num, den

    def _column(self, metric: str) -> Column | None:
        if metric not in self._columns:
            k = self._place.get(metric)
            found: Column | None = None
            if k is not None:
                den = self._den[:, k].tolist() if self.view.has_den[k] else None
                found = (self._num[:, k].tolist(), den)
            self._columns[metric] = found
        return self._columns[metric]


class Tables:
    """Figures of all rooms that are not sealed, at one beat."""

    def __init__(self, state: State, figures: Figures) -> None:
        self.state = state
        self.now_ms = state.clock.watermark_ms() or 0
        self._figures = figures
        self._tables: dict[tuple[str, str], _Table | None] = {}
        self._views = {view.dimension: place for place, view in enumerate(state.plan.views)}

    def table(self, dimension: str, window: str) -> _Table | None:
        """All figures of one dimension and window; None where the catalogue has none."""
        if (dimension, window) not in self._tables:
            self._tables[dimension, window] = self._read(dimension, window, None)
        return self._tables[dimension, window]

    def of_session(self, session: int, dimension: str, window: str) -> _Table | None:
        """The same of one session alone, for what is rarely asked."""
        return self._read(dimension, window, session)

    def _read(self, dimension: str, window: str, session: int | None) -> _Table | None:
        state, cube, place = self.state, self.state.cube, self._views.get(dimension)
        if place is None or window not in WINDOW_BY_NAME:
            return None
        view = state.plan.views[place]
        if window not in view.in_window:
            return None
        cells = self._cells(place, session)
        measures = self._figures.measures(view, cells, self._span(window))
        num, den = self._figures.ratios(view, measures)
        table = _Table(view, window, num, den)
        of, keys = cube.cell_session[cells].tolist(), cube.cell_key[cells].tolist()
        for row, (session_of, key) in enumerate(zip(of, keys, strict=True)):
            table.add(row, session_of, state.key(session_of, place, key) or "")
        return table

    def _cells(self, place: int, session: int | None) -> I64:
        state, cube = self.state, self.state.cube
        count = cube.cells.count
        of = cube.cell_session[:count]
        mine = of == session if session is not None else (of >= 0) & ~state.sessions.sealed[of]
        return np.flatnonzero(mine & (cube.cell_dimension[:count] == place))

    def _span(self, window: str) -> Span:
        length = PANE_MS * (PANES_PER_MINUTE if window == "1m" else 1)
        end = self.now_ms // length * length
        until = max(self.now_ms // 1000, self.state.presence.horizon_s + 2)
        return Span(WINDOW_BY_NAME[window], end if window != "session" else self.now_ms, until)


class GroupFacts:
    """What the rules of one group see.

    `sessions`: room to its newest session; `total`: the pseudo-session of all rooms, -1: none.
    """

    def __init__(
        self, tables: Tables, stock: StockLedger, sessions: Mapping[str, int], total: int = -1
    ) -> None:
        self._tables = tables
        self._stock = stock
        self._session_of = sessions
        self._total = total

    def rooms(self) -> Sequence[RoomFacts]:
        """Rooms whose session was not sealed before this beat."""
        sessions = self._tables.state.sessions
        return [
            RoomFacts(
                room,
                int(sessions.start_ms[number]),
                int(sessions.end_ms[number]) or None,
                int(sessions.last_ms[number]),
            )
            for room, number in self._session_of.items()
        ]

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        """Keys seen in the room's session, sorted."""
        session = self._session_of.get(room)
        table = self._tables.table(dimension, "session")
        return [] if table is None or session is None else sorted(table.keys.get(session, ()))

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        """A figure of a complete window; (None, None) where there is none."""
        if dimension == "group":
            return self._of_group(window, metric)
        session = self._session_of.get(room)
        table = self._tables.table(dimension, window)
        if session is None or table is None:
            return _NOTHING
        return table.value(session, key, metric)

    def _of_group(self, window: str, metric: str) -> Value:
        table = self._tables.table(TOTALS, window)
        keys = () if table is None else table.keys.get(self._total, ())
        if table is None or not keys:
            return _NOTHING
        return table.value(self._total, keys[0], metric)

    def pools(self) -> Sequence[str]:
        """Stock pools of the group whose stock is known."""
        return self._stock.counted()

    def pool(self, pool: str) -> PoolFacts:
        """Figures of a pool."""
        return self._stock.judged(pool, self._tables.now_ms)

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        """The traffic source, else product, with the largest share of a metric."""
        session = self._session_of.get(room)
        if session is None:
            return None
        for dimension in ("channel", "product"):
            table = self._tables.of_session(session, dimension, window)
            if table is None:
                continue
            keys = table.keys.get(session, ())
            shares = {key: table.value(session, key, metric)[0] or 0 for key in keys}
            total = sum(shares.values())
            if total > 0:
                key = min(shares, key=lambda name: (-shares[name], name))
                return dimension, key, shares[key] / total
        return None


def sessions_by_group(state: State) -> dict[tuple[str, str], dict[str, int]]:
    """(tenant, group) -> room -> its newest session, of those that are not sealed."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    sessions = state.sessions
    n = sessions.count
    for number in np.flatnonzero(~(sessions.sealed[:n] | sessions.is_total[:n])).tolist():
        where = sessions.place(number)
        found.setdefault((where.tenant, where.group), {})[where.room_id] = number
    return found
