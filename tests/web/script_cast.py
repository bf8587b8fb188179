"""Who and what is in the scripted session: names, and the alerts it starts with."""

Fields = dict[str, object]

TENANT = "t1"
GROUP = "t1/t1"
START_MS = 1_793_448_000_000
MINUTE_MS = 60_000
PRODUCTS = (
    ("p1", "修护面霜 50ml", 19900, 900), ("p2", "玻尿酸面膜 10片装", 8900, 1400),
    ("p3", "氨基酸洁面乳", 6900, 500), ("p4", "烟酰胺精华 30ml", 25900, 260),
    ("p5", "防晒喷雾 SPF50+", 12900, 2000), ("p6", "卸妆膏 100g", 9900, 140),
    ("p7", "护手霜三支礼盒", 5900, 3000), ("p8", "旅行套装七件", 15900, 380),
    ("p9", "唇釉 豆沙色", 7900, 90), ("p10", "眼霜 15g", 22900, 620),
)  # fmt: skip
ROOMS = (
    ("r1", "小满护肤 · 秋冬补水专场", "h1", 1.0), ("r2", "小满护肤 · 彩妆夜", "h2", 0.62),
    ("r3", "小满护肤 · 工厂溯源直播", "h3", 0.38), ("r4", "小满护肤 · 会员日返场", "h4", 0.3),
    ("r5", "小满护肤 · 早八护肤课", "h2", 0.21), ("r6", "小满护肤 · 山茶花节", "h5", 0.15),
)  # fmt: skip
HOSTS = (("h1", "小雨"), ("h2", "阿杰"), ("h3", "林夕"), ("h4", "Momo"), ("h5", "陈老师"))


def names() -> Fields:
    """Names of everything in the script."""
    titles = {f"product.{code}": title for code, title, _, _ in PRODUCTS}
    titles |= {f"host.{code}": title for code, title in HOSTS}
    titles |= {f"room.{code}": title for code, title, _, _ in ROOMS}
    titles["campaign.c1"] = "限时秒杀"
    return {key: {"title": title, "image": None} for key, title in titles.items()}


def alert(rule: str, subject: str, **changes: object) -> Fields:
    """One alert log entry as of the script's start, with some fields changed."""
    since = START_MS + 95 * MINUTE_MS
    return {
        "id": f"{TENANT}/r1/{rule}/{subject}@{since}", "rule": rule, "tenant": TENANT,
        "group": TENANT, "room_id": "r1", "subject": subject, "state": "firing",
        "severity": "warning", "role": "operator", "since_ms": since, "at_ms": since,
        "value": 0.011, "baseline": 0.026, "window": "r5", "num": 9, "den": 818,
        "title_en": rule, "title_zh": rule, "action_en": "", "action_zh": "",
        "metric": None, "contributor": None,
    } | changes  # fmt: skip


def alerts() -> list[Fields]:
    """Three open, one resolved."""
    gone = alert(
        "stockout_eta", "p9", severity="critical", role="warehouse", metric="stockout_eta_s",
        value=170, baseline=None, num=None, den=None, window=None,
        title_en="p9 sells out in less than 3 minutes", title_zh="p9 预计 3 分钟内售罄",
        action_en="Pull the link or release the reserve; list the lip set next",
        action_zh="下架链接或释放安全库存，下一款上唇部套装",
    )  # fmt: skip
    cold = alert(
        "conversion_anomaly", "r1", metric="cvr_view",
        title_en="Conversion far below normal", title_zh="转化率显著低于正常",
        contributor={"dimension": "product", "key": "p4", "share": 0.61},
        action_en="Check price and payment of the serum; explain it again",
        action_zh="检查精华的价格与支付，重新讲解",
    )  # fmt: skip
    quiet = alert(
        "engagement_drop", "r1", severity="info", role="host", value=31, baseline=58,
        num=None, den=None, title_en="Comments slow down", title_zh="互动下降",
        action_en="Ask a question or start a raffle", action_zh="提问互动或开启抽奖",
    )  # fmt: skip
    past = alert(
        "traffic_drop", "r1", state="resolved", title_en="Traffic drop", title_zh="流量骤降"
    )
    return [gone, cold, quiet, past]
