"""The cube: every figure's measures by cell, folded from columns. The one hot loop.

* A **cell** is (session, dimension, key): the room of a session, one of its products, …
* A **slot** is (cell, measure), made when first touched: a total for the session and, while it
  is live, a row in a pool of rings for the windows.

`fold` takes columns and adds; `read` gives a matrix of measures for cells and a window. Nothing
here knows names, money or time zones. All additions are order-free, so that a fold of any
permutation of the events, in any batches, is the same cube.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.catalogue.axes import ROLLING_PANES
from operators.hashindex import I32, I64, U64, Bool, HashIndex
from operators.marks import Marks
from operators.masked import MASKED_ID, Masked
from operators.plan import Contributions, Plan
from operators.profiles import MAX_DIMENSIONS
from operators.rings import DistinctRings, SumRings, grown
from operators.slots import Slots

_NONE: Final = -1
_DIMENSION_SHIFT: Final = np.uint64(32)
_SESSION_SHIFT: Final = np.uint64(36)
_FOLLOWING: Final = frozenset(("refund_succeeded", "order_cancelled"))
"""Types that come for a sealed session, too."""
_NUMBERS: Final = np.arange(MAX_DIMENSIONS, dtype=np.int32)
"""Numbers a dimension can have."""


class Cube:
    """Cells of one shard.

    Attributes:
        horizon: first pane that can still change (see `operators.rings`).
        cell_session, cell_dimension, cell_key: shape (cells,); what a cell is.
        dirty: cells changed since the caller last cleared the flag.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.horizon = 0
        self.cells = HashIndex()
        self.cell_session: I32 = np.zeros(0, np.int32)
        self.cell_dimension: I32 = np.zeros(0, np.int32)
        self.cell_key: I32 = np.zeros(0, np.int32)
        self.dirty: Bool = np.zeros(0, np.bool_)
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
                (np.uint64(dimension) << _DIMENSION_SHIFT) | (keys[there] + 1).astype(np.uint64)
            )
            rows = self.cells.find(packed)
            new = np.unique(packed[rows < 0])
            if len(new):
                known = self.cells.count
                self.cells.extend(new)
                self._new_cells(known)
                rows = self.cells.find(packed)
            cells[there] = rows
        return cells

    def touch_all(self) -> None:
        """Mark the cells dirty that ever were: with a figure of their own, or a whole room's."""
        count = self.cells.count
        cells = self.slot_cell[: self.slot_count]
        self.dirty = self.cell_key[:count] < 0
        self.dirty[cells[cells >= 0]] = True

    def touch(self, sessions: I64) -> None:
        """Mark all cells of these sessions dirty that have a figure of their own."""
        wanted = np.zeros(int(self.cell_session[: self.cells.count].max(initial=-1)) + 1, np.bool_)
        wanted[sessions[sessions < len(wanted)]] = True
        cells = self.slot_cell[: self.slot_count]
        self.dirty[cells[wanted[self.cell_session[cells]]]] = True

    def _new_cells(self, known: int) -> None:
        count = self.cells.count
        keys = self.cells.keys()[known:]
        self.cell_session = grown(self.cell_session, count)
        self.cell_dimension = grown(self.cell_dimension, count)
        self.cell_key = grown(self.cell_key, count)
        self.dirty = grown(self.dirty, count)
        self.cell_session[known:count] = (keys >> _SESSION_SHIFT).astype(np.int32)
        self.cell_dimension[known:count] = (keys >> _DIMENSION_SHIFT).astype(np.int64) & 15
        self.cell_key[known:count] = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64) - 1
        self.slots.add(self.cell_dimension[known:count])

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
        cells = np.repeat(cell, len(some))
        places = self.slots.column[self.cell_dimension[cells], some]
        self._new_slots(cells, places, some)
        self.total[self.slots.find(cells, places)] = measures[some]
        self.dirty[cell] = True

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
        first, self.slot_count = self.slot_count, self.slot_count + len(one)
        self.slots.put(cell, place, np.arange(first, self.slot_count))
        self.total = grown(self.total, self.slot_count)
        self.slot_cell = grown(self.slot_cell, self.slot_count)
        self.slot_measure = grown(self.slot_measure, self.slot_count)
        if self.slot_count > len(self.ring):
            had = len(self.ring)
            self.ring = grown(self.ring, self.slot_count)
            self.ring[had:] = _NONE
        self.slot_cell[first : self.slot_count] = cell
        self.slot_measure[first : self.slot_count] = measure

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
        used = self.ring[: self.slot_count]
        is_distinct = self.plan.is_distinct[self.slot_measure[: self.slot_count]]
        self._sum_rows, self._distinct_rows = len(self.sums.rings), len(self.distinct.rings)
        taken = set(used[~is_distinct & (used >= 0)].tolist())
        self._free_sums = [row for row in range(self._sum_rows) if row not in taken]
        taken = set(used[is_distinct & (used >= 0)].tolist())
        self._free_distinct = [row for row in range(self._distinct_rows) if row not in taken]

    def renumber_dimensions(self, names: Sequence[str]) -> None:
        """The cells are of the dimensions `names`, not the plan's: give them the plan's numbers.

        A dimension the plan has not gets a number that no view reads.
        """
        places = {dimension.name: place for place, dimension in enumerate(self.plan.dimensions)}
        gone = len(_NUMBERS) - len(names)
        numbers = _NUMBERS.copy()
        numbers[: len(names)] = [places.get(name, gone + i) for i, name in enumerate(names)]
        self.cell_dimension = numbers[self.cell_dimension]
        rest = self.cells.keys() & ~(np.uint64(len(_NUMBERS) - 1) << _DIMENSION_SHIFT)
        count = self.cells.count
        self.cells.reset(rest | (self.cell_dimension[:count].astype(np.uint64) << _DIMENSION_SHIFT))

    def drop_marks(self, sessions: Bool, endless: Bool) -> None:
        """Forget who was seen in sealed sessions, indexed by session; their totals stay.

        Refunds and cancels come for weeks: who had one is kept, so that a second does not count
        again; in which pane, as long as a window holds it. Of sessions that are `endless`, only
        windows are read: who is in none any more is forgotten.
        """
        refunds = np.array(
            [not _FOLLOWING.isdisjoint(m.types) for m in self.plan.measures], np.bool_
        )
        measure = self.slot_measure[: self.slot_count]
        session = self.cell_session[self.slot_cell[: self.slot_count]]
        sealed = sessions[session]
        follows = refunds[measure]
        # A window may hold who was seen in it; later only that it was so counts.
        oldest = self.horizon - max(ROLLING_PANES)
        self.marks.let_go(sealed & ~follows, endless[session], sealed & follows, oldest)


def pack_ids(index: HashIndex, keys: U64, there: Bool) -> I64:
    """Dense numbers of 64-bit ids, -1 where `there` is false."""
    out = np.full(len(keys), _NONE, np.int64)
    out[there] = index.find_or_add(keys[there])
    return out
