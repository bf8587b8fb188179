"""What it costs and what is left: cost of goods, profit, ad cost per result, targets."""

from typing import Final

from operators.catalogue.model import Metric, Terms, one

_SESSION: Final = ("session",)
_NET: Final[Terms] = (("paid_minor", 1), ("refunded_minor", -1))
_GROSS: Final[Terms] = (*_NET, ("cogs_minor", -1))


def _cost_per(name: str, en: str, zh: str, of: str, den: str, basis: str) -> Metric:
    return Metric(
        name,
        en,
        zh,
        f"ad_cost ÷ {of}",
        one("ad_cost_minor"),
        one(den),
        unit="minor",
        basis=basis,
        dimensions=("room", "channel", "campaign"),
        pack="trade",
    )


def _profit(
    name: str, en: str, zh: str, formula: str, num: Terms, den: Terms | None, unit: str, rival: str
) -> Metric:
    return Metric(
        name,
        en,
        zh,
        f"{formula}; null while a sold product's unit cost is unknown",
        num,
        den,
        unit=unit,
        basis="money",
        time_basis="paid and refunded",
        windows=_SESSION,
        not_to_confuse=rival,
        source="roi",
        pack="trade",
    )


MONEY_METRICS: Final[tuple[Metric, ...]] = (
    _cost_per("cost_per_viewer", "Ad cost per viewer", "单观看成本", "view_uv", "viewers", "uv"),
    _cost_per(
        "cost_per_order", "Ad cost per order", "单订单成本", "orders_paid", "orders_paid", "uv"
    ),
    _cost_per(
        "cost_per_follow", "Ad cost per new follower", "单涨粉成本", "follow_uv", "followers", "uv"
    ),
    _profit(
        "cogs",
        "Cost of goods",
        "商品成本",
        "(units paid − units named by refunds) × unit cost of the catalog",
        one("cogs_minor"),
        None,
        "minor",
        "ad_cost",
    ),
    _profit(
        "gross_profit",
        "Gross profit",
        "毛利",
        "gmv_net − cogs",
        _GROSS,
        None,
        "minor",
        "profit after ads, fees and commission",
    ),
    _profit(
        "roi_profit",
        "Return on ad cost (profit)",
        "ROI(利润口径)",
        "(gmv_net − cogs − ad_cost) ÷ ad_cost",
        (*_GROSS, ("ad_cost_minor", -1)),
        one("ad_cost_minor"),
        "times",
        "roas (of sales)",
    ),
    _profit(
        "breakeven_roas",
        "Break-even ROAS",
        "保本ROI",
        "gmv_net ÷ (gmv_net − cogs); below 0: no ROAS breaks even",
        _NET,
        _GROSS,
        "times",
        "roas",
    ),
    Metric(
        "target_gmv",
        "GMV target",
        "目标成交额",
        "last target event of gmv_paid for the room before the session's end; null without one",
        one("target_minor"),
        unit="minor",
        basis="reported",
        windows=_SESSION,
        source="target",
        pack="trade",
    ),
    Metric(
        "target_rate",
        "Target reached",
        "目标达成率",
        "gmv_paid ÷ target_gmv",
        one("paid_minor"),
        one("target_minor"),
        unit="ratio",
        basis="money",
        time_basis="paid",
        windows=_SESSION,
        not_to_confuse="target_pace (÷ what is due by now)",
        pack="trade",
    ),
    Metric(
        "target_pace",
        "Target pace",
        "目标节奏",
        "gmv_paid ÷ (target_gmv × elapsed ÷ planned length); the planned length is the target "
        "session_minutes; null without either",
        one("paid_minor"),
        one("target_due_minor"),
        unit="times",
        basis="money",
        time_basis="paid",
        windows=_SESSION,
        not_to_confuse="target_rate; the curve is a straight line",
        pack="trade",
    ),
)
