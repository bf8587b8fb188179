"""Events that wait until it is known which intervals they fall into, and their fold.

An accepted event of a session waits until the horizon has passed its time. By then every start
and end before it is known (`operators.intervals`), so it is added once, to totals of the session
alone, and nothing is ever taken back. A refund or a cancellation belongs where the payment of
its line does, else of its order, else where it is itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.catalogue.axes import DIMENSION_NUMBER, PANE_MS
from operators.columns import Columns
from operators.cube import Cube
from operators.hashindex import I32, I64, Bool
from operators.interval_index import Intervals, Lookup
from operators.intervals import KIND_OF_TYPE, PHASE_MS
from operators.ledger import FOLLOW_TYPES, Ledger
from operators.placed import Placed
from operators.plan import ID_COLUMNS, VALUE_COLUMNS, Plan
from operators.profiles import U8
from operators.sessions import Sessions
from stream.events import TYPE_CODE

_PAID: Final = TYPE_CODE["order_paid"]
_FOLLOWS: Final = np.array([name in FOLLOW_TYPES for name in TYPE_CODE])
_IS_MARK: Final = np.array([name in KIND_OF_TYPE for name in TYPE_CODE])
_USUAL: Final = np.array([int(name in ("one", "qty")) for name in VALUE_COLUMNS], np.int64)
"""The values of most events: only others are kept."""
USER_COLUMNS: Final = np.array([name.endswith("user") for name in ID_COLUMNS])
_BEFORE_PANES: Final = PHASE_MS // PANE_MS
ARRAYS: Final = ("type", "time_ms", "session", "product", "user", "odd_values", "odd_ids", "orders")


@dataclass(slots=True)
class Waiting:
    """Some events, compactly.

    `type`, `time_ms`, `session`, `product`, `user` have shape (n,). `odd_values` and `odd_ids`
    are (k, 3): column, place, value, of what is not usual. `orders` is (k, 3): place, and rows
    of the ledger for line and order, of events that follow an order.
    """

    type: U8
    time_ms: I64
    session: I32
    product: I32
    user: I32
    odd_values: I64
    odd_ids: I64
    orders: I64

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Waiting | None":
        """From arrays by name, as a snapshot has them; None if one is missing."""
        if any(name not in arrays for name in ARRAYS):
            return None
        found = [arrays[name] for name in ARRAYS]
        dense, rows = found[:5], found[5:]
        return cls(
            dense[0].astype(np.uint8),
            dense[1].astype(np.int64),
            dense[2].astype(np.int32),
            dense[3].astype(np.int32),
            dense[4].astype(np.int32),
            rows[0].astype(np.int64),
            rows[1].astype(np.int64),
            rows[2].astype(np.int64),
        )

    def take(self, places: I64) -> "Waiting":
        """The events at `places`, ascending, as events of their own."""
        new = np.full(len(self.type), -1, np.int64)
        new[places] = np.arange(len(places))
        parts = {name: getattr(self, name)[places] for name in ARRAYS[:5]}
        for name, column in (("odd_values", 1), ("odd_ids", 1), ("orders", 0)):
            rows = getattr(self, name)
            kept = rows[new[rows[:, column]] >= 0].copy()
            kept[:, column] = new[kept[:, column]]
            parts[name] = kept
        return Waiting(**parts)


def joined(parts: list[Waiting]) -> Waiting:
    """Several as one, in order."""
    starts = np.cumsum([0, *(len(part.type) for part in parts[:-1])])
    out = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ARRAYS[:5]}
    for name, column in (("odd_values", 1), ("odd_ids", 1), ("orders", 0)):
        moved = []
        for part, start in zip(parts, starts.tolist(), strict=True):
            rows = getattr(part, name).copy()
            rows[:, column] += start
            moved.append(rows)
        out[name] = np.concatenate(moved)
    return Waiting(**out)


class Deferred:
    """The events of one shard that wait.

    Attributes:
        parts: what waits, in the order of acceptance.
        before: (pane, session, key) of campaigns whose time before has not been read yet.
    """

    def __init__(
        self,
        plan: Plan,
        cube: Cube,
        sessions: Sessions,
        intervals: Intervals,
        ledger: Ledger,
    ) -> None:
        self._plan, self._cube, self._sessions, self._ledger = plan, cube, sessions, ledger
        self._intervals = intervals
        self.parts: list[Waiting] = []
        self.before: set[tuple[int, int, str]] = set()
        self._counted = (plan.deferred_added.count + plan.deferred_told_apart.count) > 0

    def add(self, columns: Columns, placed: Placed) -> None:
        """Take accepted events with where they are placed."""
        if not self._plan.deferred:
            return
        self._observe(columns, placed)
        orders = self._orders(columns, placed)
        places = np.flatnonzero(self._counted[columns.type] & (placed.sessions >= 0))
        if len(places):
            values, ids = placed.values, placed.ids
            whole = Waiting(
                columns.type,
                columns.time_ms,
                placed.sessions.astype(np.int32),
                placed.product,
                ids[0].astype(np.int32),
                _odd(values, np.broadcast_to(_USUAL[:, None], values.shape)),
                _odd(ids, np.where(np.arange(len(ids))[:, None] == 0, ids, -1)),
                orders,
            )
            self.parts.append(whole.take(places))

    def _observe(self, columns: Columns, placed: Placed) -> None:
        for place in np.flatnonzero(_IS_MARK[columns.type] & (placed.sessions >= 0)).tolist():
            session, event = int(placed.sessions[place]), columns.objects[place]
            if self._intervals.observe(session, event):
                key = f"{event.campaign_id}@{event.event_time_ms}/before"
                self.before.add((event.event_time_ms // PANE_MS, session, key))

    def _orders(self, columns: Columns, placed: Placed) -> I64:
        """Notes payments; gives `Waiting.orders`."""
        place, *rows = placed.orders
        paid = (columns.type[place] == _PAID) & (placed.sessions[place] >= 0)
        if paid.any():
            for row in rows:
                self._ledger.pay(row[paid], columns.time_ms[place[paid]])
        return np.asarray(placed.orders.T[_FOLLOWS[columns.type[place]]])

    def run(self, horizon_ms: int) -> I64:
        """Fold what happened before the horizon; gives the sessions it changed."""
        due = self._due(horizon_ms)
        if due is None:
            return np.zeros(0, np.int64)
        sessions = np.unique(due.session).tolist()
        known = [session for session in sessions if session in self._intervals]
        if not known:
            return np.zeros(0, np.int64)
        due = due.take(np.flatnonzero(np.isin(due.session, known)))
        lookup = self._intervals.lookup(known)
        values, ids = _whole(due)
        changed = np.zeros(len(due.type), np.bool_)
        for cells in self._cells(due, self._times(due), lookup):
            self._cube.fold_totals(due.type, cells, values, ids)
            changed |= (cells >= 0).any(axis=1)
        return np.unique(due.session[changed].astype(np.int64))

    def _due(self, horizon_ms: int) -> Waiting | None:
        """Take what happened before the horizon."""
        due, rest = [], []
        for part in self.parts:
            passed = part.time_ms < horizon_ms
            if passed.all():
                due.append(part)
            elif passed.any():
                due.append(part.take(np.flatnonzero(passed)))
                rest.append(part.take(np.flatnonzero(~passed)))
            else:
                rest.append(part)
        self.parts = rest
        return joined(due) if due else None

    def _times(self, due: Waiting) -> I64:
        """When each event counts: one that follows an order, when that was paid."""
        times = due.time_ms.copy()
        place, line, order = due.orders.T
        own = times[place]
        first, whole = self._ledger.paid(line), self._ledger.paid(order)
        times[place] = np.where(first <= own, first, np.where(whole <= own, whole, own))
        return times

    def _cells(self, due: Waiting, times: I64, lookup: Lookup) -> list[I64]:
        """Cells of the events by deferred dimension; several, as campaigns run side by side."""
        sessions = due.session.astype(np.int64)
        nothing = np.full(len(sessions), -1, np.int64)
        first = np.full((len(sessions), len(self._plan.deferred)), -1, np.int64)
        out = [first]
        for place, dimension in enumerate(self._plan.deferred):
            if dimension.name == "campaign_phase":
                for lane in range(lookup.campaigns):
                    cells = first if lane == 0 else np.full_like(first, -1)
                    cells[:, place] = self._found(
                        lookup, place, sessions, nothing + 1 + lane, times
                    )
                    out += [cells] if lane else []
                continue
            by_product = dimension.name == "explanation"
            lanes = due.product.astype(np.int64) if by_product else nothing
            first[:, place] = self._found(lookup, place, sessions, lanes, times)
        return out

    def _found(self, lookup: Lookup, place: int, sessions: I64, lanes: I64, times: I64) -> I64:
        """Cells of one deferred dimension, -1 for none."""
        dimension = self._plan.deferred[place]
        keys = lookup.find(sessions, DIMENSION_NUMBER[dimension.name], lanes, times)
        number = len(self._plan.at_once) + place
        return self._cube.cell(np.where(keys >= 0, sessions, -1), number, keys)

    def read_before(self, horizon_pane: int | None) -> None:
        """Read what the horizon is about to pass (None: all): the ten minutes before a campaign.

        They are the room's `r10` to the last full pane before the start, kept as totals of a
        cell of their own. The horizon moves along.
        """
        due = sorted(one for one in self.before if horizon_pane is None or one[0] <= horizon_pane)
        self.before.difference_update(due)
        names = [dimension.name for dimension in self._plan.dimensions]
        if "campaign_phase" not in names:
            return
        number = names.index("campaign_phase")
        for pane, session, key in due:
            if horizon_pane is not None:
                self._cube.advance(pane)
            at = np.array([session], np.int64)
            room = self._cube.cell(at, 0, np.array([-1], np.int64))
            measures = self._cube.read(room, _BEFORE_PANES, pane)[0]
            measures[~self._plan.measures_of("campaign_phase")] = 0
            viewers = np.flatnonzero(self._plan.of_viewers)
            masked = self._cube.masked.between(room, viewers, pane - _BEFORE_PANES, pane)
            if measures.any():
                code = np.array([self._intervals.code(session, key)], np.int64)
                self._cube.put(self._cube.cell(at, number, code), measures, viewers[masked[0]])

    def users(self) -> I64:
        """Numbers of the viewers that wait, for `operators.compact`."""
        parts = [part.user[part.user >= 0].astype(np.int64) for part in self.parts]
        parts += [part.odd_ids[USER_COLUMNS[part.odd_ids[:, 0]], 2] for part in self.parts]
        found = np.concatenate([np.zeros(0, np.int64), *parts])
        return found[found >= 0]

    def renumber_viewers(self, numbers: I64) -> None:
        """Viewers got other numbers: `numbers[old]` is the new."""
        for part in self.parts:
            there = part.user >= 0
            part.user[there] = numbers[part.user[there]]
            mine = USER_COLUMNS[part.odd_ids[:, 0]] & (part.odd_ids[:, 2] >= 0)
            part.odd_ids[mine, 2] = numbers[part.odd_ids[mine, 2]]


def _odd(matrix: I64, usual: I64) -> I64:
    """(column, place, value) where a matrix is not as usual."""
    differs: Bool = np.asarray(matrix != usual)
    columns, places = np.nonzero(differs)
    return np.column_stack((columns, places, matrix[columns, places]))


def _whole(due: Waiting) -> tuple[I64, I64]:
    """The matrices of values and ids again."""
    n = len(due.type)
    values = np.repeat(_USUAL[:, None], n, axis=1)
    values[due.odd_values[:, 0], due.odd_values[:, 1]] = due.odd_values[:, 2]
    ids = np.full((len(ID_COLUMNS), n), -1, np.int64)
    ids[0] = due.user
    ids[due.odd_ids[:, 0], due.odd_ids[:, 1]] = due.odd_ids[:, 2]
    return values, ids
