"""What a metric is.

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


SPLITS: Final = ("channel", "host", "segment", "campaign", "platform")
"""Dimensions an event carries itself."""
INTERVALS: Final = ("explanation", "shift", "campaign_phase")
"""Dimensions whose keys are intervals of a session; only totals."""
TRADE: Final = ("room", "product", *SPLITS, "tenant", *INTERVALS)
TRAFFIC: Final = ("room", *SPLITS, "tenant", *INTERVALS)
ORDERS: Final = (*TRADE, "price_band")
"""Of figures made of order and refund lines alone: only those have a price."""
OVER_TIME: Final = ("room", "tenant", *INTERVALS)
"""Of rates a minute, and of rates that a split's own events cannot give."""
SESSION_AND_MINUTE: Final = ("session", "1m")


def one(measure: str, factor: int = 1) -> Terms:
    """The terms of a single measure."""
    return ((measure, factor),)
