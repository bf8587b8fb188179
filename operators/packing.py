"""Sealed sessions are packed: what only a late refund may still change takes some 3 KB.

When nothing of a sealed session is in any window its cells, slots and marks are packed and
their numbers given back. They are unpacked, under other numbers, when an event or somebody who
says figures asks for them, and packed again when they are quiet. No figure and no row depends
on when that happens; boards read the values of packed sessions beside those of cells.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from operators.cube import Cube
from operators.hashindex import I64, U64, Bool, HashIndex
from operators.kept_values import KeptValues
from operators.marks import slots_and_ids
from operators.packed import Packed, from_bytes, to_bytes
from operators.sessions import Sessions

_MINUTE_MS: Final = 60_000
_BEATS: Final = 12
"""Beats in a minute: in each a twelfth of what is quiet is packed."""
_FEWEST, _MOST = 4, 32
"""Sessions packed in a beat, if there are as many: half a millisecond each."""

Vocabulary = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of dimensions and of measures, by number."""


class CellHolder(Protocol):
    """Something else that knows cells by number."""

    def let_go(self, cells: I64) -> None:
        """Forget them; what is left to be said of them is dirty again."""


class Packing:
    """The packed sessions of one shard.

    Attributes:
        kept: what boards need of them.
        unsaid: packed sessions whose figures have yet to be said.
        holders: who is told which cells go.
    """

    def __init__(
        self, cube: Cube, sessions: Sessions, viewers: HashIndex, kept: KeptValues, ttl_ms: int
    ) -> None:
        self._cube, self._sessions, self._viewers = cube, sessions, viewers
        self.kept = kept
        self._ttl_ms = ttl_ms
        self.unsaid: set[int] = set()
        self.holders: Sequence[CellHolder] = ()
        plan = cube.plan
        own = tuple(d.name for d in plan.dimensions), tuple(m.name for m in plan.measures)
        self._vocabularies: list[Vocabulary] = [own]
        self._packed: dict[int, bytes] = {}  # the first byte is its vocabulary
        self._minute = -1
        self._due: list[int] = []
        self._many = _FEWEST
        cube.bring_back = self.bring_back

    def __len__(self) -> int:
        return len(self._packed)

    def run(self, tick_ms: int) -> list[int]:
        """At the end of a beat: pack some of what is quiet; gives which sessions."""
        if tick_ms // _MINUTE_MS != self._minute:
            self._minute = tick_ms // _MINUTE_MS
            self._due = np.flatnonzero(self._quiet()).tolist()
            self._many = min(max(_FEWEST, -(-len(self._due) // _BEATS)), _MOST)
            self.kept.keep(self._sessions.end_ms > tick_ms - self._ttl_ms)
        if not self._due:
            return []
        quiet = self._quiet()
        due, self._due = self._due[: self._many], self._due[self._many :]
        now = [session for session in due if quiet[session]]
        self._pack(now)
        return now

    def bring_back(self, sessions: I64) -> bool:
        """Unpack those of these sessions that are packed; True if any was."""
        if not self._packed:
            return False
        found = [session for session in np.unique(sessions).tolist() if session in self._packed]
        if not found:
            return False
        marks = [self._unpack(session) for session in found]
        slots, ids = (np.concatenate(part) for part in zip(*marks, strict=True))
        self._cube.marks.bring_back(slots, ids)
        stays = np.ones(self._sessions.count, np.bool_)
        stays[found] = False
        self.kept.keep(stays)
        unsaid = self.unsaid.intersection(found)
        if unsaid:
            self.unsaid -= unsaid
            self._cube.touch(np.array(sorted(unsaid)), whole=True)
        return True

    def forget(self, before_ms: int) -> list[int]:
        """Let go for good of packed sessions that ended at or before; gives their numbers."""
        end_ms = self._sessions.end_ms
        gone = [session for session in self._packed if end_ms[session] <= before_ms]
        for session in gone:
            del self._packed[session]
        self.unsaid.difference_update(gone)
        return gone

    def touch_all(self) -> None:
        """Everything has to be said again."""
        self._cube.touch_all()
        self.unsaid.update(self._packed)

    def say(self) -> None:
        """Unpack what has to be said: sessions that are their room's current one."""
        if self.unsaid:
            found = np.array(sorted(self.unsaid), np.int64)
            sessions = self._sessions
            current = sessions.current[sessions.room[found]] == found
            self.unsaid.difference_update(found[~current].tolist())
            self.bring_back(found[current])

    def _quiet(self) -> Bool:
        """Sealed sessions with cells and nothing in a window, flags by session."""
        cube, count = self._cube, self._sessions.count
        found = np.zeros(count + 1, np.bool_)  # free cells are of session -1: the last
        found[cube.cell_session[: cube.cells.count]] = True
        found[:count] &= self._sessions.sealed[:count]
        live = cube.ring[: cube.slot_count] >= 0
        found[cube.cell_session[cube.slot_cell[: cube.slot_count][live]]] = False
        return found[:count]

    def _pack(self, sessions: list[int]) -> None:
        if not sessions:
            return
        cube = self._cube
        mine = np.zeros(self._sessions.count + 1, np.bool_)
        mine[sessions] = True
        cells = np.flatnonzero(mine[cube.cell_session[: cube.cells.count]])
        of_batch = np.zeros(cube.cells.count + 1, np.bool_)
        of_batch[cells] = True
        slots = np.flatnonzero(of_batch[cube.slot_cell[: cube.slot_count]])
        flags = np.zeros(cube.slot_count, np.bool_)
        flags[slots] = True
        keys = cube.marks.take(flags)
        masked = cube.masked.take(of_batch)
        for holder in self.holders:
            holder.let_go(cells)
        self.unsaid.update(np.unique(cube.cell_session[cells[cube.dirty[cells]]]).tolist())
        for session in sessions:
            packed = self._collect(session, cells, slots, keys, masked)
            self._packed[session] = bytes(1) + to_bytes(packed)
            self._keep_values(session, packed)
        cube.drop(cells, slots)

    def _collect(
        self, session: int, cells: I64, slots: I64, keys: U64, masked: tuple[I64, I64, I64, U64]
    ) -> Packed:
        """One session out of the cells, slots, marks and masked rows of some."""
        cube = self._cube
        cells = cells[cube.cell_session[cells] == session]
        cells = cells[np.lexsort((cube.cell_key[cells], cube.cell_dimension[cells]))]
        places = np.full(cube.cells.count, -1, np.int64)
        places[cells] = np.arange(len(cells))
        slots = slots[(places[cube.slot_cell[slots]] >= 0) & (cube.slot_measure[slots] >= 0)]
        slots = slots[np.lexsort((cube.slot_measure[slots], places[cube.slot_cell[slots]]))]
        of_slot = np.full(cube.slot_count, -1, np.int64)
        of_slot[slots] = np.arange(len(slots))
        at, ids = slots_and_ids(keys)
        mine = np.flatnonzero(of_slot[at] >= 0)
        is_viewer = cube.plan.of_viewers[cube.slot_measure[at[mine]]]
        numbers, which = np.unique(ids[mine[is_viewer]], return_inverse=True)
        ids = ids[mine]
        ids[is_viewer] = which
        marks = np.lexsort((ids, of_slot[at[mine]]))
        hidden = np.flatnonzero(places[masked[0]] >= 0)
        return Packed(
            cube.cell_dimension[cells].astype(np.int64),
            cube.cell_key[cells].astype(np.int64),
            cube.corrected[cells].astype(np.int64),
            places[cube.slot_cell[slots]],
            cube.slot_measure[slots].astype(np.int64),
            cube.total[slots],
            of_slot[at[mine]][marks],
            ids[marks],
            is_viewer[marks].astype(np.int64),
            self._viewers.keys()[numbers].view(np.int64),
            places[masked[0][hidden]],
            masked[1][hidden],
            masked[2][hidden],
            masked[3][hidden].view(np.int64),
        )

    def _keep_values(self, session: int, packed: Packed) -> None:
        dimensions, measures = self._vocabularies[0]
        for dimension, measure in self.kept.pairs:
            if dimension in dimensions and measure in measures:
                mine = packed.measure == measures.index(measure)
                cell = packed.cell[mine]
                of = packed.dimension[cell] == dimensions.index(dimension)
                pair = dimension, measure
                self.kept.add(pair, session, packed.key[cell[of]], packed.total[mine][of])

    def _unpack(self, session: int) -> tuple[I64, I64]:
        """Cells and slots of a session again; gives its marks as (slots, ids)."""
        cube = self._cube
        data = self._packed.pop(session)
        packed = from_bytes(data[1:])
        dimensions, measures = self._numbers(data[0])
        of_cell = dimensions[packed.dimension]
        cells = np.full(len(of_cell), -1, np.int64)
        for dimension in np.unique(of_cell[of_cell >= 0]).tolist():
            mine = np.flatnonzero(of_cell == dimension)
            cells[mine] = cube.cell(mine * 0 + session, dimension, packed.key[mine])
        cube.corrected[cells[cells >= 0]] = packed.corrected[cells >= 0]
        cell, measure = cells[packed.cell], measures[packed.measure]
        known = (cell >= 0) & (measure >= 0)
        known[known] &= cube.slots.column[cube.cell_dimension[cell[known]], measure[known]] >= 0
        slots = np.full(len(cell), -1, np.int64)
        slots[known] = cube.put_totals(cell[known], measure[known], packed.total[known])
        hidden = cells[packed.masked_cell], measures[packed.masked_measure]
        there = (hidden[0] >= 0) & (hidden[1] >= 0)
        cube.masked.bring_back(
            hidden[0][there],
            hidden[1][there],
            packed.masked_top[there],
            packed.masked_mask.view(np.uint64)[there],
        )
        ids = packed.id.copy()
        is_viewer = packed.of_viewer > 0
        ids[is_viewer] = self._viewers.find_or_add(packed.viewers.view(np.uint64))[ids[is_viewer]]
        marked = slots[packed.slot]
        return marked[marked >= 0], ids[marked >= 0]

    def _numbers(self, vocabulary: int) -> tuple[I64, I64]:
        """The plan's numbers of a vocabulary's dimensions and measures, -1 for what it lacks."""
        found = []
        for names, known in zip(self._vocabularies[vocabulary], self._vocabularies[0], strict=True):
            number = {name: place for place, name in enumerate(known)}
            found.append(np.array([number.get(name, -1) for name in names], np.int64))
        return found[0], found[1]

    def snapshot(self) -> dict[str, object]:
        """Plain data whose leaves never change."""
        return {"vocabularies": list(self._vocabularies), "sessions": dict(self._packed)}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take what `snapshot` gave, maybe of another catalogue."""
        found, packed = data.get("vocabularies"), data.get("sessions")
        if not isinstance(found, list) or not isinstance(packed, dict):
            return
        known = self._vocabularies = list(dict.fromkeys((self._vocabularies[0], *found)))
        number = [known.index(vocabulary) for vocabulary in found]
        if number == list(range(len(number))):
            self._packed = dict(packed)
        else:
            self._packed = {s: bytes((number[blob[0]],)) + blob[1:] for s, blob in packed.items()}
