"""Audience figures from the platform's own gauges, the mean of the minutes' peaks, and stays.

Enter messages may be a sample of the truth (1 in 9 in a real recording). So each rate over
viewers has a second one over the platform's counter, under another name: `…_reported`.
"""

from typing import Final

from operators.catalogue.model import SESSION_AND_MINUTE, Metric, one

_SESSION: Final = ("session",)


def _reported(
    name: str,
    en: str,
    zh: str,
    formula: str,
    num: str,
    *,
    unit: str = "ratio",
    factor: int = 1,
    rival: str = "",
) -> Metric:
    return Metric(
        name,
        en,
        zh,
        f"{formula} ÷ viewers_reported",
        one(num, factor),
        one("viewers_reported"),
        unit=unit,
        basis="reported",
        windows=_SESSION,
        not_to_confuse=rival or f"{name.removesuffix('_reported')} (÷ view_uv, from enters)",
        source="room_stats",
        pack="traffic",
    )


def _gauge(
    name: str, en: str, zh: str, rival: str, *, unit: str = "count", pack: str = "traffic"
) -> Metric:
    gauge = name.removesuffix("_reported")
    return Metric(
        name,
        en,
        zh,
        f"largest value of the platform's cumulative gauge {gauge}; null without one",
        one(name),
        unit=unit,
        basis="reported",
        windows=_SESSION,
        not_to_confuse=rival,
        source="room_stats",
        pack=pack,
    )


AUDIENCE_METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "acu",
        "Average online",
        "平均在线",
        "sum of each live minute's largest online_now ÷ live minutes",
        one("minute_peaks"),
        one("live_minutes"),
        unit="count",
        basis="gauge",
        windows=_SESSION,
        not_to_confuse="acu_tw: weighted by time",
        source="ty",
        pack="traffic",
    ),
    Metric(
        "active_online",
        "Active viewers online",
        "在线活跃人数",
        "viewers of online_now with a comment, like, gift, follow, share, fans_join, product_click "
        "or add_to_cart in the last 60 s and no leave after it",
        one("active"),
        basis="gauge",
        windows=SESSION_AND_MINUTE,
        not_to_confuse="engage_uv_rate: whoever engaged in the window, still there or not",
        pack="traffic",
    ),
    Metric(
        "silent_online",
        "Silent viewers online",
        "在线沉默人数",
        "online_now − active_online",
        (("online", 1), ("active", -1)),
        basis="gauge",
        windows=SESSION_AND_MINUTE,
        not_to_confuse="viewers who did nothing in the whole session",
        pack="traffic",
    ),
    Metric(
        "retention_30s",
        "Viewers who stayed 30 s",
        "30秒留存率",
        "viewers with an enter in the session who watched it for 30 s or longer in all "
        "÷ viewers with an enter; read once a minute while it is live",
        one("entrants_stayed"),
        one("entrants"),
        unit="ratio",
        basis="uv",
        windows=_SESSION,
        not_to_confuse="first visits of 30 s or longer; viewers over 1 minute of other platforms",
        source="russ",
        pack="traffic",
    ),
    Metric(
        "avg_watch_s_effective",
        "Watch time per viewer who stayed",
        "人均有效观看时长",
        "what viewers with 30 s or more in the session watched ÷ those viewers; read once a "
        "minute while it is live",
        one("stayers_watch_s"),
        one("stayers"),
        unit="seconds",
        basis="gauge",
        windows=_SESSION,
        not_to_confuse="avg_watch_s, over all viewers; variants that drop visits under 45 s",
        source="lb",
        pack="traffic",
    ),
    Metric(
        "online_reported",
        "Online (platform)",
        "在线人数(平台)",
        "last value of the platform's gauge online in the window; null without one",
        one("online_reported"),
        basis="reported",
        not_to_confuse="online_now: from enter and leave events",
        source="room_stats",
        pack="traffic",
    ),
    _gauge("viewers_reported", "Viewers (platform)", "累计观看人数(平台)", "view_uv: from enters"),
    _gauge("likes_reported", "Likes (platform)", "点赞数(平台)", "like_count: feeds lose likes"),
    _gauge(
        "gmv_reported",
        "GMV (platform)",
        "成交金额(平台)",
        "gmv_paid: from order events",
        unit="minor",
        pack="trade",
    ),
    _reported(
        "enter_coverage",
        "Viewers whose enter was seen",
        "进房消息覆盖率",
        "view_uv",
        "viewers",
        rival="entry_rate (÷ users shown the room)",
    ),
    _reported(
        "cvr_view_reported",
        "View-to-pay conversion (platform's viewers)",
        "观看-成交转化率(平台口径)",
        "pay_uv",
        "payers",
    ),
    _reported(
        "engage_uv_rate_reported",
        "Engaged viewers (platform's viewers)",
        "互动率(人, 平台口径)",
        "distinct users of comment, like, share or follow",
        "engaged_users",
    ),
    _reported(
        "uv_value_reported",
        "Value per viewer (platform's viewers)",
        "UV价值(平台口径)",
        "gmv_paid",
        "paid_minor",
        unit="minor",
    ),
    _reported(
        "gpm_viewer_reported",
        "GMV per 1,000 viewers (platform's viewers)",
        "千人观看成交额(平台口径)",
        "gmv_paid × 1000",
        "paid_minor",
        unit="minor",
        factor=1000,
    ),
)
