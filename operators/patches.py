"""Provisional figures: what changed since the last flush, as fields of state channels."""

from collections.abc import Container, Sequence
from typing import Final

import numpy as np

from operators.board_patches import BoardPatches
from operators.boards import Boards
from operators.catalogue.axes import PANE_MS, WINDOWS
from operators.figure_text import value_texts
from operators.figures import Figures, Span
from operators.hashindex import I64, Bool
from operators.null_reasons import NullReasons
from operators.options import State
from operators.plan import ROOM_DIMENSION, View
from operators.results import Patch
from operators.rings import grown
from operators.sent import CellRows, Sent
from operators.watched import Watched

_MINUTE_MS: Final = 60_000
_NULL: Final = b"null"
WIDE_EVERY: Final = 4
"""Each so many rounds one is of all rooms, about once a second; the others of watched ones."""
_RELEASE_MS: Final = 60_000
"""What was sent of a session that is over is kept for so long after it was last said."""

QUICK: Final = ("session", "1m")
"""Windows a quick flush says of rooms: what is going on now and what came of it so far."""

ALL: Final = frozenset(window.name for window in WINDOWS)

Fields = dict[str, dict[str, object]]
"""Channel to its changed fields."""


class Patches:
    """Makes patches of the cells that are dirty; holds what was sent, to say only changes.

    Two kinds of flush, since one event changes some hundred figures: a *quick* one says the
    `QUICK` windows of rooms; a full one says everything, also what quick ones left over.
    `left_over`: whether there is any of that. A full flush may be cut in slices: `in_round`
    while some of what was there at the first of them is unsaid. Rooms that nobody looks at
    (`watched`) wait for each `WIDE_EVERY`th round, and for a flush that is not cut.
    """

    def __init__(self, state: State, figures: Figures, boards: Boards) -> None:
        self._state = state
        self._figures = figures
        self._boards = boards
        of = CellRows()
        self._sent = {
            view.dimension: Sent(len(view.windows), len(view.used), of) for view in state.plan.views
        }
        self._names = {
            (view.dimension, window.name): np.array(
                [f"{window.wire}.{metric.name}" for metric in view.metrics], np.object_
            )
            for view in state.plan.views
            for window in view.windows
        }
        self._left: Bool = np.zeros(0, np.bool_)
        self._release_at_ms = 0
        self._round: Bool = np.zeros(0, np.bool_)
        self._rounds = 0
        self.watched = Watched(state)
        self._traded = False
        self.left_over = self.in_round = False
        self._channels: dict[int, tuple[str, str]] = {}
        self._meta: dict[int, dict[str, object]] = {}
        self._null_reasons = NullReasons()
        self._board_patches = BoardPatches(state, boards)

    def forget(self) -> None:
        """Send everything again: the place it was sent to has lost it."""
        for sent in self._sent.values():
            sent.forget()
        self._meta.clear()
        self._null_reasons.forget()
        self._board_patches.forget()
        self._state.packing.touch_all()

    def flush(self, *, full: bool = True, most: int | None = None) -> list[Patch]:
        """Patches of dirty cells; clears their flags.

        Args:
            full: everything; else a quick flush.
            most: a full flush looks at so many cells and leaves the others of its round for the
                next; leaderboards are said at the end of a round. None: at all.
        """
        state = self._state
        if state.clock.tick_ms is None:
            return []
        quick, cells = self._due(full, most)
        fields: Fields = {}
        if len(quick):
            self._cells(state.plan.views[ROOM_DIMENSION], quick, fields, QUICK)
        by_dimension = state.cube.cell_dimension[cells]
        for place, view in enumerate(state.plan.views):
            mine = cells[by_dimension == place]
            if len(mine):
                self._cells(view, mine, fields, ALL)
                self._traded |= view.dimension == "product"
        both = np.concatenate((quick, cells))
        self._rooms(np.unique(state.cube.cell_session[both]), fields)
        patches = [Patch(channel, changed) for channel, changed in fields.items() if changed]
        if full and not self.in_round:
            self._release(state.clock.tick_ms)
        if full and not self.in_round and (self._traded or self._boards.moved):
            self._traded = False
            patches += self._board_patches.flush()
        return patches

    def _due(self, full: bool, most: int | None) -> tuple[I64, I64]:
        """Cells of current sessions to look at: rooms in quick windows, any in all windows."""
        cube = self._state.cube
        if full and (most is None or not self.in_round):
            self._state.packing.say()
        count = cube.cells.count
        self._left = grown(self._left, count)
        dirty = np.flatnonzero(cube.dirty[:count])
        cube.dirty[:count] = False
        self._left[dirty] = True
        cells = self._slice(most) if full else dirty[:0]
        self.left_over = bool(self._left.any() or self._state.packing.unsaid)
        rooms = dirty[(cube.cell_dimension[dirty] == ROOM_DIMENSION) & self._left[dirty]]
        rooms = rooms[self.watched.of(rooms)]
        return rooms[self._current(rooms)], cells[self._current(cells)]

    def _slice(self, most: int | None) -> I64:
        """The next cells of the round, or of a new one; they are no longer left."""
        if most is None or not self.in_round:
            self._round = self._left.copy()
            self._rounds += 1
            if most is not None and self._rounds % WIDE_EVERY:
                due = np.flatnonzero(self._round)
                self._round[due] = self.watched.of(due)
        cells = np.flatnonzero(self._round)[:most]
        self._round[cells] = self._left[cells] = False
        self.in_round = bool(self._round.any())
        return cells

    def _current(self, cells: I64) -> Bool:
        """Which cells are of their room's current session: an older one is not on screens."""
        sessions = self._state.sessions
        session = self._state.cube.cell_session[cells]
        return np.asarray(sessions.current[sessions.room[session]] == session)

    def _release(self, tick_ms: int) -> None:
        """Once a minute: let go of what was sent of sessions that are over.

        A refund may still change them; then all their figures are said once more.
        """
        if tick_ms < self._release_at_ms:
            return
        self._release_at_ms = tick_ms + _RELEASE_MS
        state = self._state
        gone: set[int] = set()
        for sent in self._sent.values():
            idle = sent.idle(tick_ms - _RELEASE_MS)
            sealed = state.sessions.sealed[state.cube.cell_session[idle]]
            over = idle[sealed | ~self._current(idle)]
            sent.release(over)
            gone.update(over.tolist())
        for cell in gone:
            self._channels.pop(cell, None)
            if state.cube.cell_dimension[cell] == ROOM_DIMENSION:
                self._meta.pop(int(state.cube.cell_session[cell]), None)
        if gone:
            self._null_reasons.keep(self._current)

    def let_go(self, cells: I64) -> None:
        """Cells get other numbers: forget what was said of them; what is left is dirty again."""
        cube = self._state.cube
        self._left = grown(self._left, cube.cells.count)
        cube.dirty[cells[self._left[cells]]] = True
        self._left[cells] = False
        self._round[cells[cells < len(self._round)]] = False
        for dimension, view in enumerate(self._state.plan.views):
            mine = cells[cube.cell_dimension[cells] == dimension]
            self._sent[view.dimension].let_go(mine, cube.cells.count)
        for cell in cells.tolist():
            self._channels.pop(cell, None)
        for session in np.unique(cube.cell_session[cells]).tolist():
            self._meta.pop(session, None)
        self._null_reasons.let_go(cells)
        self._board_patches.let_go(cells)

    def _cells(self, view: View, cells: I64, fields: Fields, windows: Container[str]) -> None:
        state, sent = self._state, self._sent[view.dimension]
        rows = sent.rows(cells, state.cube.cells.count, state.clock.tick_ms or 0)
        for place, window in enumerate(view.windows):
            if window.name not in windows:
                continue
            measures = self._figures.measures(view, cells, self._span(view, place))
            used = measures[:, view.used]
            other = used != sent.measures[rows, place]
            sent.measures[rows, place] = used
            changed = other.astype(np.float32) @ view.uses[window.name] > 0
            num, den = self._figures.ratios(view, measures)
            at, which = np.nonzero(changed)
            texts = value_texts(num[at, which], den[at, which], view.has_den[which])
            for cell, why in self._null_reasons.changed(view, window, cells, num, den):
                self._put(view, cell, [f"{window.wire}.nulls"], [why], fields)
            names = self._names[view.dimension, window.name][which].tolist()
            start = 0
            for cell, count in zip(cells.tolist(), changed.sum(axis=1).tolist(), strict=True):
                end = start + count
                if count:
                    self._put(view, cell, names[start:end], texts[start:end], fields)
                start = end

    def _put(
        self, view: View, cell: int, names: list[str], values: Sequence[object], fields: Fields
    ) -> None:
        """Add the fields of a cell; what is null is taken away."""
        found = self._channels.get(cell)
        channel, suffix = found or self._channel(view, cell)
        if suffix:
            names = [name + suffix for name in names]
        if _NULL in values:
            values = [None if value == _NULL else value for value in values]
        fields.setdefault(channel, {}).update(zip(names, values, strict=True))

    def _channel(self, view: View, cell: int) -> tuple[str, str]:
        """Channel of a cell and what its field names end in; kept."""
        tenant, group, room, key = self._state.cell_place(cell)
        channel, suffix = f"split:{tenant}/{room}/{view.dimension}", f".{key}"
        if view.dimension == "room":
            channel, suffix = f"room:{tenant}/{room}", ""
        elif view.dimension == "tenant":
            channel, suffix = f"group:{tenant}/{group}", ""
        self._channels[cell] = channel, suffix
        return channel, suffix

    def _span(self, view: View, place: int) -> Span:
        """The window as it stands: rolling ones include the open pane, 1m is this minute."""
        window = view.windows[place]
        tick = self._state.clock.tick_ms or 0
        if window.name == "1m":
            end = (tick // _MINUTE_MS + 1) * _MINUTE_MS
        else:
            end = (tick // PANE_MS + 1) * PANE_MS if window.panes else tick + 1
        return Span(window, end, tick // 1000 + 1)

    def _rooms(self, sessions: I64, fields: Fields) -> None:
        """The `meta.` fields of rooms that changed."""
        state = self._state
        for session in sessions[~state.sessions.is_total[sessions]].tolist():
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
