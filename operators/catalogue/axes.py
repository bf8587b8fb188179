"""Dimensions and windows a metric can have."""

from dataclasses import dataclass
from typing import Final

PANE_MS: Final = 15_000
"""Length of a pane, the unit every window is made of; rolling windows hop by it."""

PANES_PER_MINUTE: Final = 4


@dataclass(frozen=True, slots=True)
class Window:
    """A window over event time, half-open. `panes` 0: from the session's start.

    `wire` is its name in Redis fields, where a leading digit would be awkward to address.
    """

    name: str
    wire: str
    panes: int
    title_en: str
    title_zh: str

    @property
    def length_ms(self) -> int:
        """Length, or 0 for the session."""
        return self.panes * PANE_MS


WINDOWS: Final[tuple[Window, ...]] = (
    Window("session", "session", 0, "session to date", "本场累计"),
    Window("1m", "m1", 4, "this minute", "本分钟"),
    Window("r1", "r1", 4, "last minute", "近1分钟"),
    Window("r5", "r5", 20, "last 5 minutes", "近5分钟"),
    Window("r10", "r10", 40, "last 10 minutes", "近10分钟"),
)
WINDOW_BY_NAME: Final = {window.name: window for window in WINDOWS}
ROLLING_PANES: Final = (4, 20, 40)
"""Lengths of the rolling counts kept for distinct measures, in panes."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What figures are split by.

    `column` is the event field that holds the key, "" for none. `windows`: those a metric can
    have here at the most; a room has thousands of product rows, so they have fewer. A tenant's
    total has no session: its rooms start and end when they like, and it never ends.
    `deferred`: the keys are intervals (`operators.intervals`), known once the horizon has passed.
    """

    name: str
    column: str
    title_en: str
    title_zh: str
    windows: tuple[str, ...] = ("session", "1m")
    deferred: bool = False


DIMENSIONS: Final[tuple[Dimension, ...]] = (
    Dimension("room", "", "room", "直播间", ("session", "1m", "r1", "r5", "r10")),
    Dimension("product", "product_id", "product", "商品", ("session", "1m", "r5")),
    Dimension("channel", "channel", "traffic source", "流量来源", ("session", "1m", "r10")),
    Dimension("host", "host_id", "host", "主播"),
    Dimension("segment", "segment", "viewer segment", "人群"),
    Dimension("campaign", "campaign_id", "campaign", "活动"),
    Dimension("platform", "platform", "platform", "平台"),
    Dimension("price_band", "", "price band", "价格带"),
    Dimension("tenant", "", "shop, all rooms of a group", "店铺合计", ("1m", "r5", "r10")),
    Dimension("explanation", "", "explanation segment", "讲解片段", ("session",), True),
    Dimension("shift", "", "host shift", "主播班次", ("session",), True),
    Dimension(
        "campaign_phase",
        "",
        "before, during and after a campaign; descriptive, never causal",
        "活动前中后(仅描述)",
        ("session",),
        True,
    ),
)
DIMENSION_NUMBER: Final = {dimension.name: number for number, dimension in enumerate(DIMENSIONS)}
UNKNOWN_KEY: Final = "unknown"
"""Key of an event that does not say where it belongs; products have none."""
