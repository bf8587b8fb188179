"""Final rows: which become final at a beat, which are corrected, and what they say."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from operators.catalogue.axes import PANES_PER_MINUTE, WINDOWS, Window
from operators.figures import MINUTE_MS, Figures, Span
from operators.hashindex import I64, Bool
from operators.options import State
from operators.plan import View
from operators.row_blocks import Layout, MetricRows, Place

_SESSION: Final = WINDOWS[0]
_MINUTES_OF: Final = {w.name: w.panes // PANES_PER_MINUTE for w in WINDOWS if w.panes}

Dirty = set[tuple[int, str, int]]
"""(cell, window, end in minutes)."""


class Rows:
    """Makes rows of the results from the state.

    `revisions`: how often each was corrected; of those of whole sessions the cube knows.
    """

    def __init__(self, state: State, figures: Figures) -> None:
        self._state = state
        self._figures = figures
        self.revisions: dict[tuple[int, str, int], int] = {}
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._places: dict[int, Place] = {}

    def minute(self, end: int) -> list[MetricRows]:
        """Rows of the windows that end at minute `end`, for every cell in which something was."""
        cube = self._state.cube
        live = np.flatnonzero(cube.ring[: cube.slot_count] >= 0)
        busy = np.unique(cube.slot_cell[live].astype(np.int64))
        by_dimension = cube.cell_dimension[busy]
        rows: list[MetricRows] = []
        for place, view in enumerate(self._state.plan.views):
            cells = busy[by_dimension == place]
            if view.dimension == "room":
                cells = np.union1d(cells, self._room_cells())
            for window in view.windows:
                if window.panes and len(cells):
                    rows += self._rows(view, cells, window, end, revise=False)
        return rows

    def corrections(self, late: Iterable[tuple[int, int]], last: int) -> list[MetricRows]:
        """New revisions of the rows up to minute `last` that late events in (cell, pane) change.

        A viewer who comes late is online for minutes after, so a room's own minutes are
        corrected up to `last`.
        """
        dirty: Dirty = set()
        for cell, pane in late:
            first = pane // PANES_PER_MINUTE + 1
            is_room = self._state.cube.cell_dimension[cell] == 0
            for name, length in _MINUTES_OF.items():
                reach = last if is_room and name == "1m" else first + length - 1
                dirty.update((cell, name, end) for end in range(first, min(reach, last) + 1))
        self._add_shares(dirty)
        rows: list[MetricRows] = []
        for place, view in enumerate(self._state.plan.views):
            mine = [d for d in dirty if self._state.cube.cell_dimension[d[0]] == place]
            for window in view.windows:
                ends = sorted({end for _, name, end in mine if name == window.name})
                for end in ends:
                    cells = sorted(c for c, name, e in mine if name == window.name and e == end)
                    rows += self._rows(view, np.array(cells), window, end, revise=True)
        return rows

    def _add_shares(self, dirty: Dirty) -> None:
        """Where a room's figures changed, its splits' shares of them did, too."""
        cube, plan = self._state.cube, self._state.plan
        number = plan.number.get("room_viewers")
        if number is None:
            return
        places = [p for p, view in enumerate(plan.views) if view.den[number].any()]
        count = cube.cells.count
        splits = np.flatnonzero(np.isin(cube.cell_dimension[:count], places))
        by_session: dict[int, list[int]] = {}
        for split, session in zip(splits.tolist(), cube.cell_session[splits].tolist(), strict=True):
            by_session.setdefault(session, []).append(split)
        for cell, name, end in list(dirty):
            if cube.cell_dimension[cell] == 0:
                others = by_session.get(int(cube.cell_session[cell]), ())
                dirty.update((other, name, end) for other in others)

    def sessions(self, sessions: I64, *, revise: bool, deferred: bool = False) -> list[MetricRows]:
        """Rows of whole sessions, every cell of the dimensions that are deferred, or are not."""
        self._state.packing.bring_back(sessions)
        cube = self._state.cube
        count = cube.cells.count
        cells = np.flatnonzero(np.isin(cube.cell_session[:count], sessions))
        rows: list[MetricRows] = []
        for place, view in enumerate(self._state.plan.views):
            mine = cells[cube.cell_dimension[cells] == place]
            if view.deferred == deferred and _SESSION in view.windows and len(mine):
                rows += self._rows(view, mine, _SESSION, 0, revise=revise)
        return rows

    def _room_cells(self) -> I64:
        """Room cells of the sessions that can still have someone online."""
        state = self._state
        n = state.sessions.count
        open_ = np.flatnonzero(~(state.sessions.sealed[:n] | state.sessions.is_total[:n]))
        return state.cube.cell(open_, 0, np.full(len(open_), -1, np.int64))

    def _rows(
        self, view: View, cells: I64, window: Window, end: int, *, revise: bool
    ) -> list[MetricRows]:
        """The block of a window's rows, without cells in which nothing was; [] if that is all.

        In the order of their sessions, whatever the numbers of cells: of two sessions of a room
        the newer one's minute is the chart's.
        """
        cells = cells[np.argsort(self._state.cube.cell_session[cells], kind="stable")]
        span = Span(window, end * MINUTE_MS, self._until_s())
        measures = self._figures.measures(view, cells, span)
        some = np.flatnonzero(~self._figures.nothing(measures))
        if not len(some):
            return []
        layout = self._layout(view, window)
        num, den = self._figures.ratios(view, measures[some])
        start_ms, end_ms = self._bounds(cells[some], window, end)
        numbers = cells[some].tolist()
        revisions = [self._revision(cell, window.name, end) for cell in numbers] if revise else 0
        return [
            MetricRows(
                layout,
                [self._place(cell, view) for cell in numbers],
                start_ms,
                end_ms,
                np.broadcast_to(np.array(revisions, np.int64), len(some)),
                num[:, layout.which],
                den[:, layout.which],
            )
        ]

    def _layout(self, view: View, window: Window) -> Layout:
        found = self._layouts.get((view.dimension, window.name))
        if found is None:
            found = self._layouts[view.dimension, window.name] = Layout(view, window.name)
        return found

    def _place(self, cell: int, view: View) -> Place:
        found = self._places.get(cell)
        if found is None:
            tenant, group, room, key = self._state.cell_place(cell)
            session = int(self._state.cube.cell_session[cell])
            found = self._places[cell] = Place(
                tenant,
                group,
                room or None,
                None if view.dimension == "room" else key,
                int(self._state.sessions.number_of[session]) if room else None,
                self._state.bounds(cell) if view.deferred else None,
            )
        return found

    def _bounds(self, cells: I64, window: Window, end: int) -> tuple[I64, I64]:
        """(start_ms, end_ms) of a window of cells; a session has its own."""
        if window.panes:
            end_ms = np.full(len(cells), end * MINUTE_MS, np.int64)
            return end_ms - window.length_ms, end_ms
        session = self._state.cube.cell_session[cells]
        return self._state.sessions.start_ms[session], self._state.sessions.end_ms[session]

    def release(self, sessions: Bool) -> None:
        """Forget where the cells of sealed sessions are, flags by session; found again if asked."""
        cell_session = self._state.cube.cell_session
        over = np.array(list(self._places), np.int64)
        for cell in over[sessions[cell_session[over]]].tolist():
            del self._places[cell]

    def let_go(self, cells: I64) -> None:
        """Cells get other numbers: forget what is known of them."""
        gone = set(cells.tolist())
        for cell in gone & self._places.keys():
            del self._places[cell]
        known = self.revisions.items()
        self.revisions = {key: number for key, number in known if key[0] not in gone}

    def _revision(self, cell: int, window: str, end: int) -> int:
        if window == _SESSION.name:
            self._state.cube.corrected[cell] += 1
            return int(self._state.cube.corrected[cell])
        number = self.revisions.get((cell, window, end), 0) + 1
        self.revisions[cell, window, end] = number
        return number

    def _until_s(self) -> int:
        tick = self._state.clock.tick_ms or 0
        return max(tick // 1000, self._state.presence.horizon_s + 2)

    def forget(self, before: int) -> None:
        """Drop revision numbers of windows that ended before minute `before`."""
        self.revisions = {k: number for k, number in self.revisions.items() if k[2] >= before}
