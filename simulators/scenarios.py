"""The named scenarios: what goes wrong (or not) in a simulated session, and how strongly.

`SCENARIOS` is the one table of scenarios, `EFFECTS` the one table of what an incident does to
a room. Rates are calibrated to one recorded room: 2.9 events/s mean, 41/s peak, of which 49 %
enter, 17 % gift, 9 % like, 2 % comment, 2 % follow.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effect:
    """What one incident does while it lasts. Factors multiply the room's normal rate.

    `leave_ratio`: share of the viewers online that leave within 45 s of the start.
    `negative_ratio`: share of the comments that are complaints. `reported_ratio`: how much more
    GMV the platform reports than its orders say, from the start of the incident on.
    `alert`: whether a rule should fire; False marks a known event.
    """

    enter: float = 1.0
    click: float = 1.0
    order: float = 1.0
    pay: float = 1.0
    comment: float = 1.0
    engage: float = 1.0
    leave_ratio: float = 0.0
    negative_ratio: float = 0.0
    bots: float = 0.0
    refund_ratio: float = 0.0
    demand_ratio: float = 0.0
    burst_orders: int = 0
    restock_after_s: tuple[int, int] | None = None
    silent: bool = False
    unexplained: bool = False
    promo: bool = False
    target_ratio: float = 0.0
    reported_ratio: float = 0.0
    alert: bool = True


EFFECTS: Final[dict[str, Effect]] = {
    "flash_sale": Effect(enter=1.4, order=4.0, comment=4.0, promo=True, alert=False),
    "stock_out": Effect(demand_ratio=0.6, order=1.5),
    "slow_restock": Effect(demand_ratio=0.6, order=1.5, restock_after_s=(240, 480)),
    "oversell": Effect(demand_ratio=0.5, burst_orders=14),
    "traffic_drop": Effect(enter=0.12, leave_ratio=0.55),
    "traffic_surge": Effect(enter=5.0),
    "payment_failure": Effect(pay=0.04),
    "refund_surge": Effect(refund_ratio=0.5),
    "negative_comments": Effect(comment=8.0, negative_ratio=0.7),
    "bot_flood": Effect(bots=8.0),
    "feed_outage": Effect(silent=True),
    "host_gap": Effect(unexplained=True, click=0.8),
    "violation": Effect(),
    "engagement_drop": Effect(comment=0.05, engage=0.05),
    "sales_slump": Effect(click=0.5, order=0.1),
    "slow_pace": Effect(target_ratio=2.5),
    "mismatch": Effect(reported_ratio=0.2),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of session.

    `incident` starts at a share of the session within `at_ratio` and lasts `lasts_s`, both
    drawn per seed and room; in a short session it is cut to a quarter of the session.
    `enter_per_s` is the mean per room, `wave_ratio` the height of the slow waves.
    """

    name: str
    help: str
    incident: str | None = None
    at_ratio: tuple[float, float] = (0.45, 0.65)
    lasts_s: tuple[int, int] = (300, 480)
    enter_per_s: float = 1.6
    wave_ratio: float = 0.12
    pushes: bool = True


_TABLE: Final = (
    Scenario("calm", "an ordinary session, nothing goes wrong"),
    Scenario(
        "quiet",
        "a small, even session, nothing goes wrong",
        None,
        enter_per_s=0.7,
        wave_ratio=0.04,
        pushes=False,
    ),
    Scenario("flash_sale", "a flash sale: price cut, order and comment burst", "flash_sale"),
    Scenario(
        "stock_out", "the hot item sells out, no restock", "stock_out", (0.25, 0.4), (600, 1500)
    ),
    Scenario(
        "slow_restock",
        "the hot item sells out, restock minutes later",
        "slow_restock",
        (0.2, 0.3),
        (600, 1200),
    ),
    Scenario(
        "oversell_race",
        "rooms race for one pool and sell more than there is",
        "oversell",
        (0.3, 0.45),
        (300, 900),
    ),
    Scenario("traffic_drop", "half the viewers leave, few come", "traffic_drop"),
    Scenario("traffic_surge", "five times the viewers come", "traffic_surge"),
    Scenario(
        "payment_failure",
        "orders are placed but payment fails",
        "payment_failure",
        lasts_s=(420, 600),
    ),
    Scenario(
        "refund_surge",
        "half of one product's buyers want their money back",
        "refund_surge",
        (0.6, 0.75),
    ),
    Scenario("negative_comments", "complaints flood the comments", "negative_comments"),
    Scenario("bot_flood", "bots enter and post the same line", "bot_flood", lasts_s=(120, 300)),
    Scenario("feed_outage", "the room's feed is silent", "feed_outage", lasts_s=(60, 180)),
    Scenario("host_gap", "no host on camera, nothing explained", "host_gap", lasts_s=(300, 600)),
    Scenario("violation", "the platform warns the room", "violation", lasts_s=(60, 60)),
    Scenario("engagement_drop", "viewers stay but fall silent", "engagement_drop"),
    Scenario(
        "mismatch",
        "the platform reports a fifth more GMV than its orders say",
        "mismatch",
        lasts_s=(86_400, 86_400),
    ),
    Scenario("sales_slump", "viewers stay but hardly buy", "sales_slump", lasts_s=(480, 720)),
    Scenario(
        "slow_pace", "the target is far out of reach", "slow_pace", (0.0, 0.0), (86_400, 86_400)
    ),
)

SCENARIOS: Final = {entry.name: entry for entry in _TABLE}
