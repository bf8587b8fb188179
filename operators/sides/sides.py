"""The sides of a shard: fed by rare events one by one, read as gauges of rooms."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from operators.columns import Columns
from operators.hashindex import I64, Bool
from operators.nulls import NOT_REPORTED, UNKNOWN_COST
from operators.placed import Placed
from operators.plan import ID_COLUMNS
from operators.sessions import Place, Sessions
from operators.sides.costs import Costs
from operators.sides.history import History
from operators.sides.repeat import RepeatBuyers
from operators.sides.reported import LARGEST, LAST, Reported
from stream.events import EVENT_TYPES, Event

_ORDER: Final = ID_COLUMNS.index("order")
_REPORTED: Final = {f"{metric}_reported": metric for metric in (LAST, *LARGEST)}
_TARGETS: Final = ("target_minor", "target_due_minor")
GAUGES: Final = (*_REPORTED, *_TARGETS, "cogs_minor", "repeat_buyers")
"""Gauge measures that are read here; all but `online_reported` for sessions only."""
_TAKEN: Final = np.array(
    [
        e.name in {"room_stats", "target", "catalog", "order_paid", "refund_succeeded"}
        for e in EVENT_TYPES
    ]
)
GMV, MINUTES = "gmv_paid", "session_minutes"
"""Target metrics that count here: what a session is to sell, and its planned length."""


class Sides:
    """Everything of `operators.sides` of one shard."""

    def __init__(self) -> None:
        self.reported = Reported()
        self.targets: History[tuple[str, str, str, str]] = History()
        self.costs = Costs()
        self.repeat = RepeatBuyers()

    def take(
        self,
        columns: Columns,
        placed: Placed,
        products: list[str | None],
        named: Bool,
        places: list[Place],
        of: Sessions,
    ) -> set[int]:
        """Take the rare events of a stretch in log order.

        Args:
            columns: the stretch.
            placed: where its events are, and the numbers of their orders.
            products: product of each of `columns.objects`; of what follows an order, the order's.
            named: whether its viewer can be told apart.
            places: where each of `columns.objects` is, in their order.
            of: the shard's sessions.

        Returns:
            Finished sessions whose figures these events change although they are not of them.
        """
        if not _TAKEN[columns.type].any():
            return set()
        changed: set[int] = set()
        paid: list[int] = []
        rare = zip(columns.objects.items(), products, places, strict=True)
        for (at, event), product, where in rare:
            session = int(placed.sessions[at])
            if event.type == "catalog":
                changed |= self._catalog(event, where, of)
            elif event.type == "target":
                self._target(event, where)
            elif session >= 0 and event.type == "room_stats":
                metric, value = event.metric or "", event.value or 0
                self.reported.see(session, metric, event.event_time_ms, value, of.sealed)
            elif session >= 0 and event.type in ("order_paid", "refund_succeeded"):
                self._trade(event, session, product, of.place(session))
                if of.sealed[session]:
                    self.costs.rest([session])
                if event.type == "order_paid" and named[at]:
                    paid.append(at)
        if paid:
            buyers = columns.user[paid].tolist()
            orders = placed.ids[_ORDER, paid]
            self.repeat.paid(placed.sessions[paid].tolist(), buyers, orders)
        return changed

    def _catalog(self, event: Event, where: Place, of: Sessions) -> set[int]:
        if event.role != "product" or event.unit_cost_minor is None:
            return set()
        key = (where.tenant, where.group, event.target_id or "")
        self.costs.say(key, event.event_time_ms, event.unit_cost_minor)
        sold = self.costs.with_product(key)
        return {session for session in sold if of.done[session] and not of.sealed[session]}

    def _target(self, event: Event, where: Place) -> None:
        if event.room_id is not None and event.metric in (GMV, MINUTES):
            key = (where.tenant, where.group, where.room_id, event.metric)
            self.targets.say(key, event.event_time_ms, event.value or 0)

    def _trade(self, event: Event, session: int, product: str | None, where: Place) -> None:
        key = None if product is None else (where.tenant, where.group, product)
        if event.type == "order_paid":
            self.costs.sold(session, key, 1 if event.qty is None else event.qty)
        elif event.qty:
            self.costs.sold(session, key, -event.qty)

    def online(self, sessions: I64, start: int, end: int) -> I64:
        """`online_reported` of sessions in panes `[start, end)`."""
        return self.reported.of_window(sessions, start, end)

    def of_sessions(self, name: str, sessions: I64, as_of_ms: int, of: Sessions) -> I64:
        """A gauge of whole sessions, to their end or `as_of_ms`."""
        if name in _REPORTED:
            return self.reported.of_session(_REPORTED[name], sessions)
        end_ms = of.end_ms[sessions]
        until = np.where(end_ms > 0, end_ms, as_of_ms).tolist()
        pairs = zip(sessions.tolist(), until, strict=True)
        return np.array([self._of_session(name, s, end, of) for s, end in pairs], np.int64)

    def _of_session(self, name: str, session: int, end_ms: int, of: Sessions) -> int:
        if name == "repeat_buyers":
            return self.repeat.count.get(session, 0)
        if name == "cogs_minor":
            cost = self.costs.of_session(session, end_ms)
            return UNKNOWN_COST if cost is None else cost
        where = of.place(session)
        room = (where.tenant, where.group, where.room_id)
        target = self.targets.before((*room, GMV), end_ms)
        if name == "target_minor" or target is None:
            return NOT_REPORTED if target is None else target
        minutes = self.targets.before((*room, MINUTES), end_ms)
        if not minutes or minutes < 0:
            return NOT_REPORTED
        planned_ms = minutes * 60_000
        elapsed_ms = min(max(end_ms - int(of.start_ms[session]), 0), planned_ms)
        return target * elapsed_ms // planned_ms

    def snapshot(self) -> dict[str, object]:
        """Plain values and arrays."""
        return {
            "reported": {name: getattr(self.reported, name) for name in Reported.ARRAYS},
            "targets": self.targets.said,
            "unit_cost": self.costs.unit_cost.said,
            "products": self.costs.products,
            "units": self.costs.units,
            "units_resting": self.costs.resting,
            "buyers": self.repeat.snapshot(),
            "repeat": self.repeat.count,
        }

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot; what it does not have starts empty."""
        reported = data.get("reported")
        if isinstance(reported, dict):
            for name in Reported.ARRAYS:
                setattr(self.reported, name, reported[name])
        for owner, field, name in (
            (self.targets, "said", "targets"),
            (self.costs.unit_cost, "said", "unit_cost"),
            (self.costs, "units", "units"),
            (self.costs, "resting", "units_resting"),
            (self.repeat, "count", "repeat"),
        ):
            found = data.get(name)
            if isinstance(found, dict):
                setattr(owner, field, found)
        products = data.get("products")
        if isinstance(products, list):
            self.costs.products = products
        self.costs.restored()
        buyers = data.get("buyers")
        if isinstance(buyers, dict):
            self.repeat.restore(buyers)
