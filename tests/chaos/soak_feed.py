"""Events of rooms that open and close, for as long as one likes: no plan is drawn beforehand."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulators.columns import generator
from simulators.plan import ALLOWED_LATENESS_MS, MAX_OUT_OF_ORDERNESS_MS

VIEWERS: Final = 2_000
"""Viewers of one session; the next session of the room has others."""
PRODUCTS: Final = 40
GAP_MS: Final = 20_000
"""From the end of a session to the next one's start."""
_MIX: Final = {
    "enter": 0.30,
    "leave": 0.14,
    "heartbeat": 0.18,
    "like": 0.12,
    "comment": 0.05,
    "follow": 0.02,
    "product_exposure": 0.12,
    "product_click": 0.05,
    "order_created": 0.008,
    "order_paid": 0.008,
    "refund_succeeded": 0.004,
}
_KINDS: Final = tuple(_MIX)
_CARDS: Final = frozenset(("product_exposure", "product_click"))
_TRADE: Final = frozenset(("order_created", "order_paid", "refund_succeeded"))


@dataclass(slots=True)
class _Room:
    """One room: its session's serial number, and when it opens or closes next."""

    number: int
    tenant: str
    next_ms: int
    serial: int = 0
    open: bool = False


@dataclass
class Feed:
    """Draws lines by tenant for a stretch of wall time.

    Args:
        rooms: that take turns at being open.
        tenants: that own them, in equal shares.
        life_ms: length of a session, on average; each is 0.5 to 1.5 times as long.
        seed: of everything.
    """

    rooms: int
    tenants: int
    life_ms: int
    seed: int = 1
    opened: int = 0
    closed: int = 0
    _rooms: list[_Room] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._rng = generator(self.seed, 77)

    def lines(self, now_ms: int, until_ms: int, count: int) -> dict[str, list[str]]:
        """Lines of `[now_ms, until_ms)` by tenant: openings and closings, then `count` events."""
        out: dict[str, list[str]] = {}
        if not self._rooms:
            self._rooms = [self._room(number, now_ms) for number in range(self.rooms)]
        for room in self._rooms:
            if room.next_ms <= now_ms:
                out.setdefault(room.tenant, []).append(self._turn(room, now_ms))
        live = [room for room in self._rooms if room.open]
        if live:
            self._events(live, now_ms, until_ms, count, out)
        return out

    def ends(self, now_ms: int) -> dict[str, list[str]]:
        """Close every open room."""
        out: dict[str, list[str]] = {}
        for room in self._rooms:
            if room.open:
                out.setdefault(room.tenant, []).append(self._turn(room, now_ms))
        return out

    def _room(self, number: int, now_ms: int) -> _Room:
        # Spread over a session's length, so that as many open as close at any time.
        start_ms = now_ms + number * min(self.life_ms, 60_000) // self.rooms
        return _Room(number, f"t{number * self.tenants // self.rooms + 1}", start_ms)

    def _turn(self, room: _Room, now_ms: int) -> str:
        room.open = not room.open
        if room.open:
            room.serial = self.opened
            self.opened += 1
            room.next_ms = now_ms + int(self.life_ms * self._rng.uniform(0.5, 1.5))
        else:
            self.closed += 1
            room.next_ms = now_ms + GAP_MS
        self._number += 1
        status = "start" if room.open else "end"
        return (
            f'{{"event_id":"s{self._number:x}","source":"/soak/{room.number}",'
            f'"type":"room_status","event_time_ms":{now_ms},"tenant":"{room.tenant}",'
            f'"room_id":"r{room.number}","host_id":"h{room.number}","status":"{status}"}}\n'
        )

    def _events(
        self, live: list[_Room], now_ms: int, until_ms: int, count: int, out: dict[str, list[str]]
    ) -> None:
        rng = self._rng
        kinds = rng.choice(len(_KINDS), count, p=np.array(tuple(_MIX.values()))).tolist()
        rooms = rng.integers(0, len(live), count).tolist()
        times = np.sort(rng.integers(now_ms, max(until_ms, now_ms + 1), count)).tolist()
        people = rng.integers(0, VIEWERS, count).tolist()
        products = rng.integers(0, PRODUCTS, count).tolist()
        for kind, place, at_ms, person, product in zip(
            kinds, rooms, times, people, products, strict=True
        ):
            room, name = live[place], _KINDS[kind]
            self._number += 1
            user = (room.serial * VIEWERS + person) * 0x9E3779B97F4A7C15 % 2**64
            more = _extra(name, self._number, product, room)
            out.setdefault(room.tenant, []).append(
                f'{{"event_id":"k{self._number:x}","source":"/soak/{room.number}",'
                f'"type":"{name}","event_time_ms":{at_ms},"tenant":"{room.tenant}",'
                f'"room_id":"r{room.number}","user_id":"{user:016x}"{more}}}\n'
            )


def _extra(name: str, number: int, product: int, room: _Room) -> str:
    """The fields of a type that not every type has."""
    if name == "enter":
        return f',"channel":"{("feed", "paid", "search")[number % 3]}","segment":"new"'
    if name == "like":
        return ',"qty":3'
    if name == "comment":
        return ',"text":"how much is it?"'
    if name in _CARDS:
        return f',"product_id":"p{product}"'
    if name in _TRADE:
        refund = f',"refund_id":"f{number}"' if name == "refund_succeeded" else ""
        return (
            f',"product_id":"p{product}","order_id":"o{number}","qty":1,"amount_minor":9900,'
            f'"currency":"CNY"{refund}'
        )
    return ""


def closing_ms(now_ms: int) -> int:
    """Time of a tick behind which every window of `now_ms` is final."""
    past = now_ms + MAX_OUT_OF_ORDERNESS_MS + ALLOWED_LATENESS_MS + 60_000
    return -(-past // 60_000) * 60_000
