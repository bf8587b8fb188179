"""What a group keeps besides figures: stock, alerts, names. One reducer each, fed in log order."""

from collections.abc import Mapping, Sequence

import numpy as np

from operators.catalogue.axes import PANE_MS, PANES_PER_MINUTE, WINDOW_BY_NAME
from operators.figures import Figures, Span
from operators.options import State
from operators.results import Patch
from operators.rules.book import AlertBook
from operators.rules.model import AlertChange, RoomFacts, RuleSet, Value
from operators.stock import StockLedger
from operators.timeline import Timeline
from stream.events import Event

_NOTHING: Value = (None, None)


class GroupFacts:
    """The figures rules are judged on: complete windows as of the watermark."""

    def __init__(
        self, state: State, figures: Figures, stock: StockLedger, sessions: Mapping[str, int]
    ) -> None:
        self._state = state
        self._figures = figures
        self._stock = stock
        self._now_ms = state.clock.watermark_ms() or 0
        self._session_of = sessions
        self._tables: dict[tuple[str, str], dict[tuple[int, str], dict[str, Value]]] = {}

    def rooms(self) -> Sequence[RoomFacts]:
        """Rooms whose session is not sealed."""
        sessions = self._state.sessions
        return [
            RoomFacts(
                room,
                int(sessions.start_ms[number]),
                int(sessions.end_ms[number]) or None,
                int(sessions.last_ms[number]),
            )
            for room, number in self._session_of.items()
        ]

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        """Keys seen in the room's session."""
        session = self._session_of.get(room)
        return sorted(key for number, key in self._table(dimension, "session") if number == session)

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        """A figure of a complete window; (None, None) where there is none."""
        session = self._session_of.get(room)
        if session is None or window not in WINDOW_BY_NAME:
            return _NOTHING
        return self._table(dimension, window).get((session, key), {}).get(metric, _NOTHING)

    def pools(self) -> Sequence[str]:
        """Stock pools of the group whose stock is known."""
        return self._stock.counted()

    def pool(self, pool: str) -> Mapping[str, object]:
        """Figures of a pool."""
        return self._stock.figures(pool, self._now_ms)

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        """The traffic source, else product, with the largest share of a metric."""
        for dimension in ("channel", "product"):
            shares = {
                key: self.value(room, dimension, key, window, metric)[0] or 0
                for key in self.keys(room, dimension)
            }
            total = sum(shares.values())
            if total > 0:
                key = min(shares, key=lambda name: (-shares[name], name))
                return dimension, key, shares[key] / total
        return None

    def _table(self, dimension: str, window: str) -> dict[tuple[int, str], dict[str, Value]]:
        """All figures of one dimension and window by (session, key); read once."""
        found = self._tables.get((dimension, window))
        if found is None:
            found = self._tables[dimension, window] = self._read(dimension, window)
        return found

    def _read(self, dimension: str, window: str) -> dict[tuple[int, str], dict[str, Value]]:
        state, cube = self._state, self._state.cube
        names = [d.name for d in state.plan.dimensions]
        if dimension not in names or not self._session_of:
            return {}
        place = names.index(dimension)
        view = state.plan.views[place]
        if window not in view.in_window:
            return {}
        count = cube.cells.count
        mine = np.isin(cube.cell_session[:count], list(self._session_of.values()))
        cells = np.flatnonzero(mine & (cube.cell_dimension[:count] == place))
        measures = self._figures.measures(view, cells, self._span(window))
        num, den = self._figures.ratios(view, measures)
        wanted = np.flatnonzero(view.in_window[window]).tolist()
        out: dict[tuple[int, str], dict[str, Value]] = {}
        for cell, nums, dens in zip(cells.tolist(), num.tolist(), den.tolist(), strict=True):
            key = state.names.text(int(cube.cell_key[cell])) or ""
            out[int(cube.cell_session[cell]), key] = {
                view.metrics[k].name: (nums[k], dens[k] if view.has_den[k] else None)
                for k in wanted
            }
        return out

    def _span(self, window: str) -> Span:
        length = PANE_MS * (PANES_PER_MINUTE if window == "1m" else 1)
        end = self._now_ms // length * length
        until = max(self._now_ms // 1000, self._state.presence.horizon_s + 2)
        return Span(WINDOW_BY_NAME[window], end if window != "session" else self._now_ms, until)


class Group:
    """Stock, alerts and names of one (tenant, group)."""

    def __init__(self, tenant: str, group: str, rules: RuleSet) -> None:
        self.tenant = tenant
        self.group = group
        self.stock = StockLedger(tenant, group)
        self.alerts = AlertBook(rules, tenant, group)
        self.timeline = Timeline()
        self.names: dict[str, dict[str, object]] = {}
        self._named: set[str] = set()

    def observe(self, event: Event) -> None:
        """Take an accepted event of the rare types, in log order."""
        self.stock.apply(event)
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
        self.stock.advance(watermark_ms)
        return self.alerts.evaluate(watermark_ms, facts)

    def flush(self, now_ms: int) -> list[Patch]:
        """Patches of changed pools and names."""
        address = f"{self.tenant}/{self.group}"
        patches = []
        pools = self.stock.patch(now_ms)
        if pools:
            patches.append(Patch(f"stock:{address}", pools))
        if self._named:
            named = {field: self.names[field] for field in sorted(self._named)}
            patches.append(Patch(f"names:{address}", named))
            self._named.clear()
        return patches + self.timeline.flush(self.tenant)

    def forget_sent(self) -> None:
        """Say everything again at the next flush."""
        self._named = set(self.names)
        self.stock.forget_sent()
        self.timeline.forget_sent()

    def snapshot(self) -> dict[str, object]:
        """Plain data."""
        return {
            "tenant": self.tenant,
            "group": self.group,
            "stock": self.stock.snapshot(),
            "alerts": self.alerts.snapshot(),
            "names": self.names,
            "marks": self.timeline.marks,
            "marks_ended": sorted(self.timeline.ended),
        }

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot."""
        for name in ("stock", "alerts"):
            part = data.get(name)
            if isinstance(part, dict):
                getattr(self, name).restore(part)
        marks = data.get("marks")
        ended = data.get("marks_ended")
        if isinstance(marks, dict):
            self.timeline.restore(marks, ended if isinstance(ended, list) else ())
        names = data.get("names")
        if isinstance(names, dict):
            self.names = dict(names)
        self.forget_sent()


def sessions_by_group(state: State) -> dict[tuple[str, str], dict[str, int]]:
    """(tenant, group) -> room -> its newest session, of those that are not sealed."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    sessions = state.sessions
    for number in np.flatnonzero(~sessions.sealed[: sessions.count]).tolist():
        where = sessions.place(number)
        found.setdefault((where.tenant, where.group), {})[where.room_id] = number
    return found
