"""METRICS: the one table of figures; what each means, and how it is made of measures.

Every value is `num ÷ den` of sums of measures; a metric without `den` is its `num`. The fold,
the Redis fields, the wire catalogue, the docs and the property tests follow from an entry.
Titles and rival definitions: research of the field, see `source`.
"""

from dataclasses import dataclass
from typing import Final

Terms = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    Attributes:
        name: its field name, for ever.
        formula: in words, for people.
        num: terms (measure, factor) summed.
        den: likewise, or None for a plain number. A zero sum gives value null.
        unit: minor, count, ratio, per_minute, seconds or times.
        basis: uv (distinct ids), pv (events), money or gauge.
        time_basis: which event time decides the window.
        dimensions, windows: where it is computed.
        not_to_confuse: the rival definition it must not be mixed up with.
        pack: `core` is always on; others can be left out.
    """

    name: str
    title_en: str
    title_zh: str
    formula: str
    num: Terms
    den: Terms | None = None
    unit: str = "count"
    basis: str = "pv"
    time_basis: str = "event"
    dimensions: tuple[str, ...] = ("room",)
    windows: tuple[str, ...] = ("session", "1m", "r1", "r5", "r10")
    not_to_confuse: str = ""
    source: str = ""
    pack: str = "core"
    version: int = 1


ROOM: Final = ("room",)
TRADE: Final = ("room", "product")
SALES: Final = ("room", "product", "host")
_SESSION_AND_MINUTE: Final = ("session", "1m")


def _one(measure: str) -> Terms:
    return ((measure, 1),)


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "online_now",
        "Online now",
        "在线人数",
        "viewers with a presence event in the last "
        "300 s and no leave after it, at the window's last second",
        _one("online"),
        unit="count",
        basis="gauge",
        windows=_SESSION_AND_MINUTE,
        not_to_confuse="online_reported: the platform's own gauge",
    ),
    Metric(
        "pcu",
        "Peak online",
        "峰值在线",
        "largest online_now of any second of the window",
        _one("online_peak"),
        basis="gauge",
        windows=_SESSION_AND_MINUTE,
        not_to_confuse="peaks sampled every 5 minutes",
    ),
    Metric(
        "view_pv",
        "Views",
        "观看次数",
        "enter events",
        _one("enters"),
        not_to_confuse="view_uv; 场观 is used for both",
    ),
    Metric(
        "view_uv",
        "Viewers",
        "观看人数",
        "distinct viewers of enter events",
        _one("viewers"),
        basis="uv",
        not_to_confuse="view_pv; 场观 is used for both",
    ),
    Metric(
        "comment_per_min",
        "Comments per minute",
        "弹幕量",
        "comments ÷ minutes of the window",
        _one("comments"),
        _one("minutes"),
        unit="per_minute",
    ),
    Metric(
        "product_click_uv",
        "Product clickers",
        "商品点击人数",
        "distinct viewers of product_click",
        _one("product_clickers"),
        basis="uv",
        dimensions=TRADE,
    ),
    Metric(
        "order_uv",
        "Ordering viewers",
        "下单人数",
        "distinct viewers of order_created",
        _one("order_users"),
        basis="uv",
        time_basis="created",
        dimensions=TRADE,
    ),
    Metric(
        "pay_uv",
        "Paying viewers",
        "成交人数",
        "distinct viewers of order_paid",
        _one("payers"),
        basis="uv",
        time_basis="paid",
        dimensions=TRADE,
    ),
    Metric(
        "cvr_view",
        "View-to-pay conversion",
        "观看-成交转化率",
        "pay_uv ÷ view_uv",
        _one("payers"),
        _one("viewers"),
        unit="ratio",
        basis="uv",
        time_basis="paid",
        not_to_confuse="cvr_click",
    ),
    Metric(
        "cvr_click",
        "Click-to-pay conversion",
        "点击-成交转化率",
        "pay_uv ÷ product_click_uv",
        _one("payers"),
        _one("product_clickers"),
        unit="ratio",
        basis="uv",
        time_basis="paid",
        dimensions=TRADE,
        not_to_confuse="cvr_view; orders ÷ clicks",
    ),
    Metric(
        "gmv_paid",
        "GMV paid",
        "成交金额",
        "sum of paid order lines, refunds included",
        _one("paid_minor"),
        unit="minor",
        basis="money",
        time_basis="paid",
        dimensions=SALES,
        not_to_confuse="gmv_created (unpaid too), gmv_net (refunds taken off)",
    ),
    Metric(
        "gmv_net",
        "Net GMV",
        "去退成交金额",
        "gmv_paid − refund_amount",
        (("paid_minor", 1), ("refunded_minor", -1)),
        unit="minor",
        basis="money",
        time_basis="paid and refunded",
        dimensions=SALES,
        not_to_confuse="gmv_paid",
    ),
    Metric(
        "orders_paid",
        "Paid orders",
        "成交订单数",
        "distinct orders of order_paid",
        _one("orders_paid"),
        basis="uv",
        time_basis="paid",
        dimensions=SALES,
        not_to_confuse="order lines (SKU orders)",
    ),
    Metric(
        "units_paid",
        "Units sold",
        "成交件数",
        "sum of units of order_paid",
        _one("units_paid"),
        time_basis="paid",
        dimensions=SALES,
    ),
    Metric(
        "aov_order",
        "Average order value",
        "笔单价",
        "gmv_paid ÷ orders_paid",
        _one("paid_minor"),
        _one("orders_paid"),
        unit="minor",
        basis="money",
        time_basis="paid",
        dimensions=TRADE,
        not_to_confuse="aov_buyer: both are called 客单价",
    ),
    Metric(
        "aov_buyer",
        "Value per buyer",
        "客单价",
        "gmv_paid ÷ pay_uv",
        _one("paid_minor"),
        _one("payers"),
        unit="minor",
        basis="money",
        time_basis="paid",
        dimensions=TRADE,
        not_to_confuse="aov_order: both are called 客单价",
    ),
    Metric(
        "refund_amount",
        "Refunds",
        "退款金额",
        "sum of refund_succeeded, at refund time",
        _one("refunded_minor"),
        unit="minor",
        basis="money",
        time_basis="refunded",
        dimensions=TRADE,
        not_to_confuse="refund_requested_amount",
    ),
    Metric(
        "refund_rate",
        "Refund rate (amount)",
        "退款率(金额)",
        "refund_amount ÷ gmv_paid, both by their own time",
        _one("refunded_minor"),
        _one("paid_minor"),
        unit="ratio",
        basis="money",
        time_basis="refunded",
        dimensions=TRADE,
        not_to_confuse="the rate by pay cohort; the rates by orders and by users",
    ),
)

METRIC_BY_NAME: Final = {metric.name: metric for metric in METRICS}
