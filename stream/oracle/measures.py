"""What each metric means, as SQL over the events of one window. Written from the definitions.

Sources: the metric definitions of the design's field research and the wire contract. Nothing
here is imported from `operators`: this is the second opinion.
"""

from dataclasses import dataclass
from typing import Final


def _count(*types: str) -> str:
    return f"count(*) FILTER ({_of(types)})"


def users_where(condition: str) -> str:
    """Distinct viewers of some events; null where one of them was masked."""
    told_apart = f"count(DISTINCT user_id) FILTER ({condition})"
    return f"CASE WHEN bool_or(masked AND {condition}) THEN NULL ELSE {told_apart} END"


def _users(*types: str) -> str:
    return users_where(_of(types))


def _orders(*types: str) -> str:
    return f"count(DISTINCT order_id) FILTER ({_of(types)})"


def _products(*types: str) -> str:
    return f"count(DISTINCT product_id) FILTER ({_of(types)})"


def _gauge_is(metric: str) -> str:
    return f"type = 'room_stats' AND metric = '{metric}'"


def _largest(metric: str) -> str:
    return f"max(value) FILTER ({_gauge_is(metric)})"


def _money(*types: str) -> str:
    return f"coalesce(sum(amount_minor) FILTER ({_of(types)}), 0)::BIGINT"


def _units(*types: str) -> str:
    return f"coalesce(sum(coalesce(qty, 1)) FILTER ({_of(types)}), 0)::BIGINT"


def _of(types: tuple[str, ...]) -> str:
    return "type IN (" + ", ".join(f"'{name}'" for name in types) + ")"


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric as SQL: `num` alone, or the ratio of `num` and `den`."""

    num: str
    den: str | None = None


_PAID = _money("order_paid")
_REFUNDED = _money("refund_succeeded")

_MINUTES = "any_value(minutes)"
_COHORT = "type = 'refund_succeeded' AND of_seen_order"
_COHORT_REFUNDED = f"coalesce(sum(amount_minor) FILTER ({_COHORT}), 0)::BIGINT"

DEFINITIONS: Final[dict[str, Definition]] = {
    "view_pv": Definition(_count("enter")),
    "view_uv": Definition(_users("enter")),
    "comment_per_min": Definition(_count("comment"), _MINUTES),
    "product_click_uv": Definition(_users("product_click")),
    "order_uv": Definition(_users("order_created")),
    "pay_uv": Definition(_users("order_paid")),
    "cvr_view": Definition(_users("order_paid"), _users("enter")),
    "cvr_click": Definition(_users("order_paid"), _users("product_click")),
    "gmv_paid": Definition(_PAID),
    "gmv_net": Definition(f"{_PAID} - {_REFUNDED}"),
    "orders_paid": Definition(_orders("order_paid")),
    "units_paid": Definition(_units("order_paid")),
    "aov_order": Definition(_PAID, _orders("order_paid")),
    "aov_buyer": Definition(_PAID, _users("order_paid")),
    "refund_amount": Definition(_REFUNDED),
    "refund_rate": Definition(_REFUNDED, _PAID),
    "room_exposure_pv": Definition(_count("room_exposure")),
    "room_exposure_uv": Definition(_users("room_exposure")),
    "entry_rate": Definition(_users("enter"), _users("room_exposure")),
    "engage_uv_rate": Definition(_users("comment", "like", "share", "follow"), _users("enter")),
    "comment_count": Definition(_count("comment")),
    "like_count": Definition(_units("like")),
    "gift_count": Definition(_units("gift")),
    "share_count": Definition(_count("share")),
    "follow_uv": Definition(_users("follow")),
    "comment_rate": Definition(_users("comment"), _users("enter")),
    "like_rate": Definition(_users("like"), _users("enter")),
    "follow_rate": Definition(_users("follow"), _users("enter")),
    "fansclub_rate": Definition(_users("fans_join"), _users("enter")),
    "src_share": Definition(_users("enter"), "any_value(room_viewers)"),
    "likes_per_min": Definition(_units("like"), _MINUTES),
    "product_exposure_uv": Definition(_users("product_exposure")),
    "prod_exposure_rate": Definition(_users("product_exposure"), _users("enter")),
    "ctr": Definition(_users("product_click"), _users("product_exposure")),
    "cart_uv": Definition(_users("add_to_cart")),
    "atc_rate": Definition(_users("add_to_cart"), _users("product_click")),
    "pay_success": Definition(_orders("order_paid"), _orders("order_created")),
    "orders_created": Definition(_orders("order_created")),
    "gmv_created": Definition(_money("order_created")),
    "uv_value": Definition(_PAID, _users("enter")),
    "unit_price": Definition(_PAID, _units("order_paid")),
    "units_per_order": Definition(_units("order_paid"), _orders("order_paid")),
    "refund_rate_ord": Definition(_orders("refund_succeeded"), _orders("order_paid")),
    "refund_rate_uv": Definition(_users("refund_succeeded"), _users("order_paid")),
    "refund_rate_amt_cohort": Definition(_COHORT_REFUNDED, _PAID),
    "refund_rate_ord_cohort": Definition(
        f"count(DISTINCT order_id) FILTER ({_COHORT})", _orders("order_paid")
    ),
    "refund_rate_uv_cohort": Definition(users_where(_COHORT), _users("order_paid")),
    "refund_requested_amount": Definition(_money("refund_requested")),
    "gpm_watch": Definition(f"{_PAID} * 1000", _count("enter")),
    "gpm_viewer": Definition(f"{_PAID} * 1000", _users("enter")),
    "gpm_show": Definition(f"{_PAID} * 1000", _count("room_exposure")),
    "gpm_expose": Definition(f"{_PAID} * 1000", _count("product_exposure")),
    "gmv_per_min": Definition(_PAID, _MINUTES),
    "gmv_per_hour": Definition(f"{_PAID} * 60", _MINUTES),
    "orders_per_min": Definition(_orders("order_paid"), _MINUTES),
    "impr_per_hour": Definition(f"{_count('room_exposure')} * 60", _MINUTES),
    "ad_cost": Definition(_money("cost")),
    "roas": Definition(_PAID, _money("cost")),
    "roas_net": Definition(f"{_PAID} - {_REFUNDED}", _money("cost")),
    "question_share": Definition("count(*) FILTER (question)", _count("comment")),
    "negative_share": Definition("count(*) FILTER (negative)", _count("comment")),
    "online_reported": Definition(
        f"(max({{'at': event_time_ms, 'is': value}}) FILTER ({_gauge_is('online')})).\"is\""
    ),
    "viewers_reported": Definition(_largest("viewers")),
    "likes_reported": Definition(_largest("likes")),
    "gmv_reported": Definition(_largest("gmv")),
    "enter_coverage": Definition(_users("enter"), _largest("viewers")),
    "cvr_view_reported": Definition(_users("order_paid"), _largest("viewers")),
    "engage_uv_rate_reported": Definition(
        _users("comment", "like", "share", "follow"), _largest("viewers")
    ),
    "uv_value_reported": Definition(_PAID, _largest("viewers")),
    "gpm_viewer_reported": Definition(f"{_PAID} * 1000", _largest("viewers")),
    "new_buyer_share": Definition(
        users_where("type = 'order_paid' AND coalesce(segment, '') = 'new'"),
        users_where("type = 'order_paid' AND segment IS NOT NULL"),
    ),
    "cvr_show": Definition(_users("order_paid"), _users("room_exposure")),
    "orders_cancelled": Definition(_orders("order_cancelled")),
    "cancel_rate": Definition(_orders("order_cancelled"), _orders("order_created")),
    "active_sku_rate": Definition(_products("order_paid"), _products("product_listed")),
    "cost_per_viewer": Definition(_money("cost"), _users("enter")),
    "cost_per_order": Definition(_money("cost"), _orders("order_paid")),
    "cost_per_follow": Definition(_money("cost"), _users("follow")),
    "negative_uv": Definition(users_where("negative")),
}
"""Metric name to its definition over the events of a window and key."""

INTERVALS: Final = frozenset(("explanation", "shift", "campaign_phase"))
"""Dimensions whose keys last from when to when (`sql/intervals.sql`)."""

BOUNDS: Final = ("interval_start_ms", "interval_end_ms")
"""Fields of their rows that are compared like metrics."""

GAUGES: Final = frozenset(
    (
        *("online_now", "pcu", "acu", "acu_tw", "avg_watch_s", "repurchase_rate"),
        *("retention_30s", "avg_watch_s_effective", "active_online", "silent_online"),
        *("cogs", "gross_profit", "roi_profit", "breakeven_roas"),
        *("target_gmv", "target_rate", "target_pace"),
        *("viewers_silent", "viewers_browser", "viewers_clicker"),
        *("viewers_carter", "viewers_buyer"),
    )
)
"""Metrics of `gauges`, `stays`, `tags` and `whole`: not sums over the events of a window."""

RATIOS: Final = frozenset(
    (
        *(name for name, one in DEFINITIONS.items() if one.den is not None),
        *("acu", "acu_tw", "avg_watch_s", "repurchase_rate", "roi_profit", "breakeven_roas"),
        *("target_rate", "target_pace", "retention_30s", "avg_watch_s_effective"),
    )
)
"""Metrics that are a numerator over a denominator."""

NEVER_EMPTY: Final = frozenset(
    name for name, definition in DEFINITIONS.items() if definition.den == _MINUTES
)
"""Metrics over time: their denominator passes without events too."""

KEYS: Final[dict[str, str]] = {
    "room": "NULL::VARCHAR",
    "product": "product_id",
    "channel": "coalesce(channel, 'unknown')",
    "host": "coalesce(host_id, 'unknown')",
    "segment": "coalesce(segment, 'unknown')",
    "campaign": "coalesce(campaign_id, 'unknown')",
    "platform": "coalesce(platform, 'unknown')",
    "price_band": "price_band",
    "tenant": "tenant",
    "explanation": "key",
    "shift": "key",
    "campaign_phase": "key",
}
"""Dimension to the key an event belongs to; null keys other than the room's belong nowhere."""
