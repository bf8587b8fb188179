"""METRICS: the one table of figures, from its parts. An entry goes into one of them."""

from typing import Final

from operators.catalogue.audience import AUDIENCE_METRICS
from operators.catalogue.buyers import BUYER_METRICS
from operators.catalogue.core import CORE
from operators.catalogue.model import Metric, Terms
from operators.catalogue.money import MONEY_METRICS
from operators.catalogue.tags import TAG_METRICS
from operators.catalogue.talk import TALK_METRICS
from operators.catalogue.trade import TRADE_METRICS
from operators.catalogue.traffic import TRAFFIC_METRICS

__all__ = ["METRICS", "METRIC_BY_NAME", "Metric", "Terms"]

METRICS: Final[tuple[Metric, ...]] = (
    *CORE,
    *TRAFFIC_METRICS,
    *AUDIENCE_METRICS,
    *TAG_METRICS,
    *TRADE_METRICS,
    *BUYER_METRICS,
    *MONEY_METRICS,
    *TALK_METRICS,
)

METRIC_BY_NAME: Final = {metric.name: metric for metric in METRICS}
