"""Random small logs: everything that can go wrong, at once, seeded."""

import json
import random

from stream.formats import closing_tick_ms, tick_line
from tests.oracle.support import USER, T

MINUTE_MS = 60_000
PLAIN = (
    *("enter", "enter", "leave", "heartbeat", "comment", "like", "gift", "follow", "share"),
    *("fans_join", "product_exposure", "product_click", "product_click", "add_to_cart"),
    "room_exposure",
)
TRADE = ("order_created", "order_paid", "order_paid", "order_cancelled", "refund_requested")
ROOMS = ("r1", "r1", "r2", "r3")
MARKS = (
    *("explain_start", "explain_start", "explain_end", "shift_start", "shift_end"),
    *("promo_start", "promo_end"),
)
OTHER = (
    *("cost", "catalog", "catalog", "product_listed", "settlement", "stock_set"),
    *("room_stats", "room_stats", "room_stats", "room_stats", "target", "target", "catalog"),
)
GAUGES = ("online", "viewers", "likes", "gmv", "unheard_of")
TARGETS = ("gmv_paid", "gmv_paid", "session_minutes", "session_minutes", "units_paid")


def random_log(seed: int, minutes: int = 8, events: int = 250, masked: float = 0.05) -> list[bytes]:
    """Lines of a log with ticks: two tenants, three rooms, disorder up to and past lateness.

    Rooms say when they start and end, within the out-of-orderness: which session an event
    belongs to is exact as far as that goes. Everything else may come a minute late, or later.
    """
    rng = random.Random(seed)
    times = sorted(rng.randrange(1_000, minutes * MINUTE_MS) for _ in range(events))
    silence_ms = 40 * MINUTE_MS if rng.random() < 0.3 else 0
    half_ms = minutes * MINUTE_MS // 2
    made = [_event(rng, time + (silence_ms if time > half_ms else 0)) for time in times]
    for event in made:
        if rng.random() < masked:
            event["identity"] = "masked"
    statuses = [
        one for room in sorted(set(ROOMS)) for one in _statuses(rng, room, half_ms, silence_ms)
    ]
    arriving: list[tuple[int, int, bytes]] = []
    passing = [one for number in range(6) for one in _passer(number, half_ms)]
    for number, event in enumerate(made + statuses + passing):
        status = event["type"] == "room_status"
        line = json.dumps(event | {"event_id": f"e{number}"}).encode()
        at_ms = int(str(event["event_time_ms"])) - T
        arriving.append((at_ms + (rng.randrange(1_900) if status else _delay(rng)), number, line))
        if rng.random() < 0.05:
            arriving.append((at_ms + _delay(rng), number, line))
    return _with_ticks(sorted(arriving))


def _statuses(
    rng: random.Random, room: str, half_ms: int, silence_ms: int
) -> list[dict[str, object]]:
    """Starts and ends of a room: one session, a quick restart, or two sessions."""
    plan = [(0, "start")]
    if rng.random() < 0.7:
        end_ms = rng.randrange(30_000, half_ms - 60_000)
        plan += [(end_ms, "end"), (end_ms + rng.randrange(13_000, 50_000), "start")]
    if silence_ms:
        plan.append((half_ms + silence_ms, "start"))
    if rng.random() < 0.5:
        plan.append((2 * half_ms + silence_ms, "end"))
    return [
        _base(room, time_ms) | {"type": "room_status", "status": status} for time_ms, status in plan
    ]


def _passer(number: int, half_ms: int) -> list[dict[str, object]]:
    """Somebody who enters and does little or nothing: the few viewers of the rest do all."""
    came = _base(ROOMS[number % len(ROOMS)], 1_000 + number * half_ms // 3)
    came["user_id"] = USER.format(100 + number)
    kinds = ("enter", "share") if number % 2 else ("enter",)
    return [came | {"type": kind} for kind in kinds]


def _base(room: str, time_ms: int) -> dict[str, object]:
    return {
        "source": "fuzz",
        "event_time_ms": T + time_ms,
        "tenant": "t2" if room == "r3" else "t1",
        "room_id": room,
    }


def _with_ticks(arriving: list[tuple[int, int, bytes]]) -> list[bytes]:
    lines = [tick_line(T)]
    second = 0
    for at_ms, _, line in arriving:
        while second < at_ms // 1000:
            second += 1
            lines.append(tick_line(T + second * 1000))
        lines.append(line)
    return [*lines, tick_line(closing_tick_ms(T + second * 1000))]


def _delay(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.8:
        return rng.randrange(1_900)
    return rng.randrange(61_000) if kind < 0.98 else rng.randrange(61_000, 90_000)


def _event(rng: random.Random, time_ms: int) -> dict[str, object]:
    event = _base(rng.choice(ROOMS), time_ms)
    event["user_id"] = USER.format(rng.randrange(8))
    for name, values in (
        ("channel", ("paid", "feed")),
        ("host_id", ("h1", "h2")),
        ("segment", ("new", "returning", "member")),
    ):
        if rng.random() < 0.7:
            event[name] = rng.choice(values)
    kind = rng.random()
    if kind < 0.66:
        return event | {"type": rng.choice(PLAIN), "product_id": _product(rng), "text": _text(rng)}
    if kind < 0.76:
        return event | _other(rng)
    if kind < 0.82:
        # To the full second: some start or end together.
        event["event_time_ms"] = T + time_ms // 1000 * 1000
        subject = {"host_id": f"h{rng.randrange(2)}", "campaign_id": f"c{rng.randrange(2)}"}
        return event | {"type": rng.choice(MARKS), "product_id": _product(rng)} | subject
    return event | _trade(rng)


TEXTS = (
    *("hi", "多少钱？", "适合敏感肌吗", "假货", "发货太慢了", "发货很快", "质量太差 退款"),
    *("ＨＯＷ much is it", "show me", "不是假\u200b货", "好看 好看", "面霜好用", ""),
    *("1号链接", "👍🏻666", "x" * 700 + "?"),
)


def _text(rng: random.Random) -> str:
    return rng.choice(TEXTS)


def _product(rng: random.Random) -> str:
    return f"p{rng.randrange(3)}"


def _other(rng: random.Random) -> dict[str, object]:
    kind = rng.choice(OTHER)
    found: dict[str, object] = {
        "type": kind,
        "product_id": _product(rng),
        "order_id": "o1",
        "amount_minor": 7,
        "qty": 5,
        "role": "product",
        "target_id": _product(rng),
        "title": "One",
        "value": rng.randrange(1, 500),
    }
    if kind == "catalog" and rng.random() < 0.8:
        found["unit_cost_minor"] = rng.randrange(1, 90)
    if kind in ("room_stats", "target"):
        found["metric"] = rng.choice(GAUGES if kind == "room_stats" else TARGETS)
    return found


def _trade(rng: random.Random) -> dict[str, object]:
    """An event of one of 40 orders; an order keeps its room and host, a line its product."""
    order = rng.randrange(40)
    line = rng.choice((None, "1", "2"))
    kind = rng.choice((*TRADE, "refund_succeeded", "refund_succeeded"))
    found: dict[str, object] = {
        "type": kind,
        "room_id": ROOMS[order % 4],
        "tenant": "t2" if ROOMS[order % 4] == "r3" else "t1",
        "host_id": f"h{order % 3}",
        "order_id": f"o{order}",
        "product_id": f"p{order % 2 + (line == '1')}",
        "amount_minor": rng.choice((None, 0, 999, 1_000, rng.randrange(1, 200_000))),
        "qty": rng.choice((None, 0, 1, 2)),
    }
    if line is not None:
        found["line_id"] = line
    if kind.startswith("refund"):
        found["refund_id"] = f"f{rng.randrange(60)}"
    if kind.startswith("refund") and rng.random() < 0.5:
        found |= {"room_id": None, "product_id": None}
    return found
