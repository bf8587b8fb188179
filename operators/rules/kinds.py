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
class Word:
    """A text a detector takes. `default` None: required; "": optional."""

    name: str
    default: str | None
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of detector. `one_of`: at least one of these parameters must be given."""

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    one_of: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()


BIG: Final = 1e15
DAY_S: Final = 86_400

_DIRECTION: Final = Word("direction", "drop", ("drop", "surge"), "which way is bad")
_Z: Final = Parameter("z", 3, 0, 100, "least distance from the past, in spreads")
_RATIO: Final = Parameter("ratio", None, 0, 1_000, "breach beyond this multiple of the past")
_BACK: Final = Parameter("clear_ratio", None, 0, 1_000, "clear within this multiple of the past")
_HISTORY: Final = Parameter("history_s", 600, 30, DAY_S, "length of the past")
_GAP: Final = Parameter("gap_s", 60, 0, DAY_S, "how long ago the past ends")
_WARMUP: Final = Parameter("warmup_s", 300, 0, DAY_S, "no verdict before, since the start")
_MIN_VALUE: Final = Parameter("min_value", 0, 0, BIG, "least past (drop) or value (surge)")
_RELEARN: Final = Parameter("relearn_s", 900, 30, DAY_S, "a breach this long is the new normal")
_BAND: Final = (
    Parameter("min_band", 0, 0, BIG, "least spread, in units of the metric"),
    Parameter("min_band_ratio", 0.1, 0, 10, "least spread, as a share of the past"),
)
_RATE: Final = Parameter("rate_s", 0, 0, 3_600, "judge the growth of a total over this long")
_PAST: Final = (_RATE, _Z, _RATIO, _BACK, _HISTORY, _WARMUP, _MIN_VALUE, _RELEARN, *_BAND)

_SUM: Final = (
    _RATIO,
    _HISTORY,
    _GAP,
    Parameter("limit", 6, 0.1, 1_000, "evidence needed, in nats"),
    _RELEARN,
)

_TABLE: Final = (
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
        one_of=("above", "below"),
    ),
    Kind(
        "absence",
        "a figure that counts seconds without something",
        (Parameter("after_s", None, 1, DAY_S, "breach when it lasts longer"),),
        one_of=("after_s",),
    ),
    Kind(
        "event",
        "told events pass through: a count that grows is an alert",
        (Parameter("lasts_s", 60, 5, DAY_S, "open this long after the last one"),),
    ),
    Kind(
        "robust_z",
        "median and MAD of the past, with a least band",
        (*_PAST, _GAP),
        one_of=("ratio",),
        words=(_DIRECTION,),
    ),
    Kind(
        "ewma",
        "exponentially weighted mean and variance as a control chart",
        _PAST,
        one_of=("ratio",),
        words=(_DIRECTION,),
    ),
    Kind(
        "change",
        "the figure against itself a while ago",
        (
            _RATIO,
            _BACK,
            Parameter("gap_s", 300, 5, DAY_S, "how long ago"),
            _WARMUP,
            _MIN_VALUE,
            Parameter("history_s", 60, 5, DAY_S, "how much older it may be"),
        ),
        one_of=("ratio",),
        words=(_DIRECTION,),
    ),
    Kind(
        "cusum",
        "lasting change of a count, by Page's cumulative sum of Poisson likelihoods",
        (
            *_SUM,
            Parameter("dispersion", 1, 0.1, 100, "variance over mean of the count"),
            Parameter("min_rate", 1e-9, 1e-9, BIG, "least past count a minute"),
            Parameter("min_exposure", 5, 0, BIG, "least past, in minutes"),
            Parameter("min_count", 10, 0, BIG, "least past count (drop)"),
        ),
        one_of=("ratio",),
        words=(_DIRECTION,),
    ),
    Kind(
        "cusum_ratio",
        "lasting change of a share, by Page's cumulative sum of binomial likelihoods",
        (
            *_SUM,
            Parameter("min_exposure", 10, 0, BIG, "least past count of `per`"),
        ),
        one_of=("ratio",),
        words=(_DIRECTION, Word("per", None, (), "the total that the metric is a share of")),
    ),
    Kind(
        "wilson",
        "a rate whose Wilson interval excludes the session's own rate",
        (
            Parameter("z", 3.3, 0.1, 10, "half width in standard normal units"),
            Parameter("ratio", 1, 0.01, 100, "multiple of the past rate to exclude"),
            Parameter("min_den", 50, 1, BIG, "least denominator in the window"),
            Parameter("min_base_den", 200, 1, BIG, "least denominator before it"),
        ),
        words=(_DIRECTION,),
    ),
    Kind(
        "share",
        "a share of comments against its own past, with distinct users",
        (
            _RATIO,
            Parameter("least_ratio", 0.1, 0, 1, "share below which nothing is told"),
            Parameter("min_users", 5, 1, BIG, "least distinct users"),
            Parameter("history_s", 1800, 60, DAY_S, "memory of the past"),
        ),
        one_of=("ratio",),
        words=(Word("users", "", (), "the metric that counts the users"),),
    ),
    Kind(
        "pace",
        "progress towards a target event, too slow over a long and a short window",
        (
            Parameter("below", 0.8, 0.01, 10, "breach below this share of the even pace"),
            Parameter("clear_above", 0.95, 0.01, 10, "clear above it"),
            Parameter("long_s", 1800, 60, DAY_S, "long window"),
            Parameter("short_s", 300, 30, DAY_S, "short window"),
            Parameter("planned_s", 3600, 60, 7 * DAY_S, "planned length of the session"),
            _WARMUP,
        ),
    ),
    Kind(
        "mismatch",
        "our figure against a reported one",
        (
            Parameter("ratio", 0.05, 0, 1, "breach when they differ by more"),
            Parameter("min_value", 1, 0, BIG, "no verdict below"),
        ),
        words=(Word("reported", None, (), "the other figure, e.g. reported_gmv"),),
    ),
)

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _TABLE}

POOL_FIGURES: Final = (
    "on_hand", "reserved", "sold", "returned", "available", "oversell_units", "velocity_5m",
    "velocity_15m", "stockout_eta_s", "stockout_eta_low_s", "stockout_eta_high_s", "cover_days",
    "restock_hint_units", "capital_tied_minor", "shared_available",
    "hot", "dead", "slow",
)  # fmt: skip
"""Figures a rule of scope pool may name."""

SETTINGS: Final[dict[str, tuple[int, int, int]]] = {
    "rate_cap_per_room": (12, 1, 1_000),
    "rate_cap_window_s": (600, 10, 86_400),
    "known_event_s": (120, 0, 3_600),
    "silence_after_s": (90, 0, 3_600),
    "payment_wait_s": (30, 5, 600),
    "snooze_s": (600, 10, 86_400),
}
"""Setting name to (default, lowest, highest)."""

TIMES: Final[dict[str, tuple[int, int, int]]] = {
    "hold_s": (0, 0, 3_600),
    "clear_s": (0, 0, 3_600),
    "cooldown_s": (120, 0, 86_400),
    "every_s": (5, 1, 600),
}
"""Rule key to (default, lowest, highest), in seconds of event time."""

BEAT_S: Final = 5
"""Rules are judged once in this time of the watermark, or more rarely; with `every_s = 1` each
second, which only figures of pools and told violations can be."""
