"""A scripted session: rooms, boards, stock and alerts as channel patches, the same every time.

It knows nothing of events: it makes what an engine would put on the channels, so that every
state a page can be in (rank changes, sold out, a zero denominator, an ended room) is there on
demand, and the last value of every field is the truth that a test compares with.
"""

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.web.script_boards import keywords, pairs, ranked
from tests.web.script_cast import GROUP, PRODUCTS, ROOMS, START_MS, TENANT, Fields, names

Patches = dict[str, Fields]

TERMS = (
    "多少钱",
    "面霜",
    "敏感肌能用吗",
    "有赠品吗",
    "发货",
    "上链接",
    "好用",
    "色号",
    "包邮",
    "孕妇",
    "保质期",
    "回购",
)
CHANNELS = (
    ("feed", 46),
    ("paid", 24),
    ("search", 13),
    ("follow", 10),
    ("share", 5),
    ("unknown", 2),
)


@dataclass
class Figures:
    """Running sums of one room; `minutes` holds the same sums a minute at a time."""

    exposure: int = 0
    views: int = 0
    shown: int = 0
    clicks: int = 0
    orders: int = 0
    pays: int = 0
    gmv: int = 0
    refunds: int = 0
    comments: int = 0
    likes: int = 0
    gifts: int = 0
    follows: int = 0
    shares: int = 0
    units: int = 0

    def add(self, other: "Figures") -> None:
        """Add every sum of `other`."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def ratio(num: int, den: int) -> Fields:
    """A ratio as the channels carry it."""
    return {"num": num, "den": den, "value": num / den if den else None}


def metrics(figures: Figures, online: int, peak: int, minutes: int) -> Fields:
    """Every metric of one window."""
    return {
        "room_exposure_uv": figures.exposure,
        "view_pv": int(figures.views * 1.3),
        "view_uv": figures.views,
        "product_exposure_uv": figures.shown,
        "product_click_uv": figures.clicks,
        "order_uv": figures.orders,
        "pay_uv": figures.pays,
        "orders_paid": figures.pays,
        "units_paid": figures.units,
        "gmv_paid": figures.gmv,
        "gmv_net": figures.gmv - figures.refunds,
        "refund_amount": figures.refunds,
        "refund_rate": ratio(figures.refunds, figures.gmv),
        "cvr_view": ratio(figures.pays, figures.views),
        "cvr_click": ratio(figures.pays, figures.clicks),
        "aov_order": ratio(figures.gmv, figures.pays),
        "aov_buyer": ratio(figures.gmv, figures.pays),
        "comment_per_min": ratio(figures.comments, minutes),
        "like_count": figures.likes,
        "comment_count": figures.comments,
        "question_share": ratio(figures.comments // 5, figures.comments),
        "negative_share": ratio(figures.comments // 40, figures.comments),
        "gift_count": figures.gifts,
        "follow_uv": figures.follows,
        "share_count": figures.shares,
        "online_now": online,
        "pcu": peak,
    }


@dataclass
class Room:
    """One room's script."""

    id: str
    title: str
    host: str
    size: float
    rng: random.Random
    session: Figures = field(default_factory=Figures)
    minute: Figures = field(default_factory=Figures)
    recent: deque[Figures] = field(default_factory=lambda: deque(maxlen=5))
    online: int = 0
    peak: int = 0
    minute_peak: int = 0
    products: dict[str, list[int]] = field(default_factory=dict)
    channels: dict[str, list[int]] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    explaining: tuple[str, int] | None = None

    def second(self, at: int, stock: "dict[str, list[int]]") -> None:
        """One second of the session; `at` seconds after its start."""
        wave = 0.55 + 0.35 * math.sin(at / 900) + 0.25 * math.sin(at / 260 + self.size * 9)
        level = max(60.0, 1500 * self.size * min(1.0, (at + 120) / 1500) * (0.6 + wave))
        self.online += round((level - self.online) * 0.05 + self.rng.gauss(0, 3))
        self.online = max(3, self.online)
        self.peak = max(self.peak, self.online)
        self.minute_peak = max(self.minute_peak, self.online)
        step = Figures()
        rate = self.online / 160
        step.exposure = self._some(rate * 5.2)
        step.views = self._some(rate * 0.9)
        step.shown = self._some(rate * 0.55)
        step.clicks = self._some(rate * 0.2)
        step.orders = self._some(rate * 0.045)
        step.comments = self._some(rate * 0.25)
        step.likes = self._some(rate * 2.2)
        step.gifts = self._some(rate * 0.06)
        step.follows = self._some(rate * 0.05)
        step.shares = self._some(rate * 0.03)
        for _ in range(step.orders):
            self._order(step, stock)
        self._split(step)
        self.session.add(step)
        self.minute.add(step)

    def _some(self, mean: float) -> int:
        whole = int(mean)
        return whole + (self.rng.random() < mean - whole)

    def _order(self, step: Figures, stock: "dict[str, list[int]]") -> None:
        code, _, price, _ = self.rng.choices(
            PRODUCTS, [3 if self.explaining and p[0] == self.explaining[0] else 1 for p in PRODUCTS]
        )[0]
        if stock[code][0] <= 0 or self.rng.random() < 0.12:
            return
        units = 1 + (self.rng.random() < 0.2)
        units = min(units, stock[code][0])
        stock[code][0] -= units
        stock[code][1] += units
        step.pays += 1
        step.units += units
        step.gmv += price * units - self.rng.choice((0, 0, 500, 1000, 1234))
        mine = self.products.setdefault(code, [0, 0])
        mine[0] += price * units
        mine[1] += units
        if self.rng.random() < 0.06:
            step.refunds += price

    def _split(self, step: Figures) -> None:
        names, weights = zip(*CHANNELS, strict=True)
        for name in self.rng.choices(names, weights, k=step.views):
            self.channels.setdefault(name, [0, 0])[0] += 1
        for name in self.rng.choices(names, weights, k=step.pays):
            self.channels.setdefault(name, [0, 0])[1] += 1
        for _ in range(step.comments):
            term = TERMS[min(int(self.rng.expovariate(0.45)), len(TERMS) - 1)]
            self.terms[term] = self.terms.get(term, 0) + 1


class Script:
    """The session. `patches` of `advance` applied to `state()` are the next `state()`."""

    def __init__(self, rooms: int = 3, minutes: int = 95, seed: int = 7) -> None:
        self.rooms = [
            Room(id_, title, host, size, random.Random(seed + number))
            for number, (id_, title, host, size) in enumerate(ROOMS[:rooms])
        ]
        self.stock = {code: [on_hand * (1 + rooms // 3), 0] for code, _, _, on_hand in PRODUCTS}
        self.sold_at: deque[dict[str, int]] = deque(maxlen=300)
        self.hist: Patches = {}
        self.marks: Patches = {}
        self.ranks: dict[str, dict[str, int]] = {}
        self.at = 0
        for _ in self._run(minutes * 60 + 37):
            pass

    @property
    def now_ms(self) -> int:
        """Event time of the second played last."""
        return START_MS + self.at * 1000

    def advance(self, seconds: int = 1) -> Patches:
        """Play on; the changed fields of every channel."""
        before = self.state()
        for _ in self._run(seconds):
            pass
        after = self.state()
        patches: Patches = {}
        for channel, fields in after.items():
            old = before.get(channel, {})
            changed = {name: value for name, value in fields.items() if old.get(name) != value}
            changed |= {name: None for name in old if name not in fields}
            if changed:
                patches[channel] = changed
        return patches

    def _run(self, seconds: int) -> Iterator[None]:
        for _ in range(seconds):
            for room in self.rooms:
                self._marks(room)
                room.second(self.at, self.stock)
            self.sold_at.append({code: pool[1] for code, pool in self.stock.items()})
            self.at += 1
            if self.at % 60 == 0:
                self._close_minute()
            yield

    def _marks(self, room: Room) -> None:
        if self.at % 420 == 30:
            code = PRODUCTS[(self.at // 420 + int(room.id[1:])) % len(PRODUCTS)][0]
            room.explaining = (code, self.now_ms)
        elif room.explaining and self.at % 420 == 330:
            self._mark(room, "explanation", *room.explaining, self.now_ms)
            room.explaining = None
        if self.at % 3600 == 1500:
            self._mark(room, "promo", "c1", self.now_ms, self.now_ms + 480_000)

    def _mark(self, room: Room, kind: str, id_: str, start: int, end: int | None) -> None:
        fields = self.marks.setdefault(f"room:{TENANT}/{room.id}", {})
        value = {"kind": kind, "id": id_, "start_ms": start, "end_ms": end}
        fields[f"mark.{start}.{kind}.{id_}"] = value

    def _close_minute(self) -> None:
        start = START_MS + (self.at - 60) * 1000
        for room in self.rooms:
            row = metrics(room.minute, room.online, room.minute_peak, 1) | {"revision": 0}
            self.hist.setdefault(f"hist:{TENANT}/{room.id}", {})[str(start)] = row
            of_products = self.hist.setdefault(f"hist:{TENANT}/{room.id}/product", {})
            for place, (code, (_, units)) in enumerate(sorted(room.products.items())):
                clicks = (units * 7 + place + self.at // 60) % 23
                of_products[f"{start}.{code}"] = {"product_click_uv": clicks, "revision": 0}
            room.recent.append(room.minute)
            room.minute, room.minute_peak = Figures(), 0
        if self.at % 300 == 0:
            for name, fields in self._boards().items():
                self.ranks[name] = {str(line["key"]): int(rank) for rank, line in fields.items()}

    def state(self) -> Patches:
        """Every channel with all its fields."""
        state: Patches = {channel: dict(fields) for channel, fields in self.hist.items()}
        for room in self.rooms:
            path = f"{TENANT}/{room.id}"
            state[f"room:{path}"] = self._room(room) | self.marks.get(f"room:{path}", {})
            if room.explaining:
                code, start = room.explaining
                mark = {"kind": "explanation", "id": code, "start_ms": start, "end_ms": None}
                state[f"room:{path}"][f"mark.{start}.explanation.{code}"] = mark
            state[f"split:{path}/channel"] = {
                f"session.{name}.{key}": pair[at]
                for key, pair in room.channels.items()
                for at, name in enumerate(("view_uv", "pay_uv"))
            }
            state[f"board:{GROUP}/terms@{room.id}"] = {
                rank: line | {"mentions": line["value"], "rank": int(rank), "prev_rank": None}
                for rank, line in ranked({k: [n] for k, n in room.terms.items()}, 0).items()
            }
            state[f"board:{GROUP}/keywords@{room.id}"] = keywords(room.terms)
            state[f"board:{GROUP}/pairs@{room.id}"] = pairs(room.products)
        for name, lines in self._boards().items():
            ranks = self.ranks.get(name, {})
            state[f"board:{GROUP}/{name}"] = {
                rank: line | {"prev_rank": ranks.get(str(line["key"]))}
                for rank, line in lines.items()
            }
        return state | {f"stock:{GROUP}": self._stock(), f"names:{GROUP}": names()}

    def _room(self, room: Room) -> Fields:
        fields: Fields = {
            "meta.title": room.title, "meta.status": "live", "meta.start_ms": START_MS,
            "meta.end_ms": None, "meta.wm_ms": self.now_ms - 2000, "meta.currency": "CNY",
            "meta.host_id": room.host,
        }  # fmt: skip
        last5 = Figures()
        for minute in (*room.recent, room.minute):
            last5.add(minute)
        windows = {
            "session": (room.session, room.peak, self.at // 60 + 1),
            "m1": (room.minute, room.minute_peak, 1),
            "r5": (last5, room.peak, 5),
        }
        for window, (figures, peak, minutes) in windows.items():
            for name, value in metrics(figures, room.online, peak, minutes).items():
                if window != "r5" or name not in ("online_now", "pcu"):
                    fields[f"{window}.{name}"] = value
        return {name: value for name, value in fields.items() if value is not None}

    def _boards(self) -> dict[str, dict[str, Fields]]:
        total: dict[str, list[int]] = {}
        boards: dict[str, dict[str, Fields]] = {}
        hosts: dict[str, int] = {}
        for room in self.rooms:
            hosts[room.host] = hosts.get(room.host, 0) + room.session.gmv
            boards[f"products_gmv@{room.id}"] = ranked(room.products, 0)
            for code, (gmv, units) in room.products.items():
                pair = total.setdefault(code, [0, 0])
                pair[0], pair[1] = pair[0] + gmv, pair[1] + units
        boards["products_gmv"] = ranked(total, 0)
        boards["products_units"] = ranked(total, 1)
        boards["rooms_gmv"] = ranked({r.id: [r.session.gmv] for r in self.rooms}, 0)
        boards["hosts_gmv"] = ranked({host: [gmv] for host, gmv in hosts.items()}, 0)
        return boards

    def _stock(self) -> Fields:
        pools: Fields = {}
        for code, (left, sold) in self.stock.items():
            past = self.sold_at[0].get(code, 0) if self.sold_at else 0
            per_min = (sold - past) / max(1, len(self.sold_at)) * 60
            eta = round(left / per_min * 60) if per_min and left else None
            level = "out" if left <= 0 else "low" if eta is not None and eta < 900 else "ok"
            pools[code] = {
                "on_hand": left + 4, "reserved": 4, "sold": sold, "available": left,
                "velocity_5m": round(per_min, 2), "stockout_eta_s": eta, "level": level,
            }  # fmt: skip
        return pools
