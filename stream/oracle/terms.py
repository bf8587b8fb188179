"""The settings that decide what is counted when."""

from typing import Protocol


class TimeSettings(Protocol):
    """What the oracle reads of the settings, in ms where the name says nothing else."""

    @property
    def max_out_of_orderness_ms(self) -> int:
        """The watermark trails the tick by this much."""

    @property
    def allowed_lateness_ms(self) -> int:
        """An event further behind the watermark is too late."""

    @property
    def presence_ttl_ms(self) -> int:
        """A viewer without a sign of life counts as gone."""

    @property
    def explanation_tail_ms(self) -> int:
        """A product's clicks and orders count to its explanation this long after it."""

    @property
    def session_idle_ms(self) -> int:
        """A room without events ends its session."""

    @property
    def ledger_days(self) -> int:
        """Orders and refunds are forgotten so many days after their first event."""


Terms = dict[str, int]
"""Name of a placeholder in the SQL files to its value."""

MAX_SKEW_MS = 60_000
"""An event time further after the last tick is a broken clock (contract, event edge rules)."""


def terms_of(settings: TimeSettings) -> Terms:
    """The placeholders of the SQL files."""
    return {
        "out_of_order_ms": settings.max_out_of_orderness_ms,
        "lateness_ms": settings.allowed_lateness_ms,
        "ttl_s": settings.presence_ttl_ms // 1000,
        "tail_ms": settings.explanation_tail_ms,
        "idle_ms": settings.session_idle_ms,
        "skew_ms": MAX_SKEW_MS,
        "ledger_days": settings.ledger_days,
    }
