"""Traffic and engagement (research: domain 2a)."""

from typing import Final

from operators.catalogue.model import OVER_TIME, SESSION_AND_MINUTE, TRAFFIC, Metric, one


def _rate(name: str, en: str, zh: str, formula: str, num: str, den: str, **more: str) -> Metric:
    return Metric(
        name,
        en,
        zh,
        formula,
        one(num),
        one(den),
        unit="ratio",
        basis="uv",
        dimensions=TRAFFIC,
        not_to_confuse=more.get("rival", ""),
        source=more.get("source", ""),
        pack="traffic",
    )


def _count(name: str, en: str, zh: str, formula: str, measure: str, basis: str = "pv") -> Metric:
    return Metric(
        name, en, zh, formula, one(measure), basis=basis, dimensions=TRAFFIC, pack="traffic"
    )


TRAFFIC_METRICS: Final[tuple[Metric, ...]] = (
    _count(
        "room_exposure_uv",
        "Users shown the room",
        "直播间曝光人数",
        "distinct users of room_exposure",
        "exposed_users",
        "uv",
    ),
    _count(
        "room_exposure_pv",
        "Room impressions",
        "直播间曝光次数",
        "room_exposure events",
        "room_exposures",
    ),
    _rate(
        "entry_rate",
        "Entry rate",
        "进入率",
        "view_uv ÷ room_exposure_uv",
        "viewers",
        "exposed_users",
        rival="WeChat counts effective entries",
        source="wdsl",
    ),
    _count("comment_count", "Comments", "评论数", "comment events", "comments"),
    _count("like_count", "Likes", "点赞数", "sum of likes", "likes"),
    _count("gift_count", "Gifts", "礼物数", "sum of gifts", "gifts"),
    _count("share_count", "Shares", "分享数", "share events", "shares"),
    _count("follow_uv", "New followers", "新增粉丝", "distinct users of follow", "followers", "uv"),
    _rate(
        "engage_uv_rate",
        "Engaged viewers",
        "互动率(人)",
        "distinct users of comment, like, share or follow ÷ view_uv",
        "engaged_users",
        "viewers",
        rival="actions ÷ viewers",
        source="lz",
    ),
    _rate(
        "comment_rate",
        "Commenting viewers",
        "评论率",
        "distinct commenters ÷ view_uv",
        "commenters",
        "viewers",
        source="wx-end",
    ),
    _rate(
        "like_rate",
        "Liking viewers",
        "点赞率",
        "distinct likers ÷ view_uv",
        "likers",
        "viewers",
        source="wx-end",
    ),
    _rate(
        "follow_rate",
        "Follow rate",
        "转粉率",
        "distinct followers ÷ view_uv",
        "followers",
        "viewers",
        source="dict100",
    ),
    _rate(
        "fansclub_rate",
        "Fan club rate",
        "加团率",
        "distinct fan club joiners ÷ view_uv",
        "fans_joiners",
        "viewers",
        source="dict100",
    ),
    Metric(
        "acu_tw",
        "Average online (time-weighted)",
        "平均在线(时间加权)",
        "sum of online over the seconds ÷ seconds",
        one("watch_s"),
        one("live_s"),
        unit="count",
        basis="gauge",
        windows=("session",),
        not_to_confuse="acu: mean of the minutes' peaks",
        pack="traffic",
    ),
    Metric(
        "avg_watch_s",
        "Watch time per viewer",
        "人均观看时长",
        "sum of online over the seconds ÷ view_uv",
        one("watch_s"),
        one("viewers"),
        unit="seconds",
        basis="gauge",
        windows=("session",),
        not_to_confuse="the effective variant, which drops visits under 30 s",
        source="vk",
        pack="traffic",
    ),
    Metric(
        "src_share",
        "Share of viewers",
        "流量来源占比",
        "view_uv of the key ÷ view_uv of the room",
        one("viewers"),
        one("room_viewers"),
        unit="ratio",
        basis="uv",
        dimensions=("channel", "segment", "platform"),
        source="fld",
        not_to_confuse="shares of views (pv)",
        pack="traffic",
    ),
    Metric(
        "likes_per_min",
        "Likes per minute",
        "每分钟点赞",
        "likes ÷ minutes of the window",
        one("likes"),
        one("minutes"),
        unit="per_minute",
        dimensions=OVER_TIME,
        windows=SESSION_AND_MINUTE,
        pack="traffic",
    ),
)
