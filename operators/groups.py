"""What a group keeps besides figures: stock, alerts, names. One reducer each, fed in log order."""

from collections.abc import Mapping
from typing import Final

from operators.columns import OBJECT_TYPES
from operators.facts import GroupFacts
from operators.results import Patch, Row
from operators.rules.book import AlertBook
from operators.rules.model import AlertChange, RuleSet
from operators.stock import STOCK_TYPES, StockLedger, StockSettings
from operators.stock.rows import StockRows
from operators.timeline import MARKED_TYPES, Timeline
from stream import parts
from stream.events import Event

RESTLESS_TYPES: Final = STOCK_TYPES | {"violation"}
"""Types after which a group may have something to tell before the next beat."""
_NAMING_TYPES: Final = frozenset({"catalog", "room_status"})


def observed_types(leave_out: frozenset[str]) -> frozenset[str]:
    """The rare types that groups without some of `stream.parts.PARTS` have to be told of."""
    if leave_out >= {parts.STOCK, parts.ALERTS}:
        return MARKED_TYPES | _NAMING_TYPES
    return OBJECT_TYPES


class Group:
    """Stock, alerts and names of one (tenant, group)."""

    def __init__(
        self,
        tenant: str,
        group: str,
        rules: RuleSet,
        stock: StockSettings | None = None,
        leave_out: frozenset[str] = frozenset(),
    ) -> None:
        self.tenant = tenant
        self.group = group
        self._has_stock = parts.STOCK not in leave_out
        self._has_alerts = parts.ALERTS not in leave_out
        self.stock = StockLedger(tenant, group, stock)
        self._stock_rows = StockRows(self.stock)
        self.rows: list[Row] = []
        """Rows of stock since the caller last took them."""
        self.alerts = AlertBook(rules, tenant, group)
        self.timeline = Timeline()
        self.names: dict[str, dict[str, object]] = {}
        self._named: set[str] = set()
        self._waiting: dict[str, dict[str, object]] = {}

    def observe(self, event: Event) -> None:
        """Take an accepted event of the rare types, in log order."""
        if self._has_stock:
            self.stock.apply(event)
        if self._has_alerts:
            self.alerts.observe(event)
        self.timeline.observe(event)
        if event.type == "catalog":
            field = f"{event.role}.{event.target_id}"
            self.names[field] = {"title": event.title, "image": event.text}
            self._named.add(field)
        elif event.type == "room_status" and event.title and event.room_id:
            self.names[f"room.{event.room_id}"] = {"title": event.title, "image": None}
            self._named.add(f"room.{event.room_id}")

    def beat(self, watermark_ms: int, facts: GroupFacts) -> list[AlertChange]:
        """Move the group's time and judge its rules."""
        if self._has_stock:
            _, rows = self._stock_rows.advance(watermark_ms)
            self.rows += rows
        self.timeline.forget(watermark_ms)
        if not self._has_alerts:
            return []
        return self.alerts.evaluate(watermark_ms, facts)

    def pulse(self, watermark_ms: int) -> list[AlertChange]:
        """Between two beats: judge what cannot wait, on what the watermark has passed."""
        changed, rows = self._stock_rows.advance(watermark_ms)
        self.rows += rows
        if not self._has_alerts:
            return []
        return self.alerts.pulse(watermark_ms, changed, self.stock)

    @property
    def restless(self) -> bool:
        """Whether a pulse can tell anything; without it one changes nothing."""
        return self.stock.waiting or self.alerts.restless

    def flush(self, now_ms: int) -> list[Patch]:
        """Patches of changed pools and names, and of answers to alerts that wait for a beat."""
        address = f"{self.tenant}/{self.group}"
        patches = []
        pools = self.stock.patch(now_ms)
        if pools:
            patches.append(Patch(f"stock:{address}", pools))
        if self._named:
            named = {field: self.names[field] for field in sorted(self._named)}
            patches.append(Patch(f"names:{address}", named))
            self._named.clear()
        waiting = self.alerts.waiting()
        if waiting != self._waiting:
            told = {f"answer.{alert}": waiting.get(alert) for alert in self._waiting | waiting}
            patches.append(Patch(f"answers:{address}", told))
            self._waiting = waiting
        return patches + self.timeline.flush(self.tenant)

    def forget_sent(self) -> None:
        """Say everything again at the next flush."""
        self._waiting = {}
        self._named = set(self.names)
        self.stock.forget_sent()
        self.timeline.forget_sent()

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {
            "tenant": self.tenant,
            "group": self.group,
            "stock": self.stock.snapshot(),
            "stock_rows": self._stock_rows.snapshot(),
            "alerts": self.alerts.snapshot(),
            "names": self.names,
            "marks": self.timeline.marks,
            "marks_end_ms": dict(self.timeline.ended),
        }

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        for name in ("stock", "alerts"):
            part = data.get(name)
            if isinstance(part, dict):
                getattr(self, name).restore(part)
        rows = data.get("stock_rows")
        if isinstance(rows, dict):
            self._stock_rows.restore(rows)
        marks = data.get("marks")
        ended = data.get("marks_end_ms")
        if isinstance(marks, dict):
            self.timeline.restore(marks, ended if isinstance(ended, dict) else None)
        names = data.get("names")
        if isinstance(names, dict):
            self.names = dict(names)
        self.forget_sent()
