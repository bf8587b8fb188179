"""One stretch of the log into the state: judge, deduplicate, place, add.

Everything is judged at the event's own position in the log, by the last tick before it, so
that the size of a batch cannot matter.
"""

from collections.abc import Callable
from itertools import compress
from typing import Final

import numpy as np

from operators.catalogue.axes import PANE_MS
from operators.columns import IS_CONTROL, Columns, take
from operators.cube import pack_ids
from operators.filters import fill_filtered
from operators.groups import observed_types
from operators.hashindex import I32, I64, Bool, first_of_each
from operators.held import Held
from operators.ledger import ORDER_TYPES
from operators.masked import MASKED_ID
from operators.options import State
from operators.orders import place_orders
from operators.placed import Placed
from operators.plan import ID_COLUMNS, ROOM_DIMENSION, VALUE_COLUMNS
from operators.profiles import TRAITS
from operators.sessions import HELD, NO_SESSION, Place
from operators.tags import COUNTS, STEP, TAGS
from operators.talk.talk import Talk
from stream.events import EVENT_TYPES, TYPE_CODE, Event

Reject = Callable[[int, str], None]
"""Called with the place of an event in the stretch and the reason it is dead-lettered."""

_IS_ORDER: Final = np.array([e.name in ORDER_TYPES for e in EVENT_TYPES])
_LEAVE: Final = TYPE_CODE["leave"]
_ENTER: Final = TYPE_CODE["enter"]
_PRESENCE: Final = np.array(
    [
        e.name
        in {
            *("enter", "leave", "heartbeat", "comment", "like", "gift", "follow", "share"),
            *("fans_join", "product_exposure", "product_click", "add_to_cart"),
        }
        for e in EVENT_TYPES
    ]
)
_ACTIVE: Final = np.array(
    [
        e.name
        in {
            *("comment", "like", "gift", "follow", "share", "fans_join", "product_click"),
            *("add_to_cart", "leave"),
        }
        for e in EVENT_TYPES
    ]
)
"""Acts, each of them a presence too, and what ends being there."""
_DAY_MS: Final = 86_400_000
_GENERATION_MS: Final = 180_000
"""A dedupe generation: longer than skew + lateness + out-of-orderness (122 s), so that a copy
of an event finds it in this generation or the one before, or is too late anyway."""


class Fold:
    """Folds stretches; what later steps need is left in `late`, `objects` and `held`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.held = Held()
        self.talk = Talk(state)
        self.late: set[tuple[int, int]] = set()
        """(cell, pane) changed by events behind the watermark since the last beat."""
        self.late_sessions: set[int] = set()
        """Finished sessions changed since the last beat."""
        self.objects: list[tuple[Event, Place, int]] = []
        """Accepted events of the rare types since the caller last took them, in log order, each
        with its place and the last tick before it."""
        self._trait_place = {
            name: TRAITS.index(column)
            for name, column in (
                (d.name, d.column) for d in state.plan.dimensions if d.column in TRAITS
            )
        }
        names = [dimension.name for dimension in state.plan.dimensions]
        self._place_of = {name: place for place, name in enumerate(names)}
        numbers = state.plan.number
        observed = observed_types(state.options.leave_out)
        self._observed = np.array([e.name in observed for e in EVENT_TYPES])
        self._has_gauges = bool(state.plan.is_gauge.any())
        self._tagged = [numbers[name] for name in TAGS if name in numbers]
        self._scratch: I32 = np.zeros(0, np.int32)

    def stretch(self, columns: Columns, ticks: I64, reject: Reject) -> None:
        """Fold events in log order.

        Args:
            columns: usable events; tick events among them are passed over.
            ticks: the last tick before each event, ms; below 0 where there was none.
            reject: told of each event that is dead-lettered.
        """
        state = self._state
        place = np.flatnonzero(self._judge(columns, ticks, reject))
        kept, kept_ticks = take(columns, place), ticks[place]
        fresh = self._fresh(kept, place, reject)
        if not fresh.all():
            which = np.flatnonzero(fresh)
            kept, kept_ticks = take(kept, which), kept_ticks[which]
        state.count("accepted", kept.n)
        if kept.n:
            rooms = self._rooms(kept)
            sessions = state.sessions.assign(kept, rooms, kept_ticks)
            self._place(kept, kept_ticks, rooms, sessions)

    def release(self, watermark_ms: int, tick_ms: int) -> None:
        """Fold held events whose time the watermark has passed, in order of event time."""
        due = self.held.due(watermark_ms)
        if not due:
            return
        state = self._state
        columns = self.held.columns(due, state.reader)
        rooms = self._rooms(columns)
        walk = range(columns.n)
        sessions = np.array(
            [state.sessions.release(columns, p, int(rooms[p]), tick_ms) for p in walk], np.int64
        )
        ticks = np.full(columns.n, tick_ms, np.int64)
        # A room restarted by an earlier one of them is live for the rest.
        sessions = state.sessions.touch(sessions, columns, ticks)
        self._place(columns, ticks, rooms, sessions)
        # One that was resumed says its row when it ends again.
        self.late_sessions = {s for s in self.late_sessions if state.sessions.done[s]}

    def _judge(self, columns: Columns, ticks: I64, reject: Reject) -> Bool:
        """Which events count by their time."""
        options = self._state.options
        behind = ticks - options.max_out_of_orderness_ms - options.allowed_lateness_ms
        control = IS_CONTROL[columns.type]
        wrong = (columns.time_ms < behind) | (columns.time_ms > ticks + options.max_skew_ms)
        wrong |= ticks < 0
        if wrong.any():
            for place in np.flatnonzero(wrong & ~control).tolist():
                if ticks[place] < 0:
                    reject(place, "before_first_tick")
                elif columns.time_ms[place] < behind[place]:
                    reject(place, "too_late")
                else:
                    reject(place, "clock_skew")
        return np.asarray(~(wrong | control))

    def _fresh(self, columns: Columns, places: I64, reject: Reject) -> Bool:
        """Which events were not seen before, by id and, for orders, by line; counts the others."""
        state = self._state
        now, before = state.seen
        known = now.count
        rows = now.find_or_add(columns.key)
        if now.count > len(self._scratch):
            self._scratch = np.zeros(now.count * 2, np.int32)
        fresh = (rows >= known) & first_of_each(rows, self._scratch)
        if before.count:
            fresh &= before.find(columns.key) < 0
        orders = np.flatnonzero(_IS_ORDER[columns.type] & fresh)
        if len(orders):
            events = [columns.objects[place] for place in orders.tolist()]
            fresh[orders] = state.ledger.new_lines(events)
        state.count("duplicates", int(columns.n - fresh.sum()))
        return fresh

    def _rooms(self, columns: Columns) -> I32:
        """Room number of each event, -1 for none; an order event without one: its order's."""
        facts = self._state.reader.profiles
        rooms = facts.room[columns.profile]
        if (rooms == -2).any():
            for profile in np.unique(columns.profile[rooms == -2]).tolist():
                tenant, group, room = facts.places[profile]
                number = -1
                if room is not None:
                    number = self._state.sessions.room_number(Place(tenant, group, room))
                facts.room[profile] = number
            rooms = facts.room[columns.profile]
        return np.asarray(rooms)

    def _place(self, columns: Columns, ticks: I64, rooms: I32, sessions: I64) -> None:
        """Add events to the cells of their sessions, or hold them."""
        state = self._state
        if (sessions == HELD).any():
            waiting = sessions == HELD
            facts = state.reader.profiles
            for place in np.flatnonzero(waiting).tolist():
                self.held.add(columns, place, facts, state.names)
            going = np.flatnonzero(~waiting)
            columns, ticks = take(columns, going), ticks[going]
            rooms, sessions = rooms[going], sessions[going]
        if not columns.n:
            return
        facts = state.reader.profiles
        traits = facts.traits[columns.profile].copy()
        product = columns.product.copy()
        values = np.zeros((len(VALUE_COLUMNS), columns.n), np.int64)
        values[0] = 1
        values[1] = columns.qty
        ids = np.full((len(ID_COLUMNS), columns.n), -1, np.int64)
        named = columns.has_user & ~facts.masked[columns.profile]
        ids[0] = pack_ids(state.viewers, columns.user, named)
        ids[0, columns.has_user & ~named] = MASKED_ID
        band = np.full(columns.n, -1, np.int32)
        placed = Placed(sessions, product, traits, band, values, ids)
        odd = place_orders(state, columns, placed)
        self.talk.take(columns, placed)
        fill_filtered(state.names, columns, placed)
        state.deferred.add(columns, placed)
        if columns.objects:
            self._take_objects(columns, ticks, placed, named)
        cells = self._cells(columns, sessions, traits, odd)
        self._cells_by_code(cells, sessions, {"product": product, "price_band": band})
        panes = columns.time_ms // PANE_MS
        state.cube.fold(columns.type, panes, cells, values, ids)
        self._presence(columns, sessions, ids[0], cells, panes)
        self._tag(columns, sessions, ids[0], cells, panes)
        self._note_late(columns, ticks, sessions, cells, panes)

    def _take_objects(self, columns: Columns, ticks: I64, placed: Placed, named: Bool) -> None:
        """Hand on the events that are handled one by one."""
        state, facts = self._state, self._state.reader.profiles
        at = list(columns.objects)
        places = [
            Place(*(text or "" for text in facts.places[profile]))
            for profile in columns.profile[at].tolist()
        ]
        told = self._observed[columns.type[at]].tolist()
        handed = zip(columns.objects.values(), places, ticks[at].tolist(), strict=True)
        self.objects += compress(handed, told)
        products = [state.names.text(code) for code in placed.product[at].tolist()]
        self.late_sessions |= state.sides.take(
            columns, placed, products, named, places, state.sessions
        )

    def _cells(self, columns: Columns, sessions: I64, traits: I32, odd: Bool) -> I64:
        """Cell of each event by dimension, shape (n, dimensions).

        All but those of `_cells_by_code` follow from session and profile and are kept there;
        `odd` events have traits that are not their profile's.
        """
        state, facts = self._state, self._state.reader.profiles
        width = len(state.plan.at_once)
        known = (facts.cells_of[columns.profile] == sessions) & ~odd
        cells = facts.cells[columns.profile, :width]
        new = np.flatnonzero(~known)
        if len(new):
            cells[new] = self._cells_by_trait(sessions[new], traits[new])
            keep = new[~odd[new]]
            facts.cells[columns.profile[keep], :width] = cells[keep]
            facts.cells_of[columns.profile[keep]] = sessions[keep]
        return cells

    def _cells_by_code(self, cells: I64, sessions: I64, codes: dict[str, I32]) -> None:
        """Fill in the dimensions that an event has by its own code; no cell without one."""
        for name, code in codes.items():
            place = self._place_of.get(name)
            if place is not None:
                cells[:, place] = -1
                some = np.flatnonzero(code >= 0)
                cells[some, place] = self._state.cube.cell(
                    sessions[some], place, code[some].astype(np.int64)
                )

    def _cells_by_trait(self, sessions: I64, traits: I32) -> I64:
        cube = self._state.cube
        cells = np.full((len(sessions), len(self._state.plan.at_once)), -1, np.int64)
        for number, dimension in enumerate(self._state.plan.at_once):
            if dimension.name in self._trait_place:
                keys = traits[:, self._trait_place[dimension.name]].astype(np.int64)
                cells[:, number] = cube.cell(sessions, number, keys)
            elif dimension.name == "room":
                cells[:, number] = cube.cell(sessions, number, np.full(len(sessions), -1, np.int64))
            elif dimension.name == "tenant":
                there = np.flatnonzero(sessions >= 0)
                totals = self._state.sessions.totals(sessions[there])
                cells[there, number] = cube.cell(totals, number, totals * 0 - 1)
        return cells

    def _presence(
        self, columns: Columns, sessions: I64, viewers: I64, cells: I64, panes: I64
    ) -> None:
        state = self._state
        if not self._has_gauges:
            return
        state.presence.grow(state.sessions.count)
        state.active.grow(state.sessions.count)
        hidden = (viewers == MASKED_ID) & _PRESENCE[columns.type] & (sessions >= 0)
        online = state.plan.number.get("online")
        if online is not None and hidden.any():
            rooms = cells[hidden, ROOM_DIMENSION]
            state.cube.masked.see(rooms, np.full(len(rooms), online), panes[hidden])
        which = np.flatnonzero(_PRESENCE[columns.type] & (sessions >= 0) & (viewers >= 0))
        if len(which):
            state.presence.see(
                sessions[which],
                viewers[which],
                columns.time_ms[which] // 1000,
                columns.type[which] == _LEAVE,
                columns.type[which] == _ENTER,
            )
        which = which[_ACTIVE[columns.type[which]]]
        if len(which) and "active" in state.plan.number:
            state.active.see(
                sessions[which],
                viewers[which],
                columns.time_ms[which] // 1000,
                columns.type[which] == _LEAVE,
            )

    def _tag(self, columns: Columns, sessions: I64, viewers: I64, cells: I64, panes: I64) -> None:
        """Steps of viewers; where masked ones took any, all tags of the room are null."""
        if not self._tagged:
            return
        state, steps = self._state, STEP[columns.type]
        hidden = np.flatnonzero((viewers == MASKED_ID) & COUNTS[columns.type] & (sessions >= 0))
        if len(hidden):
            rooms = cells[hidden, ROOM_DIMENSION]
            state.cube.masked.see(rooms, np.full(len(rooms), self._tagged[0]), panes[hidden])
        which = np.flatnonzero((steps != 0) & (sessions >= 0) & (viewers >= 0))
        if len(which):
            state.tags.see(sessions[which], viewers[which], steps[which])

    def _note_late(
        self, columns: Columns, ticks: I64, sessions: I64, cells: I64, panes: I64
    ) -> None:
        """Remember what was already final and is not any more."""
        state = self._state
        late = columns.time_ms < ticks - state.options.max_out_of_orderness_ms
        there = sessions >= 0
        state.count("late", int((late & there).sum()))
        for place in np.flatnonzero(late & there).tolist():
            pane = int(panes[place])
            self.late.update((cell, pane) for cell in cells[place].tolist() if cell >= 0)
        if there.any() and state.sessions.done[sessions[there]].any():
            done = there & state.sessions.done[np.where(there, sessions, 0)]
            self.late_sessions.update(np.unique(sessions[done]).tolist())

    def let_go(self, cells: I64) -> None:
        """Cells get other numbers: profiles do not know them any more."""
        facts, cube = self._state.reader.profiles, self._state.cube
        facts.cells_of[np.isin(facts.cells_of, cube.cell_session[cells])] = NO_SESSION

    def turn_generation(self, tick_ms: int) -> None:
        """Forget ids older than a generation; orders and buyers older than `ledger_days`.

        By the tick, so that it depends on the log.
        """
        state = self._state
        day, days = tick_ms // _DAY_MS, state.options.ledger_days
        state.ledger.turn_day(day, days)
        # While a session goes on its buyers are kept: one forgotten would be counted again.
        began_ms = state.sessions.began_ms()
        age_days = 0 if began_ms is None else day - began_ms // _DAY_MS + 1
        state.sides.repeat.turn_day(day, max(days, age_days))
        turn = tick_ms // _GENERATION_MS
        if turn != state.seen_turn:
            from_before = state.seen[0] if turn == state.seen_turn + 1 else type(state.seen[0])()
            state.seen = [type(state.seen[0])(), from_before]
            state.seen_turn = turn
