"""Figures of one stock pool, as they go on the wire. Formulas: docs/alerts.md."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from operators.stock.drain import Rate, eta_of, rate_at
from operators.stock.model import StockSettings
from operators.stock.pool import Pool
from stream.events import Event

Older = Callable[[], Mapping[str, tuple[int, int]]]
"""Gives takes of a pool that its `takes` lack; asked only where units are oversold."""

_MARKS: Final = ("hot", "dead", "slow")


def no_older() -> Mapping[str, tuple[int, int]]:
    """There are none."""
    return {}


class Costs(msgspec.Struct):
    """Unit cost and price of products, newest by (event time, event id)."""

    unit_cost_minor: dict[str, int] = {}
    price_minor: dict[str, int] = {}
    told: dict[str, tuple[int, str]] = {}

    def apply(self, event: Event) -> None:
        """Take a `catalog` entry of a product or a `price`."""
        product = event.target_id if event.type == "catalog" else event.product_id
        if not product or (event.type == "catalog" and event.role != "product"):
            return
        self._take(event, "cost", product, event.unit_cost_minor, self.unit_cost_minor)
        self._take(event, "price", product, event.amount_minor, self.price_minor)

    def _take(
        self, event: Event, kind: str, product: str, value: int | None, into: dict[str, int]
    ) -> None:
        stamp = (event.event_time_ms, event.event_id)
        key = f"{kind}|{product}"
        if value is not None and stamp > self.told.get(key, (-1, "")):
            self.told[key] = stamp
            into[product] = value


SPEEDS: Final = (
    "velocity_5m", "velocity_15m", "stockout_eta_s", "stockout_eta_low_s", "stockout_eta_high_s",
)  # fmt: skip


class Judged:
    """Figures of one pool by name, each worked out when it is asked for.

    Rules name few of them and are judged at every beat; the same values as `figures_of`.
    """

    __slots__ = (
        *("_all", "_older", "_speeds", "available", "costs", "now_ms", "pool", "settings"),
        "shown_ms",
    )

    def __init__(
        self,
        pool: Pool,
        costs: Costs,
        settings: StockSettings,
        now_ms: int,
        shown_ms: int,
        older: Older = no_older,
    ) -> None:
        self._older = older
        self.pool = pool
        self.costs = costs
        self.settings = settings
        self.now_ms = now_ms
        self.shown_ms = shown_ms
        self.available = available_of(pool, settings)
        self._speeds: dict[str, object] | None = None
        self._all: dict[str, object] | None = None

    def get(self, name: str) -> object:
        """The figure; None where nothing is known."""
        if name == "available":
            return self.available
        if name == "oversell_units":
            return self.pool.oversold()
        if name in SPEEDS:
            if self._speeds is None:
                rate = rate_at(self.pool.drain, self.now_ms)
                self._speeds = speeds_of(self.available, rate)
            return self._speeds[name]
        if self._all is None:
            self._all = figures_of(
                self.pool, self.costs, self.settings, self.now_ms, self.shown_ms, self._older
            )
        return self._all.get(name)


def available_of(pool: Pool, settings: StockSettings) -> int | None:
    """Units that may still be promised; None while the stock is unknown."""
    on_hand = pool.on_hand()
    return None if on_hand is None else on_hand - pool.total.reserved - safety_of(pool, settings)


def safety_of(pool: Pool, settings: StockSettings) -> int:
    """Units kept back."""
    return pool.safety_units if pool.safety_units is not None else settings.safety_units


def speeds_of(available: int | None, rate: Rate | None) -> dict[str, object]:
    """Velocities in units a minute, and seconds until nothing is available; the `SPEEDS`."""
    eta = None if available is None else eta_of(available, rate)
    return {
        "velocity_5m": None if rate is None else round(rate.fast_per_min, 3),
        "velocity_15m": None if rate is None else round(rate.slow_per_min, 3),
        "stockout_eta_s": None if eta is None else eta.mid_s,
        "stockout_eta_low_s": None if eta is None else eta.low_s,
        "stockout_eta_high_s": None if eta is None else eta.high_s,
    }


def figures_of(
    pool: Pool,
    costs: Costs,
    settings: StockSettings,
    now_ms: int,
    shown_ms: int = 0,
    older: Older = no_older,
) -> dict[str, object]:
    """All figures of a pool at `now_ms`, `shown_ms` after its item was put up.

    Integers, plain lists, ratios, or None where nothing is known. Velocities are net units a
    minute; times to stock-out are seconds, with a nominal 90 % interval
    `[stockout_eta_low_s, stockout_eta_high_s]`.
    """
    on_hand = pool.on_hand()
    available = available_of(pool, settings)
    rate = rate_at(pool.drain, now_ms)
    speeds = speeds_of(available, rate)
    figures: dict[str, object] = {
        "on_hand": on_hand,
        "reserved": pool.total.reserved,
        "sold": pool.sold,
        "returned": pool.returned,
        "safety": safety_of(pool, settings),
        "available": available,
        "oversell_units": pool.oversold(),
        "oversell_orders": pool.oversold_orders(settings.listed_orders, older),
        **speeds,
        "products": sorted(pool.products),
    }
    figures.update(_cover(pool, costs, settings, available, rate))
    figures.update(_marks(pool, settings, figures, shown_ms))
    level = level_of(available, speeds["stockout_eta_s"], settings)
    figures["level"] = level
    figures["hint"] = None if level is None else _HINTS[level]
    figures.update(_quotas(pool))
    return figures


_HINTS: Final[dict[str, str | None]] = {"out": "pull", "low": "list_next", "ok": None}
"""What to do with the item on the shelf, by level."""


def level_of(available: int | None, eta_s: object, settings: StockSettings) -> str | None:
    """`out` at nothing available, `low` below the unit or ETA threshold; None: stock unknown."""
    if available is None:
        return None
    if available <= 0:
        return "out"
    if available <= settings.low_units or (isinstance(eta_s, int) and eta_s < settings.low_eta_s):
        return "low"
    return "ok"


def ratio(num: int, den: int) -> dict[str, object]:
    """A ratio as it goes on the wire; value None when the denominator is 0."""
    return {"num": num, "den": den, "value": num / den if den else None}


def _cover(
    pool: Pool,
    costs: Costs,
    settings: StockSettings,
    available: int | None,
    rate: Rate | None,
) -> dict[str, object]:
    on_hand = pool.on_hand()
    stocked = None if on_hand is None else on_hand + pool.sold - pool.returned
    per_min = 0.0 if rate is None else max(0.0, rate.slow_per_min)
    cover_days = None
    if available is not None and per_min > 0.0:
        cover_days = round(max(0, available) / (per_min * 1440), 3)
    need = None
    if available is not None:
        lead_min = settings.lead_time_s / 60
        need = max(0, round(per_min * lead_min) + safety_of(pool, settings) - available)
    unit_costs = [costs.unit_cost_minor[p] for p in pool.products if p in costs.unit_cost_minor]
    tied = max(unit_costs) * max(0, on_hand) if unit_costs and on_hand is not None else None
    return {
        "cover_days": cover_days,
        "sell_through": None if stocked is None else ratio(pool.sold, stocked),
        "stock_sales_ratio": None if on_hand is None else ratio(on_hand, pool.sold),
        "restock_hint_units": need,
        "capital_tied_minor": tied,
        "turnover": None if stocked is None else _turnover(pool.sold, stocked, on_hand),
    }


def _quotas(pool: Pool) -> dict[str, object]:
    """Quotas that were counted: room -> on_hand, reserved, available; and what is left to all."""
    known: dict[str, object] = {}
    kept = 0
    for room in sorted(pool.quotas):
        level = pool.quotas[room]
        on_hand = level.on_hand()
        if on_hand is None:
            continue
        left = on_hand - level.reserved
        kept += max(0, left)
        known[room] = {"on_hand": on_hand, "reserved": level.reserved, "available": left}
    if not known:
        return {}
    total = pool.on_hand()
    shared = None if total is None else max(0, total - pool.total.reserved - kept)
    return {"quotas": known, "shared_available": shared}


def _turnover(sold: int, stocked: int, on_hand: int | None) -> dict[str, object] | None:
    """Units sold over the mean of all that was stocked and what is left (twice both, exact)."""
    return None if on_hand is None else ratio(2 * sold, stocked + max(0, on_hand))


def _marks(
    pool: Pool, settings: StockSettings, figures: dict[str, object], shown_ms: int
) -> dict[str, object]:
    """1 or 0: sells fast, never sold, covers too long."""
    on_hand, per_min, cover = (figures[name] for name in ("on_hand", "velocity_5m", "cover_days"))
    left = isinstance(on_hand, int) and on_hand > 0
    old = shown_ms >= settings.dead_after_ms
    fast = isinstance(per_min, float) and per_min > settings.hot_units_per_min
    slow = isinstance(cover, float) and cover > settings.slow_cover_days
    return {"hot": int(fast), "dead": int(left and old and pool.sold == 0), "slow": int(slow)}


def summary_of(pools: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Sums over pools; those without a count are left out."""
    known = {name: one for name, one in pools.items() if one["on_hand"] is not None}
    return {
        "active_sku_rate": ratio(sum(1 for one in known.values() if one["sold"]), len(known)),
        "capital_tied_minor": sum(
            tied for one in known.values() if isinstance(tied := one["capital_tied_minor"], int)
        ),
        "oversell_units": sum(
            units for one in known.values() if isinstance(units := one["oversell_units"], int)
        ),
        "pools_low": sum(1 for one in known.values() if one["level"] == "low"),
        "pools_out": sum(1 for one in known.values() if one["level"] == "out"),
        **{mark: sorted(n for n, one in known.items() if one[mark]) for mark in _MARKS},
    }
