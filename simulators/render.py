"""Columns to NDJSON lines. Names come from small tables; one f-string a line."""

from collections.abc import Iterable
from typing import Final

from simulators.columns import NONE, Col, Ints
from simulators.names import CHANNELS, CURRENCY, PLATFORMS, SEGMENTS
from simulators.world import World
from stream.events import EVENT_TYPES, TYPE_CODE

CURRENCY_TYPES: Final = frozenset(
    {"order_created", "order_paid", "refund_requested", "refund_succeeded", "price", "cost"}
)
_PLATFORM_TYPES: Final = frozenset({"room_status", "enter", "order_created", "order_paid"})
_SHOP_SOURCE: Final = frozenset(
    {
        "order_created",
        "order_paid",
        "order_cancelled",
        "refund_requested",
        "refund_succeeded",
        "stock_set",
        "stock_adjust",
        "price",
        "cost",
        "catalog",
        "target",
    }
)
_PLAIN: Final = frozenset(
    TYPE_CODE[name] for name in ("enter", "leave", "heartbeat", "follow", "share", "fans_join")
)
"""Types whose line has viewer fields only: a shorter template."""


class Renderer:
    """Turns rows of a world into lines. Tables hold `,"field":"value"`; index -1 is empty."""

    def __init__(self, world: World) -> None:
        plan = world.plan
        self._run = plan.run_id
        self._tenants = _members("tenant", (f"t{n + 1}" for n in range(plan.tenant_count)))
        self._rooms = _members("room_id", (f"r{n + 1}" for n in range(plan.rooms)))
        self._products = _members("product_id", (f"p{n + 1}" for n in range(plan.products)))
        self._hosts = _members("host_id", (f"h{n + 1}" for n in range(2 * plan.rooms)))
        self._campaigns = _members("campaign_id", (f"c{n + 1}" for n in range(plan.rooms)))
        self._channels = _members("channel", CHANNELS)
        self._segments = _members("segment", SEGMENTS)
        self._rest = [*world.texts.texts, ""]
        self._head = [
            (
                f'","source":"/sim/{"shop/t" if kind.name in _SHOP_SOURCE else "room/r"}',
                f'","type":"{kind.name}","event_time_ms":',
            )
            for kind in EVENT_TYPES
        ]
        self._tail = [
            f',"currency":"{CURRENCY}"}}\n' if kind.name in CURRENCY_TYPES else "}\n"
            for kind in EVENT_TYPES
        ]
        self._of_shop = [kind.name in _SHOP_SOURCE for kind in EVENT_TYPES]
        self._platformed = [kind.name in _PLATFORM_TYPES for kind in EVENT_TYPES]

    def lines(self, events: Ints, numbers: Ints, shift_ms: int = 0) -> list[str]:
        """One line (with line feed) per column of `events`.

        Args:
            events: the chosen columns, `(len(Col), n)`.
            numbers: their numbers in the clean world; they make the event ids.
            shift_ms: added to every event time.
        """
        columns = [events[row].tolist() for row in range(len(Col))]
        columns[Col.TIME] = (events[Col.TIME] + shift_ms).tolist()
        one = self._one
        return [one(number, row) for number, *row in zip(numbers.tolist(), *columns, strict=True)]

    def _one(self, number: int, row: list[int]) -> str:
        (
            time_ms,
            kind,
            tenant,
            room,
            user,
            product,
            order,
            line,
            refund,
            qty,
            amount,
            channel,
            segment,
            host,
            campaign,
            pool,
            rest,
        ) = row
        source, head = self._head[kind]
        sender = (tenant if self._of_shop[kind] else room) + 1
        start = (
            f'{{"event_id":"{self._run}-{number:x}{source}{sender}{head}{time_ms}'
            f"{self._tenants[tenant]}{self._rooms[room]}"
        )
        platform = _PLATFORM[room % len(PLATFORMS)] if self._platformed[kind] else ""
        if kind in _PLAIN:
            return (
                f'{start},"user_id":"{user:016x}"{self._channels[channel]}'
                f"{self._segments[segment]}{platform}{self._tail[kind]}"
            )
        viewer = "" if user == NONE else f',"user_id":"{user:016x}"'
        order_ids = self._order_ids(tenant, order, line, refund)
        quota = "" if pool == NONE else f',"pool_id":"p{product + 1}@r{room + 1}"'
        units = "" if qty == NONE else f',"qty":{qty}'
        money = "" if amount == NONE else f',"amount_minor":{amount}'
        return (
            f"{start}{viewer}{self._products[product]}{order_ids}{quota}{units}{money}"
            f"{self._channels[channel]}{self._segments[segment]}{self._hosts[host]}"
            f"{self._campaigns[campaign]}{platform}{self._rest[rest]}{self._tail[kind]}"
        )

    def _order_ids(self, tenant: int, order: int, line: int, refund: int) -> str:
        if order == NONE:
            return ""
        head = f"{self._run}-t{tenant + 1}"
        line_id = "" if line == NONE else f',"line_id":"{line}"'
        refund_id = "" if refund == NONE else f',"refund_id":"{head}-f{refund}"'
        return f',"order_id":"{head}-o{order}"{line_id}{refund_id}'


def tick(time_ms: int) -> str:
    """One tick line."""
    return f'{{"event_id":"{time_ms}","source":"clock","type":"tick","event_time_ms":{time_ms}}}\n'


def _members(field: str, names: Iterable[str]) -> list[str]:
    return [*(f',"{field}":"{name}"' for name in names), ""]


_PLATFORM: Final = tuple(f',"platform":"{name}"' for name in PLATFORMS)
