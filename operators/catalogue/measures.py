"""Measures: what is counted, and the dimensions and windows it is counted by.

A measure is an order-free accumulator over events of the given types: a count, a sum of a
column, or a count of distinct ids. Metrics (`operators.catalogue.metrics`) are ratios of sums
of measures. Gauges come from `operators.presence` and the clock, not from a fold.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a measure accumulates."""

    COUNT = "count"
    SUM = "sum"
    DISTINCT = "distinct"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure. `column`: what is summed (qty, amount) or told apart (user, order)."""

    name: str
    kind: Kind
    types: tuple[str, ...] = ()
    column: str = ""


def _count(name: str, *types: str) -> Measure:
    return Measure(name, Kind.COUNT, types)


def _sum(name: str, column: str, *types: str) -> Measure:
    return Measure(name, Kind.SUM, types, column)


def _users(name: str, *types: str) -> Measure:
    return Measure(name, Kind.DISTINCT, types, "user")


def _orders(name: str, *types: str) -> Measure:
    return Measure(name, Kind.DISTINCT, types, "order")


def _gauge(name: str) -> Measure:
    return Measure(name, Kind.GAUGE)


MEASURES: Final[tuple[Measure, ...]] = (
    _count("enters", "enter"),
    _users("viewers", "enter"),
    _count("room_exposures", "room_exposure"),
    _users("exposed_users", "room_exposure"),
    _count("comments", "comment"),
    _users("commenters", "comment"),
    _sum("questions", "question", "comment"),
    _sum("negatives", "negative", "comment"),
    Measure("negative_users", Kind.DISTINCT, ("comment",), "negative_user"),
    _sum("likes", "qty", "like"),
    _users("likers", "like"),
    _sum("gifts", "qty", "gift"),
    _users("gifters", "gift"),
    _count("follows", "follow"),
    _users("followers", "follow"),
    _count("shares", "share"),
    _users("fans_joiners", "fans_join"),
    _users("engaged_users", "comment", "like", "share", "follow"),
    _count("product_exposures", "product_exposure"),
    _users("product_exposed_users", "product_exposure"),
    _count("product_clicks", "product_click"),
    _users("product_clickers", "product_click"),
    _count("carts", "add_to_cart"),
    _users("carters", "add_to_cart"),
    _orders("orders_created", "order_created"),
    _users("order_users", "order_created"),
    _sum("created_minor", "amount", "order_created"),
    _orders("orders_paid", "order_paid"),
    _users("payers", "order_paid"),
    _sum("paid_minor", "amount", "order_paid"),
    _sum("units_paid", "qty", "order_paid"),
    _orders("orders_refunded", "refund_succeeded"),
    _users("refunders", "refund_succeeded"),
    _sum("refunded_minor", "amount", "refund_succeeded"),
    _sum("cohort_refunded_minor", "known_amount", "refund_succeeded"),
    Measure("cohort_orders_refunded", Kind.DISTINCT, ("refund_succeeded",), "known_order"),
    Measure("cohort_refunders", Kind.DISTINCT, ("refund_succeeded",), "known_user"),
    _sum("refund_requested_minor", "amount", "refund_requested"),
    _orders("orders_cancelled", "order_cancelled"),
    _sum("ad_cost_minor", "amount", "cost"),
    Measure("told_buyers", Kind.DISTINCT, ("order_paid",), "told_user"),
    Measure("new_buyers", Kind.DISTINCT, ("order_paid",), "new_user"),
    Measure("sold_products", Kind.DISTINCT, ("order_paid",), "product"),
    Measure("listed_products", Kind.DISTINCT, ("product_listed",), "product"),
    _gauge("online"),
    _gauge("online_peak"),
    _gauge("active"),
    _gauge("watch_s"),
    _gauge("live_s"),
    _gauge("minutes"),
    _gauge("room_viewers"),
    _gauge("minute_peaks"),
    _gauge("live_minutes"),
    _gauge("entrants"),
    _gauge("entrants_stayed"),
    _gauge("stayers"),
    _gauge("stayers_watch_s"),
    _gauge("online_reported"),
    _gauge("viewers_reported"),
    _gauge("likes_reported"),
    _gauge("gmv_reported"),
    _gauge("target_minor"),
    _gauge("target_due_minor"),
    _gauge("cogs_minor"),
    _gauge("repeat_buyers"),
    _gauge("viewers_silent"),
    _gauge("viewers_browser"),
    _gauge("viewers_clicker"),
    _gauge("viewers_carter"),
    _gauge("viewers_buyer"),
)
"""Every measure, in the order of their numbers in a running engine (numbers are not stored)."""

MEASURE_NUMBER: Final = {measure.name: number for number, measure in enumerate(MEASURES)}
