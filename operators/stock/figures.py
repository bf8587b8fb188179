"""Figures of one stock pool, as they go on the wire. Formulas: docs/alerts.md."""

from collections.abc import Mapping
from typing import Final

import msgspec

from operators.stock.drain import Rate, eta_of, rate_at
from operators.stock.model import StockSettings
from operators.stock.pool import Pool
from stream.events import Event

_MARKS: Final = ("hot", "dead", "slow")


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


def figures_of(
    pool: Pool, costs: Costs, settings: StockSettings, now_ms: int, shown_ms: int = 0
) -> dict[str, object]:
    """All figures of a pool at `now_ms`, `shown_ms` after its item was put up.

    Integers, plain lists, ratios, or None where nothing is known. Velocities are net units a
    minute; times to stock-out are seconds, with a nominal 90 % interval
    `[stockout_eta_low_s, stockout_eta_high_s]`.
    """
    on_hand = pool.on_hand()
    safety = pool.safety_units if pool.safety_units is not None else settings.safety_units
    available = None if on_hand is None else on_hand - pool.total.reserved - safety
    rate = rate_at(pool.drain, now_ms)
    eta = None if available is None else eta_of(available, rate)
    figures: dict[str, object] = {
        "on_hand": on_hand,
        "reserved": pool.total.reserved,
        "sold": pool.sold,
        "returned": pool.returned,
        "safety": safety,
        "available": available,
        "oversell_units": pool.oversold(),
        "oversell_orders": pool.oversold_orders(settings.listed_orders),
        "velocity_5m": None if rate is None else round(rate.fast_per_min, 3),
        "velocity_15m": None if rate is None else round(rate.slow_per_min, 3),
        "stockout_eta_s": None if eta is None else eta.mid_s,
        "stockout_eta_low_s": None if eta is None else eta.low_s,
        "stockout_eta_high_s": None if eta is None else eta.high_s,
        "products": sorted(pool.products),
    }
    figures.update(_cover(pool, costs, settings, available, rate))
    figures.update(_marks(pool, settings, figures, shown_ms))
    level = level_of(available, None if eta is None else eta.mid_s, settings)
    figures["level"] = level
    figures["hint"] = None if level is None else _HINTS[level]
    figures.update(_quotas(pool))
    return figures


_HINTS: Final[dict[str, str | None]] = {"out": "pull", "low": "list_next", "ok": None}
"""What to do with the item on the shelf, by level."""


def level_of(available: int | None, eta_s: int | None, settings: StockSettings) -> str | None:
    """`out` at nothing available, `low` below the unit or ETA threshold; None: stock unknown."""
    if available is None:
        return None
    if available <= 0:
        return "out"
    if available <= settings.low_units or (eta_s is not None and eta_s < settings.low_eta_s):
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
        safety = pool.safety_units if pool.safety_units is not None else settings.safety_units
        need = max(0, round(per_min * lead_min) + safety - available)
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
