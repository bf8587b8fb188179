"""The stock ledger of one group: what is left now, and what was left at the watermark.

Screens want stock as soon as an order arrives; alerts must not depend on how events overtook
each other within the watermark's slack. So there are two books: `live` has every event at
once, `settled` only those the watermark has passed, in event-time order.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from operators.stock.archive import Archive, Kept
from operators.stock.book import Books, StockBook
from operators.stock.figures import Judged
from operators.stock.model import StockSettings
from stream.events import Event

STOCK_TYPES: Final = frozenset(
    {
        "stock_set", "stock_adjust", "order_created", "order_paid", "order_cancelled",
        "refund_succeeded", "catalog", "price", "product_listed",
    }
)  # fmt: skip
"""Types the ledger looks at."""


class _State(msgspec.Struct):
    """Everything a snapshot holds."""

    live: Books = msgspec.field(default_factory=Books)
    settled: Books = msgspec.field(default_factory=Books)
    waiting: list[Event] = []
    watermark_ms: int = -1
    archive: Kept = msgspec.field(default_factory=Kept)


_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000


class StockLedger:
    """Pools of one (tenant, group), fed with its events; rules and formulas: `docs/alerts.md`.

    A pool is named by `pool_id`, else `sku_id`, else `product_id`, and is shared by all rooms.
    `stock_set` without a room counts the pool; with a room it counts that room's exclusive
    quota, a part of the pool. `value` of a `stock_set` is the pool's safety buffer.
    """

    def __init__(self, tenant: str, group: str, settings: StockSettings | None = None) -> None:
        self.tenant = tenant
        self.group = group
        self.settings = settings or StockSettings()
        self._archive = Archive(self.settings.payment_timeout_ms)
        self._live = StockBook(self.settings, self._archive, self._bring_back)
        self._settled = StockBook(self.settings, self._archive, self._bring_back)
        self._waiting: list[Event] = []
        self._watermark_ms = -1
        self._said: dict[str, dict[str, object]] = {}

    def apply(self, event: Event) -> None:
        """Fold one event; types that do not touch stock are ignored."""
        if event.type not in STOCK_TYPES:
            return
        if event.order_id is not None and event.order_id not in self._live.orders:
            self._bring_back(event.order_id)
        self._live.apply(event)
        if event.event_time_ms < self._watermark_ms:
            self._settled.apply(event)
        else:
            self._waiting.append(event)

    @property
    def waiting(self) -> bool:
        """Whether events are told that the watermark has not passed."""
        return bool(self._waiting)

    def advance(self, watermark_ms: int) -> set[str]:
        """Move the clock: reservations lapse, history beyond the lateness horizon is folded.

        Gives the pools whose figures as of the watermark may have changed since the last call.
        """
        if watermark_ms <= self._watermark_ms:
            return set()
        # Speeds fall and shelves grow old without any event.
        before_ms = self._watermark_ms
        minute = watermark_ms // _MINUTE_MS > before_ms // _MINUTE_MS
        if minute:
            self._live.touch()
        self._watermark_ms = watermark_ms
        due = [event for event in self._waiting if event.event_time_ms < watermark_ms]
        if due:
            self._waiting = [one for one in self._waiting if one.event_time_ms >= watermark_ms]
            due.sort(key=lambda event: (event.event_time_ms, event.source, event.event_id))
        for event in due:
            self._settled.apply(event)
        self._settled.advance(watermark_ms)
        self._live.advance(watermark_ms)
        if minute:
            self._put_away(watermark_ms)
        if watermark_ms // _DAY_MS > before_ms // _DAY_MS:
            self._retire(watermark_ms - self.settings.line_retention_ms)
        return self._settled.changed()

    def _bring_back(self, order_id: str) -> None:
        """Put an order that lies in the archive into both books again."""
        orders = self._archive.take_back(order_id)
        for book, order in zip((self._live, self._settled), orders, strict=False):
            book.put_back(order_id, order)

    def _put_away(self, watermark_ms: int) -> None:
        """Pack the orders of which nothing is heard any more, where both books agree."""
        before_ms = watermark_ms - self.settings.horizon_ms
        live, settled = self._live.orders, self._settled.orders
        quiet = [order_id for order_id, order in live.items() if order.last_ms < before_ms]
        for order_id in quiet:
            order = live[order_id]
            if settled.get(order_id) == order and self._archive.put(order_id, order, watermark_ms):
                del live[order_id], settled[order_id]
        self._drop_takes(self._archive.pack())

    def _drop_takes(self, takes: Iterable[tuple[str, str]]) -> None:
        for pool, line_key in takes:
            for book in (self._live, self._settled):
                book.drop_take(pool, line_key)

    def _retire(self, before_ms: int) -> None:
        """Once a day of the watermark: forget orders whose last event is too old."""
        for book in (self._live, self._settled):
            book.retire(before_ms)
        self._drop_takes(self._archive.retire(before_ms))

    def changed(self) -> set[str]:
        """Pools whose live figures may have changed since the last call."""
        return self._live.changed()

    def pools(self) -> list[str]:
        """All pools known at the watermark, sorted."""
        return self._settled.pools()

    def counted(self) -> list[str]:
        """Pools whose stock is known at the watermark, sorted."""
        return self._settled.counted()

    def is_counted(self, pool: str) -> bool:
        """Whether the pool's stock is known at the watermark."""
        return self._settled.is_counted(pool)

    def figures(self, pool: str, now_ms: int) -> dict[str, object]:
        """Figures of one pool as of the watermark: for alerts. Empty for an unknown pool."""
        return self._settled.figures(pool, now_ms)

    def judged(self, pool: str, now_ms: int) -> Judged:
        """The figures of `counted` pools as of the watermark, worked out as they are asked for."""
        return self._settled.judged(pool, now_ms)

    def live(self, pool: str, now_ms: int) -> dict[str, object]:
        """Figures of one pool with every event so far: for screens."""
        return self._live.figures(pool, now_ms)

    def summary(self, now_ms: int) -> dict[str, object]:
        """Live sums of the group: active SKUs, capital, pools low, out, hot, dead, slow."""
        return self._live.summary(now_ms)

    def settled_summary(self, now_ms: int) -> dict[str, object]:
        """The same sums as of the watermark."""
        return self._settled.summary(now_ms)

    def forget_sent(self) -> None:
        """Every pool counts as changed: where its figures were sent has lost them."""
        self._said.clear()
        self._live.touch()

    def patch(self, now_ms: int) -> dict[str, object]:
        """Fields of channel `stock:T/GROUP`: live figures that changed since they were said."""
        now = {pool: self.live(pool, now_ms) for pool in sorted(self.changed())}
        changed = {pool: said for pool, said in now.items() if self._said.get(pool) != said}
        self._said.update(changed)
        return dict(changed)

    def snapshot(self) -> dict[str, object]:
        """The whole state as picklable data: MessagePack, ten times as fast as nested dicts."""
        state = _State(
            self._live.snapshot(),
            self._settled.snapshot(),
            self._waiting,
            self._watermark_ms,
            self._archive.snapshot(),
        )
        return {"state": msgspec.msgpack.encode(state)}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot's state: unknown names dropped, missing ones created empty."""
        packed = data.get("state")
        state = _State()
        if isinstance(packed, bytes):
            state = msgspec.msgpack.decode(packed, type=_State)
        self._live.restore(state.live)
        self._settled.restore(state.settled)
        self._archive.restore(state.archive)
        self._waiting = state.waiting
        self._watermark_ms = state.watermark_ms
