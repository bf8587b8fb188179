"""The cube: every figure's measures by cell, folded from columns. The one hot loop.

* A **cell** is (session, dimension, key): the room of a session, one of its products, …
* A **slot** is (cell, measure), made when first touched: a total for the session and, while it
  is live, a row in a pool of rings for the windows.

Numbers of cells and slots that are dropped are used again; until then their session is -1.

`fold` takes columns and adds; `read` gives a matrix of measures for cells and a window. Nothing
here knows names, money or time zones. All additions are order-free, so that a fold of any
permutation of the events, in any batches, is the same cube.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.cellindex import CellIndex
from operators.hashindex import I32, I64, U64, Bool, HashIndex
from operators.marks import Marks
from operators.masked import MASKED_ID, Masked
from operators.plan import ROOM_DIMENSION, Contributions, Plan
from operators.profiles import MAX_DIMENSIONS
from operators.rings import DistinctRings, SumRings, grown
from operators.slots import Slots

_NONE: Final = -1
DIMENSION_SHIFT: Final = np.uint64(32)
"""Place of the dimension in a cell's key: below it the key code, above it the session."""
_SESSION_SHIFT: Final = np.uint64(36)
_NOTHING: Final = np.zeros(0, np.int64)


class Cube:
    """Cells of one shard.

    Attributes:
        horizon: first pane that can still change (see `operators.rings`).
        cell_session, cell_dimension, cell_key: shape (cells,); what a cell is.
        corrected: how often its row of the whole session was corrected, (cells,).
        bring_back: asked for sessions that have new cells; True if they had others elsewhere.
        dirty: cells changed since the caller last cleared the flag.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.horizon = 0
        self.cells = CellIndex()
        self.cell_session: I32 = np.zeros(0, np.int32)
        self.cell_dimension: I32 = np.zeros(0, np.int32)
        self.cell_key: I32 = np.zeros(0, np.int32)
        self.corrected: I32 = np.zeros(0, np.int32)
        self.dirty: Bool = np.zeros(0, np.bool_)
        self.bring_back: Callable[[I64], bool] = lambda _: False
        self._free_cells: list[I64] = [_NOTHING] * MAX_DIMENSIONS
        self._free_slots: I64 = _NOTHING
        self.slots = Slots(plan)
        self.slot_count = 0
        self.total: I64 = np.zeros(0, np.int64)
        self.slot_cell: I32 = np.zeros(0, np.int32)
        self.slot_measure: I32 = np.zeros(0, np.int32)
        self.ring: I32 = np.zeros(0, np.int32)
        self.sums = SumRings()
        self.distinct = DistinctRings()
        self._free_sums: list[int] = []
        self._free_distinct: list[int] = []
        self._sum_rows = 0
        self._distinct_rows = 0
        self.marks = Marks()
        self.masked = Masked()

    def cell(self, sessions: I64, dimension: int, keys: I64) -> I64:
        """Cells of (session, dimension, key code), made where new; -1 where a session is."""
        cells = np.full(len(sessions), _NONE, np.int64)
        there = np.flatnonzero(sessions >= 0)
        if len(there):
            packed = (sessions[there].astype(np.uint64) << _SESSION_SHIFT) | (
                (np.uint64(dimension) << DIMENSION_SHIFT) | (keys[there] + 1).astype(np.uint64)
            )
            rows = self.cells.find(packed)
            new = np.unique(packed[rows < 0])
            if len(new) and self.bring_back((new >> _SESSION_SHIFT).astype(np.int64)):
                return self.cell(sessions, dimension, keys)
            if len(new):
                self._new_cells(new, dimension)
                rows = self.cells.find(packed)
            cells[there] = rows
        return cells

    def touch_all(self) -> None:
        """Mark the cells dirty that ever were: with a figure of their own, or a whole room's."""
        self.dirty = np.zeros(len(self.cell_session), np.bool_)
        self.touch(np.arange(int(self.cell_session.max(initial=-1)) + 1), whole=True)

    def touch(self, sessions: I64, *, whole: bool = False) -> None:
        """Mark all cells of these sessions dirty that have a figure of their own.

        `whole`: and those of a whole room in any case.
        """
        count = self.cells.count
        wanted = np.zeros(int(self.cell_session[:count].max(initial=-1)) + 1, np.bool_)
        wanted[sessions[sessions < len(wanted)]] = True
        of_slots = self.slot_cell[: self.slot_count]
        cells = of_slots[of_slots >= 0]
        self.dirty[cells[wanted[self.cell_session[cells]]]] = True
        if whole:
            rooms = self.cell_dimension[:count] == ROOM_DIMENSION
            rooms = np.flatnonzero(rooms & (self.cell_session[:count] >= 0))
            self.dirty[rooms[wanted[self.cell_session[rooms]]]] = True

    def _new_cells(self, keys: U64, dimension: int) -> None:
        known = self.cells.count
        free = self._free_cells[dimension]
        cells = self.cells.take(keys, free)
        self._free_cells[dimension] = free[len(keys) :]
        count = self.cells.count
        self.cell_session = grown(self.cell_session, count)
        self.cell_dimension = grown(self.cell_dimension, count)
        self.cell_key = grown(self.cell_key, count)
        self.corrected = grown(self.corrected, count)
        self.dirty = grown(self.dirty, count)
        self.cell_session[cells] = (keys >> _SESSION_SHIFT).astype(np.int32)
        self.cell_dimension[cells] = dimension
        self.cell_key[cells] = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64) - 1
        self.slots.add(self.cell_dimension[known:count])

    def drop(self, cells: I64, slots: I64) -> None:
        """Forget cells with all their slots, which have no rings; the numbers are free again."""
        self.slots.clear(cells, self.cell_dimension[cells])
        self.slot_cell[slots] = self.slot_measure[slots] = _NONE
        self.total[slots] = 0
        self.cells.drop(cells)
        self.cell_session[cells] = _NONE
        self.cell_key[cells] = self.corrected[cells] = 0
        self.dirty[cells] = False
        self._find_free()

    def _find_free(self) -> None:
        """The lowest numbers first, so that a snapshot changes nothing about it."""
        free = np.flatnonzero(self.cells.is_free())
        of = self.cell_dimension[free]
        self._free_cells = [free[of == dimension] for dimension in range(MAX_DIMENSIONS)]
        self._free_slots = np.flatnonzero(self.slot_cell[: self.slot_count] < 0)

    def fold(
        self,
        types: npt.NDArray[np.uint8],
        panes: I64,
        cells: I64,
        values: I64,
        ids: I64,
    ) -> None:
        """Add events.

        Args:
            types: event type numbers, shape (n,).
            panes: pane of each event, (n,); none before the horizon.
            cells: cell of each event by the plan's dimensions, (n, dimensions), -1 for none.
            values: (len(VALUE_COLUMNS), n).
            ids: (len(ID_COLUMNS), n), dense numbers of viewers and orders, -1 for none, -2
                for a viewer who cannot be told from others.
        """
        events, slots, columns = self._slots(self.plan.added, types, cells, None)
        if len(events):
            amounts = values[columns, events]
            np.add.at(self.total, slots, amounts)
            self.sums.add(self._rings(slots, False), panes[events], amounts)
        self._note_masked(self.plan.told_apart, types, panes, cells, ids)
        events, slots, columns = self._slots(self.plan.told_apart, types, cells, ids)
        if len(events):
            new = self.marks.see(slots, ids[columns, events], panes[events])
            np.add.at(self.total, new.first, 1)
            rows = self._rings(new.slot, True)
            self.distinct.mark(rows, new.pane, new.before, new.after)

    def _note_masked(
        self,
        added: Contributions,
        types: npt.NDArray[np.uint8],
        panes: I64,
        cells: I64,
        ids: I64,
    ) -> None:
        """Remember where masked viewers took part in what tells viewers apart."""
        if not (ids[0] == MASKED_ID).any():
            return
        events, entries = added.expand(types)
        cell = cells[events, added.dimension[entries]]
        hidden = ids[added.column[entries], events] == MASKED_ID
        hidden &= cell >= 0
        if hidden.any():
            measures = added.measure[entries[hidden]]
            self.masked.see(cell[hidden], measures, panes[events[hidden]])

    def fold_totals(self, types: npt.NDArray[np.uint8], cells: I64, values: I64, ids: I64) -> None:
        """Add events to totals of the deferred dimensions; no windows, no rings.

        As `fold`, with `cells` of shape (n, deferred dimensions).
        """
        events, slots, columns = self._slots(self.plan.deferred_added, types, cells, None)
        if len(events):
            np.add.at(self.total, slots, values[columns, events])
        # Seen or not is all that is asked of viewers: one pane does for all.
        panes = np.zeros(len(types), np.int64)
        self._note_masked(self.plan.deferred_told_apart, types, panes, cells, ids)
        events, slots, columns = self._slots(self.plan.deferred_told_apart, types, cells, ids)
        if len(events):
            new = self.marks.see(slots, ids[columns, events], panes[events])
            np.add.at(self.total, new.first, 1)

    def put(self, cell: I64, measures: I64, hidden: I64) -> None:
        """Set the totals of one new cell, (1,), to what was read elsewhere, (measures,).

        `hidden`: numbers of measures of which masked viewers were a part.
        """
        some = np.flatnonzero(measures)
        self.masked.see(np.repeat(cell, len(hidden)), hidden, hidden * 0)
        self.put_totals(np.repeat(cell, len(some)), some, measures[some])
        self.dirty[cell] = True

    def put_totals(self, cells: I64, measures: I64, totals: I64) -> I64:
        """Make slots of cells, which have none for these measures, with totals; gives them."""
        places = self.slots.column[self.cell_dimension[cells], measures]
        self._new_slots(cells, places, measures)
        slots = self.slots.find(cells, places)
        self.total[slots] = totals
        return slots

    def _slots(
        self,
        added: Contributions,
        types: npt.NDArray[np.uint8],
        cells: I64,
        ids: I64 | None,
    ) -> tuple[I64, I64, I64]:
        """(event place, slot, column) of every addition; marks the cells dirty."""
        events, entries = added.expand(types)
        cell = cells[events, added.dimension[entries]]
        columns = added.column[entries]
        good = cell >= 0
        if ids is not None:
            good &= ids[columns, events] >= 0
        if not good.all():
            events, entries, cell, columns = events[good], entries[good], cell[good], columns[good]
        places = added.place[entries]
        slots = self.slots.find(cell, places)
        missing = slots < 0
        if missing.any():
            self._new_slots(cell[missing], places[missing], added.measure[entries[missing]])
            slots = self.slots.find(cell, places)
        self.dirty[cell] = True
        return events, slots, columns

    def _new_slots(self, cell: I64, place: I64, measure: I64) -> None:
        """Slots for measures of cells, which stand at these places of their dimensions."""
        _, one = np.unique(cell * len(self.plan.measures) + measure, return_index=True)
        cell, place, measure = cell[one], place[one], measure[one]
        again, self._free_slots = self._free_slots[: len(one)], self._free_slots[len(one) :]
        first, self.slot_count = self.slot_count, self.slot_count + len(one) - len(again)
        slots = np.concatenate((again, np.arange(first, self.slot_count)))
        self.slots.put(cell, place, slots)
        self.total = grown(self.total, self.slot_count)
        self.slot_cell = grown(self.slot_cell, self.slot_count)
        self.slot_measure = grown(self.slot_measure, self.slot_count)
        if self.slot_count > len(self.ring):
            had = len(self.ring)
            self.ring = grown(self.ring, self.slot_count)
            self.ring[had:] = _NONE
        self.slot_cell[slots] = cell
        self.slot_measure[slots] = measure

    def _rings(self, slots: I64, distinct: bool) -> I64:
        """Ring rows of slots, taken from the pool where a slot has none."""
        rows = self.ring[slots].astype(np.int64)
        if (rows < 0).any():
            bare = np.unique(slots[rows < 0])
            free = self._free_distinct if distinct else self._free_sums
            reused = [free.pop() for _ in range(min(len(free), len(bare)))]
            start = self._distinct_rows if distinct else self._sum_rows
            end = start + len(bare) - len(reused)
            if distinct:
                self._distinct_rows = end
                self.distinct.grow(end)
            else:
                self._sum_rows = end
                self.sums.grow(end)
            self.ring[bare] = [*reused, *range(start, end)]
            rows = self.ring[slots].astype(np.int64)
        return rows

    def read(self, cells: I64, panes: int, end: int) -> I64:
        """Measures of cells in a window, shape (len(cells), measures); gauges are 0.

        Args:
            cells: cell numbers, (k,).
            panes: the window's length in panes, 0 for the session's total.
            end: pane after its last; from the horizon to the horizon + 51. Unused for 0.
        """
        out = np.zeros((len(cells), len(self.plan.measures)), np.int64)
        dimensions = self.cell_dimension[cells]
        for dimension in np.unique(dimensions).tolist():
            mine = np.flatnonzero(dimensions == dimension)
            measures = self.slots.columns[dimension]
            found = self._read(cells[mine], dimension, panes, end)
            if len(mine) == len(cells):
                out[:, measures] = found
            else:
                out[mine[:, None], measures] = found
        return out

    def _read(self, cells: I64, dimension: int, panes: int, end: int) -> I64:
        """As `read`, of cells of one dimension and its measures alone."""
        slots = self.slots.all_of(cells, dimension)
        there = slots >= 0
        out = np.zeros(slots.shape, np.int64)
        if panes == 0:
            out[there] = self.total[slots[there]]
            return out
        rows = np.full(slots.shape, _NONE, np.int64)
        rows[there] = self.ring[slots[there]]
        is_distinct = self.plan.is_distinct[self.slots.columns[dimension]]
        by_sum = (rows >= 0) & ~is_distinct
        by_mark = (rows >= 0) & is_distinct
        out[by_sum] = self.sums.window(rows[by_sum], end, panes)
        out[by_mark] = self.distinct.window(rows[by_mark], end, panes, self.horizon)
        return out

    def slots_of(self, cells: I64, measure: int) -> I64:
        """Slots of cells for one measure, -1 where there is none."""
        return self.slots.of_one(cells, self.cell_dimension[cells], measure)

    def read_one(self, cells: I64, measure: int, panes: int, end: int) -> I64:
        """One measure of cells in a window, shape as `cells`; as `read`."""
        slots = self.slots_of(cells, measure)
        there = slots >= 0
        out = np.zeros(len(cells), np.int64)
        if panes == 0 or not there.any():
            out[there] = self.total[slots[there]]
            return out
        rows = self.ring[slots].astype(np.int64)
        live = there & (rows >= 0)
        if self.plan.is_distinct[measure]:
            out[live] = self.distinct.window(rows[live], end, panes, self.horizon)
        else:
            out[live] = self.sums.window(rows[live], end, panes)
        return out

    def advance(self, horizon: int) -> None:
        """Move the horizon; nothing happens if it would go back."""
        if horizon > self.horizon:
            self.sums.forget(self.horizon, horizon)
            self.distinct.forget(self.horizon, horizon)
            self.horizon = horizon

    def release_idle(self) -> None:
        """Give the rings of slots without anything in the last ten minutes back to the pool."""
        live = np.flatnonzero(self.ring[: self.slot_count] >= 0)
        rows = self.ring[live].astype(np.int64)
        is_distinct = self.plan.is_distinct[self.slot_measure[live]]
        idle = np.zeros(len(live), np.bool_)
        idle[is_distinct] = self.distinct.idle()[rows[is_distinct]]
        idle[~is_distinct] = self.sums.idle()[rows[~is_distinct]]
        self.ring[live[idle]] = _NONE
        self._free_distinct += rows[idle & is_distinct].tolist()
        self._free_sums += rows[idle & ~is_distinct].tolist()

    def rebuild_pools(self) -> None:
        """After the arrays were put in from outside: find slots and free rows again."""
        cells, slots = self.cells.count, self.slot_count
        dimensions = self.cell_dimension[:cells]
        self.slots.reset(dimensions, self.slot_cell[:slots], self.slot_measure[:slots])
        self._find_free()
        self.corrected = grown(self.corrected, cells)
        used = self.ring[: self.slot_count]
        is_distinct = self.plan.is_distinct[self.slot_measure[: self.slot_count]]
        self._sum_rows, self._distinct_rows = len(self.sums.rings), len(self.distinct.rings)
        taken = set(used[~is_distinct & (used >= 0)].tolist())
        self._free_sums = [row for row in range(self._sum_rows) if row not in taken]
        taken = set(used[is_distinct & (used >= 0)].tolist())
        self._free_distinct = [row for row in range(self._distinct_rows) if row not in taken]


def pack_ids(index: HashIndex, keys: U64, there: Bool) -> I64:
    """Dense numbers of 64-bit ids, -1 where `there` is false."""
    out = np.full(len(keys), _NONE, np.int64)
    out[there] = index.find_or_add(keys[there])
    return out
