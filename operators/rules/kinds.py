"""The tables of the rule language: keys, kinds of detector, scopes and their defaults.

The parser, `docs/alerts.md` and the tests derive from these.
"""

from dataclasses import dataclass
from typing import Final

SEVERITIES: Final = ("info", "warning", "critical")
ROLES: Final = ("host", "operator", "warehouse", "finance", "boss")
SCOPES: Final = ("room", "product", "host", "channel", "group", "pool")
KNOWN_EVENTS: Final = (
    "explain_start",
    "explain_end",
    "shift_start",
    "shift_end",
    "promo_start",
    "promo_end",
    "product_listed",
)
TEXT_KEYS: Final = ("title_en", "title_zh", "action_en", "action_zh")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number a detector takes. `default` None: optional without one."""

    name: str
    default: float | None
    low: float
    high: float
    help: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of detector. `one_of`: at least one of these parameters must be given."""

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    one_of: tuple[str, ...] = ()
    needs_metric: bool = True
    words: tuple[str, ...] = ()


BIG: Final = 1e15

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "threshold",
            "the figure against fixed levels, with separate levels to clear",
            (
                Parameter("above", None, -BIG, BIG, "breach when value > above"),
                Parameter("below", None, -BIG, BIG, "breach when value < below"),
                Parameter("clear_below", None, -BIG, BIG, "clear when value < this"),
                Parameter("clear_above", None, -BIG, BIG, "clear when value > this"),
                Parameter("min_den", None, 0, BIG, "no verdict below this denominator"),
            ),
            ("above", "below"),
        ),
    )
}

SETTINGS: Final[dict[str, tuple[int, int, int]]] = {
    "rate_cap_per_room": (12, 1, 1_000),
    "rate_cap_window_s": (600, 10, 86_400),
    "known_event_s": (120, 0, 3_600),
    "snooze_s": (600, 10, 86_400),
}
"""Setting name to (default, lowest, highest)."""

TIMES: Final[dict[str, tuple[int, int, int]]] = {
    "hold_s": (0, 0, 3_600),
    "clear_s": (0, 0, 3_600),
    "cooldown_s": (120, 0, 86_400),
    "every_s": (5, 5, 600),
}
"""Rule key to (default, lowest, highest), in seconds of event time."""
