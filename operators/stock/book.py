"""Pools and orders of one group: a reducer whose end state does not depend on arrival order."""

import heapq
from collections.abc import Callable

import msgspec

from operators.stock.archive import Archive
from operators.stock.drain import PANE_MS
from operators.stock.figures import Costs, Judged, Older, figures_of, summary_of
from operators.stock.model import (
    BACK,
    FLOW,
    RESERVED,
    SOLD,
    TAKE,
    Effect,
    Line,
    Order,
    Refund,
    StockSettings,
    earlier,
    mark_of,
    pool_of,
    take_key,
)
from operators.stock.orders import deadline_ms, effect_keys, effects_of
from operators.stock.pool import Pool
from stream.events import Event

BEAT_MS = 5_000


class Books(msgspec.Struct):
    """Everything a snapshot holds."""

    watermark_ms: int = -1
    pools: dict[str, Pool] = {}
    orders: dict[str, Order] = {}
    deadlines: list[tuple[int, str, str]] = []
    dirty: dict[str, bool] = {}
    listed: dict[str, int] = {}
    costs: Costs = msgspec.field(default_factory=Costs)


class StockBook:
    """Pools of one group at one point of its log; `operators.stock.ledger` keeps two of them."""

    def __init__(
        self, settings: StockSettings, archive: Archive, bring_back: Callable[[str], None]
    ) -> None:
        """`bring_back` puts an order that lies in the archive into both books, if it does."""
        self.settings = settings
        self._archive = archive
        self._bring_back = bring_back
        self._state = Books()

    def apply(self, event: Event) -> None:
        """Fold one event; types that do not touch stock are ignored."""
        kind = event.type
        if kind == "stock_set":
            self._count(event)
        elif kind == "stock_adjust":
            self._adjust(event)
        elif kind in ("order_created", "order_paid", "order_cancelled"):
            self._order_step(event)
        elif kind == "refund_succeeded":
            self._refund(event)
        elif kind in ("catalog", "price"):
            self._state.costs.apply(event)
        elif kind == "product_listed":
            self._list(event)

    def advance(self, watermark_ms: int) -> None:
        """Move the clock: reservations lapse, history beyond the lateness horizon is folded."""
        state = self._state
        before = state.watermark_ms
        if watermark_ms <= before:
            return
        state.watermark_ms = watermark_ms
        while state.deadlines and state.deadlines[0][0] <= watermark_ms:
            _, order_id, line_id = heapq.heappop(state.deadlines)
            if self._archive.is_unpaid(order_id):
                self._bring_back(order_id)
            if order_id in state.orders:
                self._settle(order_id, state.orders[order_id], line_id)
        fold_ms = watermark_ms - self.settings.horizon_ms
        if fold_ms // PANE_MS != (before - self.settings.horizon_ms) // PANE_MS:
            for pool in state.pools.values():
                pool.fold(fold_ms)
        if watermark_ms // BEAT_MS != before // BEAT_MS:
            self._beat()

    def changed(self) -> set[str]:
        """Pools whose figures may have changed since the last call."""
        names = set(self._state.dirty)
        self._state.dirty = {}
        return names

    def touch(self) -> None:
        """Every pool counts as changed."""
        self._state.dirty = dict.fromkeys(self._state.pools, True)

    def pools(self) -> list[str]:
        """All known pools, sorted."""
        return sorted(self._state.pools)

    def counted(self) -> list[str]:
        """Pools whose stock somebody has told, sorted; the others have no figures to judge."""
        pools = self._state.pools
        return sorted(name for name, pool in pools.items() if pool.on_hand() is not None)

    def is_counted(self, pool: str) -> bool:
        """Whether somebody has told the pool's stock."""
        found = self._state.pools.get(pool)
        return found is not None and found.on_hand() is not None

    def figures(self, pool: str, now_ms: int) -> dict[str, object]:
        """Figures of one pool at `now_ms`; empty for a pool never heard of."""
        found = self._state.pools.get(pool)
        if found is None:
            return {}
        shown_ms = now_ms - self._state.listed.get(pool, now_ms)
        costs, older = self._state.costs, self._older(pool)
        return figures_of(found, costs, self.settings, now_ms, shown_ms, older)

    def judged(self, pool: str, now_ms: int) -> Judged:
        """The same figures, each worked out when it is asked for. The pool must be known."""
        state = self._state
        shown_ms = now_ms - state.listed.get(pool, now_ms)
        found, older = state.pools[pool], self._older(pool)
        return Judged(found, state.costs, self.settings, now_ms, shown_ms, older)

    def summary(self, now_ms: int) -> dict[str, object]:
        """Sums of all pools and the names of those that stand out."""
        return summary_of({pool: self.figures(pool, now_ms) for pool in self.pools()})

    def _older(self, pool: str) -> Older:
        """Takes of the pool that are in the archive alone."""
        return lambda: self._archive.takes(pool, self.settings.listed_orders)

    @property
    def orders(self) -> dict[str, Order]:
        """The orders that are not in the archive."""
        return self._state.orders

    def put_back(self, order_id: str, order: Order) -> None:
        """An order comes out of the archive."""
        self._state.orders[order_id] = order
        for key, (kind, name, _, at_ms, units) in order.effects.items():
            if kind == TAKE and name in self._state.pools:
                self._state.pools[name].take(take_key(key, order_id), at_ms, units, 1)

    def drop_take(self, pool: str, line_key: str) -> None:
        """The archive knows this one alone from now on."""
        if pool in self._state.pools:
            self._state.pools[pool].takes.pop(line_key, None)

    def snapshot(self) -> Books:
        """The state itself."""
        return self._state

    def restore(self, state: Books) -> None:
        """Take another state."""
        self._state = state

    def _pool(self, name: str) -> Pool:
        pool = self._state.pools.get(name)
        if pool is None:
            pool = self._state.pools[name] = Pool()
        self._state.dirty[name] = True
        return pool

    def _count(self, event: Event) -> None:
        name = pool_of(event)
        if not name or event.qty is None:
            return
        pool = self._pool(name)
        pool.name(event)
        pool.drain.start(event.event_time_ms)
        level = pool.quota(event.room_id) if event.room_id else pool.total
        level.count(event.event_time_ms, event.event_id, event.qty)
        if event.value is not None:
            pool.buffer(event.event_time_ms, event.event_id, event.value)

    def _adjust(self, event: Event) -> None:
        name = pool_of(event)
        if not name or event.qty is None:
            return
        pool = self._pool(name)
        pool.name(event)
        key = f"adjust|{event.source}|{event.event_id}"
        pool.move(key, event.room_id or "", event.event_time_ms, event.qty)

    def _order(self, event: Event) -> Order:
        order_id = event.order_id or ""
        order = self._state.orders.get(order_id)
        if order is None:
            order = self._state.orders[order_id] = Order()
        order.last_ms = max(order.last_ms, event.event_time_ms)
        return order

    def _order_step(self, event: Event) -> None:
        order, mark = self._order(event), mark_of(event)
        line = order.lines.setdefault(event.line_id or "", Line())
        if event.type == "order_created":
            line.created = earlier(line.created, mark)
            lapse_ms = deadline_ms(line, self.settings.payment_timeout_ms)
            if lapse_ms is not None and lapse_ms > self._state.watermark_ms:
                due = (lapse_ms, event.order_id or "", event.line_id or "")
                heapq.heappush(self._state.deadlines, due)
        elif event.type == "order_paid":
            line.paid = earlier(line.paid, mark)
        else:
            line.cancelled = earlier(line.cancelled, mark)
        whole = event.type == "order_cancelled" and event.line_id is None
        for line_id in list(order.lines) if whole else [event.line_id or ""]:
            self._settle(event.order_id or "", order, line_id)
        self._name(event)

    def _refund(self, event: Event) -> None:
        order, mark = self._order(event), mark_of(event)
        key = f"{event.refund_id}|{event.line_id or ''}"
        old = order.refunds.get(key)
        first = earlier(None if old is None else old.mark, mark)
        order.refunds[key] = Refund(event.line_id or "", first)
        self._settle(event.order_id or "", order, event.line_id or "")

    def _name(self, event: Event) -> None:
        pool = self._state.pools.get(pool_of(event))
        if pool is not None:
            pool.name(event)

    def _list(self, event: Event) -> None:
        """Remember when an item was first put up."""
        name, at_ms, listed = pool_of(event), event.event_time_ms, self._state.listed
        if name and event.status != "off":
            listed[name] = min(listed.get(name, at_ms), at_ms)

    def _settle(self, order_id: str, order: Order, line_id: str) -> None:
        """Apply the difference between what a line does now and what it did before."""
        timeout_ms = self.settings.payment_timeout_ms
        now = effects_of(order, line_id, self._state.watermark_ms, timeout_ms)
        keys = effect_keys(order, line_id)
        old = {key: order.effects[key] for key in keys if key in order.effects}
        if now == old:
            return
        for key, effect in old.items():
            if now.get(key) != effect:
                self._affect(f"{key}|{order_id}", effect, -1)
                del order.effects[key]
        for key, effect in now.items():
            if old.get(key) != effect:
                self._affect(f"{key}|{order_id}", effect, 1)
                order.effects[key] = effect

    def _affect(self, key: str, effect: Effect, sign: int) -> None:
        kind, name, room, at_ms, units = effect
        pool = self._pool(name)
        if kind == FLOW:
            pool.drain.add(at_ms, sign * units)
        elif kind == RESERVED:
            pool.reserve(room, sign * units)
        elif kind == TAKE:
            pool.take(key.removeprefix(f"{TAKE}|"), at_ms, units, sign)
        elif kind in (SOLD, BACK):
            delta = -units if kind == SOLD else units
            pool.count_sale(kind == SOLD, sign * units)
            if sign > 0:
                pool.move(key, room, at_ms, delta)
            else:
                pool.unmove(key, room, at_ms, delta)

    def _beat(self) -> None:
        """Mark pools whose velocity still moves."""
        for name, pool in self._state.pools.items():
            if pool.moving():
                self._state.dirty[name] = True

    def retire(self, before_ms: int) -> None:
        """Forget orders untouched since `before_ms`: their sums stay, their names do not."""
        old = [name for name, order in self._state.orders.items() if order.last_ms < before_ms]
        for order_id in old:
            order = self._state.orders.pop(order_id)
            for key, effect in order.effects.items():
                if effect[0] == TAKE and effect[1] in self._state.pools:
                    self._state.pools[effect[1]].takes.pop(take_key(key, order_id), None)
