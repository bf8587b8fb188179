"""Provisional figures: what changed since the last flush, as fields of state channels."""

from typing import Final

import numpy as np

from operators.boards import Address, Boards
from operators.catalogue.axes import PANE_MS
from operators.figures import Figures, Span, value_of
from operators.hashindex import I64
from operators.options import State
from operators.plan import View
from operators.results import Patch
from operators.rings import grown

_MINUTE_MS: Final = 60_000
_UNSENT: Final = -(2**62)


class _Sent:
    """Numerators and denominators last sent, (cells of the dimension, windows, metrics)."""

    def __init__(self, windows: int, metrics: int) -> None:
        self.row: I64 = np.zeros(0, np.int64)
        self.count = 0
        self.num: I64 = np.zeros((0, windows, metrics), np.int64)
        self.den: I64 = np.zeros((0, windows, metrics), np.int64)

    def rows(self, cells: I64, all_cells: int) -> I64:
        """Rows of cells, new ones unsent."""
        if all_cells > len(self.row):
            had = len(self.row)
            self.row = grown(self.row, all_cells)
            self.row[had:] = -1
        new = cells[self.row[cells] < 0]
        if len(new):
            first, self.count = self.count, self.count + len(new)
            self.row[new] = np.arange(first, self.count)
            self.num, self.den = grown(self.num, self.count), grown(self.den, self.count)
            self.num[first:] = self.den[first:] = _UNSENT
        return self.row[cells]

    def forget(self) -> None:
        """Everything is unsent again."""
        self.num[:] = self.den[:] = _UNSENT


class Patches:
    """Makes patches of the cells that are dirty; holds what was sent, to say only changes."""

    def __init__(self, state: State, figures: Figures, boards: Boards) -> None:
        self._state = state
        self._figures = figures
        self._boards = boards
        self._sent = {
            view.dimension: _Sent(len(view.windows), len(view.metrics)) for view in state.plan.views
        }
        self._meta: dict[int, dict[str, object]] = {}
        self._shown: dict[Address, list[dict[str, object]]] = {}

    def forget(self) -> None:
        """Send everything again: the place it was sent to has lost it."""
        for sent in self._sent.values():
            sent.forget()
        self._meta.clear()
        self._shown.clear()
        self._state.cube.dirty[:] = True

    def flush(self) -> list[Patch]:
        """Patches of all dirty cells; clears the flags."""
        state = self._state
        if state.clock.tick_ms is None:
            return []
        count = state.cube.cells.count
        dirty = np.flatnonzero(state.cube.dirty[:count])
        state.cube.dirty[:count] = False
        dirty = dirty[self._current(dirty)]
        fields: dict[str, dict[str, object]] = {}
        traded = False
        for place, view in enumerate(state.plan.views):
            cells = dirty[state.cube.cell_dimension[dirty] == place]
            if len(cells):
                self._cells(view, cells, fields)
                traded = traded or view.dimension == "product"
        self._rooms(np.unique(state.cube.cell_session[dirty]), fields)
        patches = [Patch(channel, changed) for channel, changed in fields.items() if changed]
        return patches + (self._board_patches() if traded or self._boards.moved else [])

    def _current(self, cells: I64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cells are of their room's current session: an older one is not on screens."""
        sessions = self._state.sessions
        session = self._state.cube.cell_session[cells]
        return np.asarray(sessions.current[sessions.room[session]] == session)

    def _cells(self, view: View, cells: I64, fields: dict[str, dict[str, object]]) -> None:
        state, sent = self._state, self._sent[view.dimension]
        rows = sent.rows(cells, state.cube.cells.count)
        channels = [self._channel(view, cell) for cell in cells.tolist()]
        has_den = view.has_den.tolist()
        for place, window in enumerate(view.windows):
            measures = self._figures.measures(view, cells, self._span(view, place))
            num, den = self._figures.ratios(view, measures)
            changed = (num != sent.num[rows, place]) | (den != sent.den[rows, place])
            changed &= view.in_window[window.name]
            sent.num[rows, place], sent.den[rows, place] = num, den
            at, which = np.nonzero(changed)
            numbers = zip(
                at.tolist(),
                which.tolist(),
                num[at, which].tolist(),
                den[at, which].tolist(),
                strict=True,
            )
            names = [f"{window.wire}.{metric.name}" for metric in view.metrics]
            for cell, k, n, d in numbers:
                channel, suffix = channels[cell]
                fields.setdefault(channel, {})[names[k] + suffix] = value_of(n, d, has_den[k])

    def _channel(self, view: View, cell: int) -> tuple[str, str]:
        """Channel of a cell and what its field names end in."""
        tenant, _, room, key = self._state.cell_place(cell)
        if view.dimension == "room":
            return f"room:{tenant}/{room}", ""
        return f"split:{tenant}/{room}/{view.dimension}", f".{key}"

    def _span(self, view: View, place: int) -> Span:
        """The window as it stands: rolling ones include the open pane, 1m is this minute."""
        window = view.windows[place]
        tick = self._state.clock.tick_ms or 0
        if window.name == "1m":
            end = (tick // _MINUTE_MS + 1) * _MINUTE_MS
        else:
            end = (tick // PANE_MS + 1) * PANE_MS if window.panes else tick + 1
        return Span(window, end, tick // 1000 + 1)

    def _rooms(self, sessions: I64, fields: dict[str, dict[str, object]]) -> None:
        """The `meta.` fields of rooms that changed."""
        state = self._state
        for session in sessions.tolist():
            where = state.sessions.place(session)
            end = int(state.sessions.end_ms[session])
            now: dict[str, object] = {
                "meta.status": "ended" if end else "live",
                "meta.start_ms": int(state.sessions.start_ms[session]),
                "meta.end_ms": end or None,
                "meta.wm_ms": state.clock.watermark_ms(),
            }
            before = self._meta.get(session, {})
            changed = {name: value for name, value in now.items() if before.get(name, 0) != value}
            self._meta[session] = now
            if changed:
                fields.setdefault(f"room:{where.tenant}/{where.room_id}", {}).update(changed)

    def _board_patches(self) -> list[Patch]:
        state, patches = self._state, []
        self._boards.moved = False
        now = self._boards.lines(None)
        for address in sorted(now.keys() | self._shown.keys(), key=str):
            lines = self._boards.body(now.get(address, []), self._boards.before.get(address, {}))
            if self._shown.get(address) == lines:
                continue
            tenant, group, name, room = address
            # What a predecessor showed is not known: all ranks below the last are taken away.
            had = len(self._shown.get(address, range(state.options.board_lines)))
            self._shown[address] = lines
            fields: dict[str, object] = {str(line["rank"]): line for line in lines}
            fields.update((str(rank), None) for rank in range(len(lines) + 1, had + 1))
            suffix = "" if room is None else f"@{room}"
            patches.append(Patch(f"board:{tenant}/{group}/{name}{suffix}", fields))
        return patches
