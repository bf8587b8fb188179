"""Leaderboards: who sells most, as of a minute, with the movement since the minute before.

Order: value descending, then key ascending: equal values keep a stated order. Values are
session totals as of the end of a pane, so that they do not depend on the order of arrival.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from operators.catalogue.boards import BOARDS, Board
from operators.hashindex import I64, Bool
from operators.options import State
from operators.results import Row
from operators.rings import grown
from stream import parts

MINUTE_MS: Final = 60_000


Line = tuple[str, int]
"""(key, value)."""
Address = tuple[str, str, str, str | None]
"""(tenant, group, board, room or None)."""


class Boards:
    """Leaderboards of one shard; remembers the last minute's order for the movement."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._boards = () if parts.BOARDS in state.options.leave_out else BOARDS
        self.before: dict[Address, dict[str, int]] = {}
        self.said: dict[Address, list[Line]] = {}
        self.moved = False
        """Whether the order of the minute before has changed since someone looked."""

    def lines(
        self, after_pane: int | None, seen: "Seen | None" = None
    ) -> dict[Address, list[Line]]:
        """The boards now; with `after_pane`, without what happened in that pane or later.

        With `seen`: only boards on which a value is not the one seen last.
        """
        state = self._state
        cube, sessions = state.cube, state.sessions
        count = cube.cells.count
        shown = self._shown()
        if seen is not None:
            seen.begin()
        out: dict[Address, list[Line]] = {}
        places = {d.name: place for place, d in enumerate(state.plan.dimensions)}
        for board in self._boards:
            place, measure = places.get(board.dimension), state.plan.number.get(board.measure)
            if place is None or measure is None:
                continue
            cells = np.flatnonzero(
                (cube.cell_dimension[:count] == place) & shown[cube.cell_session[:count]]
            )
            cells = cells[cube.slots_of(cells, measure) >= 0]
            room = sessions.room[cube.cell_session[cells]].astype(np.int64)
            key = cube.cell_key[cells].astype(np.int64)
            values = self._as_of(cells, measure, after_pane)
            room, key, values = self._with_packed(board, shown, room, key, values)
            address = room if board.per_room else sessions.group_of[room].astype(np.int64)
            if seen is not None:
                new = seen.changed(board, cells, values, address)
                values, room, key, address = values[new], room[new], key[new], address[new]
            self._rank(board, address, room if board.dimension == "room" else key, values, out)
        return out

    def _with_packed(
        self, board: Board, shown: Bool, room: I64, key: I64, values: I64
    ) -> tuple[I64, I64, I64]:
        """Room, key and value of cells, and after them of the packed sessions that are shown."""
        session, keys, more = self._state.packing.kept.of((board.dimension, board.measure))
        mine = np.flatnonzero(shown[session])
        if not len(mine):
            return room, key, values
        rooms = self._state.sessions.room[session[mine]]
        return (
            np.concatenate((room, rooms)),
            np.concatenate((key, keys[mine])),
            np.concatenate((values, more[mine])),
        )

    def _rank(
        self, board: Board, address: I64, key: I64, values: I64, out: dict[Address, list[Line]]
    ) -> None:
        """Sum values by (address, key) and put the best lines of each address into `out`."""
        state = self._state
        some = (values != 0) & (key >= 0)
        if not some.any():
            return
        pairs, inverse = np.unique((address << 32 | key)[some], return_inverse=True)
        sums = np.zeros(len(pairs), np.int64)
        np.add.at(sums, inverse, values[some])
        home = pairs >> 32
        order = np.lexsort((-sums, home))
        starts = np.flatnonzero(np.diff(home[order], prepend=-1))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
            best = self._with_ties(order[start:end], sums)
            lines = [(self._key(board, int(pairs[p] & 0xFFFFFFFF)), int(sums[p])) for p in best]
            lines.sort(key=lambda line: (-line[1], line[0]))
            number = int(home[order[start]])
            where = state.sessions.places[
                number if board.per_room else int(state.sessions.first_of_group[number])
            ]
            at = (where.tenant, where.group, board.name, where.room_id if board.per_room else None)
            out[at] = [line for line in lines if line[1]][: state.options.board_lines]

    def _with_ties(self, ordered: I64, sums: I64) -> list[int]:
        """The first `board_lines` of places in order of value, and all equal to the last."""
        lines = self._state.options.board_lines
        if len(ordered) > lines:
            ordered = ordered[sums[ordered] >= sums[ordered[lines - 1]]]
        return [int(place) for place in ordered]

    def _key(self, board: Board, code: int) -> str:
        if board.dimension == "room":
            return self._state.sessions.places[code].room_id
        return self._state.names.text(code) or ""

    def minute(self, end: int) -> list[Row]:
        """Rows of the boards that changed in the minute before `end`; remembers their order.

        A board of which nothing is left is forgotten, without a row.
        """
        rows = []
        found = self.lines(end * 4)
        for gone in self.before.keys() - found.keys():
            del self.before[gone]
            self.said.pop(gone, None)
            self.moved = True
        for address, lines in sorted(found.items(), key=lambda item: tuple(map(str, item[0]))):
            previous = self.before.get(address, {})
            ranks = {key: rank for rank, (key, _) in enumerate(lines, 1)}
            if lines and self.said.get(address) != lines:
                self.said[address] = lines
                tenant, group, name, room = address
                body = {"lines": self.body(lines, previous)}
                end_ms = end * MINUTE_MS
                rows.append(
                    Row("board", tenant, group, room, name, None, "session",
                        end_ms - MINUTE_MS, end_ms, True, 0, body)
                )  # fmt: skip
            self.moved |= previous != ranks
            self.before[address] = ranks
        return rows

    @staticmethod
    def body(lines: Sequence[Line], before: dict[str, int]) -> list[dict[str, object]]:
        """Lines as they stand on a screen: rank, key, value, rank a minute ago (None: new)."""
        return [
            {"rank": rank, "key": key, "value": value, "prev_rank": before.get(key)}
            for rank, (key, value) in enumerate(lines, 1)
        ]

    def _shown(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Sessions on the boards: open, or ended less than `board_ttl_ms` ago."""
        sessions, options = self._state.sessions, self._state.options
        end = sessions.end_ms[: sessions.count]
        now = self._state.clock.tick_ms or 0
        return np.asarray((end == 0) | (end > now - options.board_ttl_ms))

    def _as_of(self, cells: I64, measure: int, after_pane: int | None) -> I64:
        cube = self._state.cube
        slots = cube.slots_of(cells, measure)
        values = cube.total[slots].copy()
        if after_pane is not None:
            rows = cube.ring[slots].astype(np.int64)
            live = rows >= 0
            # Nothing lies further ahead than skew and a beat: 10 panes past the horizon's 5.
            end = cube.horizon + 16
            if end > after_pane:
                values[live] -= cube.sums.window(rows[live], end, end - after_pane)
        return np.asarray(values)


class Seen:
    """Values of board cells when somebody last looked, to find the boards that changed.

    The first time everything has, also what is only of packed sessions.
    """

    def __init__(self) -> None:
        self._looks = 0
        self._values: dict[str, I64] = {}
        self._other: dict[tuple[str, str], Bool] = {}

    def begin(self) -> None:
        """Somebody looks again."""
        self._looks += 1
        self._other.clear()

    def changed(self, board: Board, cells: I64, values: I64, address: I64) -> Bool:
        """Which values are on a board with another one than before; remembers those of cells.

        By measure: a cell is of one dimension, and boards of one dimension have the same cells.
        `values` and `address` have more places than `cells`: those of packed sessions.
        """
        if not len(values):
            return np.zeros(0, np.bool_)
        other = self._other.get((board.dimension, board.measure))
        if other is None:
            own = values[: len(cells)]
            before = self._values.get(board.measure, np.zeros(0, np.int64))
            before = self._values[board.measure] = grown(before, int(cells.max(initial=-1)) + 1)
            other = self._other[board.dimension, board.measure] = before[cells] != own
            before[cells] = own
        if self._looks == 1:
            return np.ones(len(values), np.bool_)
        moved = np.zeros(int(address.max()) + 1, np.bool_)
        moved[address[: len(cells)][other]] = True
        return np.asarray(moved[address])

    def let_go(self, cells: I64) -> None:
        """Cells get other numbers: as if nobody had ever looked at them."""
        for values in self._values.values():
            values[cells[cells < len(values)]] = 0
