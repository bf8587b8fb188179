"""Blocks of benchmark events: drawn as columns, written one list comprehension a type."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.columns import Ints, generator
from simulators.names import CHANNELS, COMMENTS, CURRENCY, SEGMENTS, product_price_minor
from simulators.plan import START_MS
from stream.errors import ConfigError

MIX: Final = {
    "enter": 0.30,
    "leave": 0.12,
    "heartbeat": 0.15,
    "gift": 0.10,
    "like": 0.08,
    "comment": 0.03,
    "follow": 0.02,
    "product_exposure": 0.11,
    "product_click": 0.05,
    "add_to_cart": 0.011,
    "order_created": 0.0145,
    "order_paid": 0.0125,
    "refund_succeeded": 0.002,
}
"""Share of each type. Orders that are paid and refunded were created and paid before."""

_TYPES: Final = tuple(MIX)
_CREATED: Final = _TYPES.index("order_created")
_PAID: Final = _TYPES.index("order_paid")
_REFUNDED: Final = _TYPES.index("refund_succeeded")
_LIKE: Final = _TYPES.index("like")


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """Size of a benchmark input; times run over `minutes` from `start_ms`.

    Raises:
        ConfigError: too few events for the opening, or no room for a tenant.
    """

    events: int
    rooms: int = 50
    tenants: int = 8
    viewers: int = 100_000
    products: int = 100
    seed: int = 1
    minutes: int = 60
    start_ms: int = START_MS

    def __post_init__(self) -> None:
        """Check the sizes."""
        if not 1 <= self.tenants <= self.rooms:
            raise ConfigError("tenants", self.tenants, "1 to the number of rooms")
        least = 2 * self.rooms + self.opening
        if self.events < least:
            raise ConfigError("events", self.events, f"at least {least} for these rooms")

    @property
    def opening(self) -> int:
        """Catalog and stock events of all tenants."""
        return self.rooms * 2 + self.tenants * self.products * 2


class _Names:
    """Fixed pieces of lines, by room and product."""

    def __init__(self, plan: BulkPlan) -> None:
        self.rooms = [
            f'","source":"/sim/room/r{room + 1}","tenant":"t{room % plan.tenants + 1}",'
            f'"room_id":"r{room + 1}","type":"'
            for room in range(plan.rooms)
        ]
        self.products = [f'","product_id":"p{number + 1}"' for number in range(plan.products)]


_Rows = Iterable[tuple[int, ...]]
"""(number, time_ms, room, user, product, qty, amount, order) of each line."""


def _viewer(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, head = names.rooms, f'{name}","event_time_ms":'
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}"}}\n'
        for i, t, room, user, _, _, _, _ in rows
    ]


def _enter(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, head = names.rooms, f'{name}","event_time_ms":'
    tails = [f'","channel":"{a}","segment":"{b}"}}\n' for a in CHANNELS for b in SEGMENTS]
    many = len(tails)
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}{tails[user % many]}'
        for i, t, room, user, _, _, _, _ in rows
    ]


def _counted(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, head = names.rooms, f'{name}","event_time_ms":'
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}","qty":{qty}}}\n'
        for i, t, room, user, _, qty, _, _ in rows
    ]


def _comment(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, head = names.rooms, f'{name}","event_time_ms":'
    tails = [f'","text":"{text}"}}\n' for text in COMMENTS]
    many = len(tails)
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}{tails[i % many]}'
        for i, t, room, user, _, _, _, _ in rows
    ]


def _card(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, products, head = names.rooms, names.products, f'{name}","event_time_ms":'
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}{products[product]}}}\n'
        for i, t, room, user, product, _, _, _ in rows
    ]


def _order(names: _Names, name: str, rows: _Rows) -> list[str]:
    rooms, products, head = names.rooms, names.products, f'{name}","event_time_ms":'
    return [
        f'{{"event_id":"b{i:x}{rooms[room]}{head}{t},"user_id":"{user:016x}{products[product]},'
        f'"order_id":"o{order}","qty":{qty},"amount_minor":{amount},"currency":"{CURRENCY}",'
        f'"host_id":"h{room + 1}"}}\n'
        for i, t, room, user, product, qty, amount, order in rows
    ]


def _refund(names: _Names, name: str, rows: _Rows) -> list[str]:
    """A refund bears its order's number: each order is refunded at most once."""
    rows = list(rows)
    return [
        f'{line[:-2]},"refund_id":"f{row[7]}"}}\n'
        for line, row in zip(_order(names, name, rows), rows, strict=True)
    ]


_WRITERS: Final[dict[str, Callable[[_Names, str, _Rows], list[str]]]] = {
    "enter": _enter,
    "leave": _viewer,
    "heartbeat": _viewer,
    "gift": _counted,
    "like": _counted,
    "comment": _comment,
    "follow": _viewer,
    "product_exposure": _card,
    "product_click": _card,
    "add_to_cart": _card,
    "order_created": _order,
    "order_paid": _order,
    "refund_succeeded": _refund,
}


@dataclass(slots=True)
class _Orders:
    """Order columns (room, user, product, qty, amount, number), oldest first."""

    rows: Ints

    def take(self, count: int) -> Ints:
        """Up to `count` of the oldest."""
        out, self.rows = self.rows[:, :count], self.rows[:, count:]
        return out

    def put(self, rows: Ints) -> None:
        """Append."""
        self.rows = np.concatenate([self.rows, rows], axis=1)


class Body:
    """Draws and writes the events between the opening and the end."""

    def __init__(self, plan: BulkPlan) -> None:
        self._plan = plan
        self._rng = generator(plan.seed, 21)
        self._viewers = self._rng.integers(1, 2**63 - 1, plan.viewers)
        self._names = _Names(plan)
        self._prices = np.array([product_price_minor(one) for one in range(plan.products)])
        weights = 1 / np.arange(1, plan.products + 1) ** 0.8
        self._popular = np.cumsum(weights / weights.sum())
        self._unpaid = _Orders(np.empty((6, 0), dtype=np.int64))
        self._paid = _Orders(np.empty((6, 0), dtype=np.int64))
        self._orders = self._number = 0

    def block(self, count: int, low_ms: int, high_ms: int) -> tuple[Ints, list[str]]:
        """`count` events in `[low_ms, high_ms)` in time order."""
        rng = self._rng
        times = np.sort(rng.integers(low_ms, high_ms, count))
        kind = rng.choice(len(_TYPES), count, p=np.array(tuple(MIX.values())))
        room = rng.integers(0, self._plan.rooms, count)
        user = self._viewers[rng.integers(0, len(self._viewers), count)]
        product = np.searchsorted(self._popular, rng.random(count) * self._popular[-1])
        qty = np.minimum(rng.geometric(0.7, count), 20)
        number = self._number + np.arange(count)
        self._number += count
        order = np.full(count, -1, dtype=np.int64)
        columns = np.stack([room, user, product, qty, self._prices[product] * qty, order])
        self._trade(kind, columns)
        texts = np.empty(count, dtype=object)
        for code, name in enumerate(_TYPES):
            at = np.flatnonzero(kind == code)
            rows = zip(
                number[at].tolist(), times[at].tolist(), *columns[:, at].tolist(), strict=True
            )
            texts[at] = _WRITERS[name](self._names, name, rows)
        out: list[str] = texts.tolist()
        return times, out

    def _trade(self, kind: Ints, columns: Ints) -> None:
        """Paid lines copy the oldest unpaid order, refunds the oldest paid one."""
        created = np.flatnonzero(kind == _CREATED)
        columns[5, created] = self._orders + np.arange(len(created))
        self._orders += len(created)
        for code, queue, following in (
            (_REFUNDED, self._paid, None),
            (_PAID, self._unpaid, self._paid),
        ):
            places = np.flatnonzero(kind == code)
            rows = queue.take(len(places))
            columns[:, places[: rows.shape[1]]] = rows
            kind[places[rows.shape[1] :]] = _LIKE
            if following is not None:
                following.put(rows)
        self._unpaid.put(columns[:, created])
