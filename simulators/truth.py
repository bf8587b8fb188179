"""Ground truth of a simulated recording: figures in plain Python from the clean events.

Definitions are the prose of the contract; nothing here is shared with `operators/`. All
windows are half-open. A figure without data is None; counts of a live room start at 0.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.columns import NONE, Col, Ints, is_type
from simulators.presence import online_by_second
from simulators.truth_stock import PoolCount, stock_rows
from simulators.walk import Pool, pool_of
from stream.events import EVENT_TYPES

MINUTE_MS: Final = 60_000
TOP: Final = 50
_NAMES: Final = [kind.name for kind in EVENT_TYPES]
_LineKey = tuple[int, int, int]
_Targets = dict[tuple[int, str], list[tuple[int, int]]]
"""(room, metric) to what was said of it: (time, value)."""


@dataclass(slots=True)
class Cell:
    """Measures of one key in one window; sets of viewers and orders, sums of money."""

    view_pv: int = 0
    comments: int = 0
    gmv: int = 0
    refund: int = 0
    units: int = 0
    events: int = 0
    viewers: set[int] = field(default_factory=set)
    clickers: set[int] = field(default_factory=set)
    orderers: set[int] = field(default_factory=set)
    payers: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)

    def add(self, other: "Cell") -> None:
        """Merge another window in."""
        self.view_pv += other.view_pv
        self.comments += other.comments
        self.gmv += other.gmv
        self.refund += other.refund
        self.units += other.units
        self.events += other.events
        self.viewers |= other.viewers
        self.clickers |= other.clickers
        self.orderers |= other.orderers
        self.payers |= other.payers
        self.orders |= other.orders

    def trade(self) -> dict[str, object]:
        """Metrics that a product has too."""
        orders, payers = len(self.orders), len(self.payers)
        return {
            "product_click_uv": len(self.clickers),
            "order_uv": len(self.orderers),
            "pay_uv": payers,
            "gmv_paid": self.gmv,
            "refund_amount": self.refund,
            "gmv_net": self.gmv - self.refund,
            "orders_paid": orders,
            "cvr_click": ratio(payers, len(self.clickers)),
            "aov_order": ratio(self.gmv, orders),
            "aov_buyer": ratio(self.gmv, payers),
            "refund_rate": ratio(self.refund, self.gmv),
        }

    def room(self, minutes: int) -> dict[str, object]:
        """All metrics of a room except online_now and pcu."""
        return self.trade() | {
            "view_pv": self.view_pv,
            "view_uv": len(self.viewers),
            "comment_per_min": ratio(self.comments, minutes),
            "cvr_view": ratio(len(self.payers), len(self.viewers)),
        }


def ratio(num: int, den: int) -> dict[str, object]:
    """Numerator, denominator, quotient; over nothing it is None."""
    return {"num": num, "den": den, "value": num / den if den else None}


@dataclass(frozen=True, slots=True)
class Shop:
    """What one pass over a tenant's events yields."""

    minutes: dict[tuple[int, int, int], Cell]  # (room, product or NONE, minute start)
    product: dict[tuple[int, int], list[int]]  # (room, product) -> [gmv, units]
    host: dict[int, int]  # host -> gmv
    stock: dict[Pool, PoolCount]
    group: Cell
    targets: _Targets


@dataclass(frozen=True, slots=True)
class Session:
    """One session as far as it was sent: `[start_ms, stop_ms)`.

    `ended`: its end was sent; `by_hand`: by the player, because it was stopped.
    """

    tenant: int
    room: int
    start_ms: int
    stop_ms: int
    ended: bool
    by_hand: bool = False

    def label(self) -> dict[str, object]:
        """Its entry in the truth; `end_ms` None: no end was sent."""
        name = f"t{self.tenant + 1}"
        return {
            "tenant": name,
            "group": name,
            "room_id": f"r{self.room + 1}",
            "start_ms": self.start_ms,
            "end_ms": self.stop_ms if self.ended else None,
        }


def figures(
    tenants: int, run: str, texts: Sequence[str], events: Ints, sessions: Sequence[Session]
) -> dict[str, object]:
    """Rows, boards, stock and group totals of the accepted events, in time order.

    Args:
        tenants: how many there are.
        run: prefix of the order ids.
        texts: pieces of lines that the events name in `Col.REST`.
        events: accepted clean events, times already moved.
        sessions: what was live, times already moved.
    """
    rows: list[dict[str, object]] = []
    boards: list[dict[str, object]] = []
    stock: list[dict[str, object]] = []
    groups: list[dict[str, object]] = []
    for tenant in range(tenants):
        mine = events[:, events[Col.TENANT] == tenant]
        name = f"t{tenant + 1}"
        shop = _pass(mine, texts)
        for one in sessions:
            if one.tenant == tenant:
                rows.extend(_session(name, one, shop, mine[:, mine[Col.ROOM] == one.room]))
        boards.extend(_boards(name, shop))
        stock.extend(stock_rows(name, run, shop.stock))
        groups.append(
            {
                "tenant": name,
                "group": name,
                "gmv_paid": shop.group.gmv,
                "refund_amount": shop.group.refund,
                "orders_paid": len(shop.group.orders),
            }
        )
    return {"rows": rows, "boards": boards, "stock": stock, "groups": groups}


def _pass(mine: Ints, texts: Sequence[str]) -> Shop:
    shop = Shop(
        defaultdict(Cell), defaultdict(lambda: [0, 0]), defaultdict(int), {}, Cell(),
        _targets(mine, texts),
    )  # fmt: skip
    rooms: dict[_LineKey, int] = {}
    columns = (
        Col.TIME,
        Col.TYPE,
        Col.ROOM,
        Col.USER,
        Col.PRODUCT,
        Col.ORDER,
        Col.LINE,
        Col.QTY,
        Col.AMOUNT,
        Col.HOST,
        Col.TENANT,
    )
    for row in zip(*(mine[column].tolist() for column in columns), strict=True):
        _count(shop, rooms, row)
    return shop


def _targets(mine: Ints, texts: Sequence[str]) -> _Targets:
    told: _Targets = defaultdict(list)
    said = mine[:, is_type(mine, "target")]
    for room, time_ms, rest in zip(
        said[Col.ROOM].tolist(), said[Col.TIME].tolist(), said[Col.REST].tolist(), strict=True
    ):
        one = json.loads("{" + texts[rest].removeprefix(",") + "}")
        told[(room, one["metric"])].append((time_ms, one["value"]))
    return told


def _count(shop: Shop, rooms: dict[_LineKey, int], row: tuple[int, ...]) -> None:
    time_ms, kind, room, user, product, order, line, qty, amount, host, tenant = row
    name = _NAMES[kind]
    if name.startswith(("order_", "refund_")):
        if room == NONE:
            room = rooms.get((tenant, order, line), NONE)
        else:
            rooms[(tenant, order, line)] = room
    if name.startswith(("order_", "refund_", "stock_")):
        pool = shop.stock.setdefault(pool_of(product, room), PoolCount())
        pool.move(name, time_ms, (order, line), qty)
    minute = time_ms // MINUTE_MS * MINUTE_MS
    cells = [shop.group]
    if room != NONE:
        cells.append(shop.minutes[(room, NONE, minute)])
        if product != NONE and name in _PRODUCT_TYPES:
            cells.append(shop.minutes[(room, product, minute)])
    for cell in cells:
        _fold(cell, name, user, order, qty, amount)
    if name == "order_paid":
        sold = shop.product[(room, product)]
        sold[0] += amount
        sold[1] += qty
        if host != NONE:
            shop.host[host] += amount


_PRODUCT_TYPES: Final = frozenset(
    {"product_click", "order_created", "order_paid", "refund_succeeded"}
)


def _fold(cell: Cell, name: str, user: int, order: int, qty: int, amount: int) -> None:
    # What nobody did (a room starts, goods are listed) is no figure of its minute.
    cell.events += user != NONE
    if name == "enter":
        cell.view_pv += 1
        cell.viewers.add(user)
    elif name == "comment":
        cell.comments += 1
    elif name == "product_click":
        cell.clickers.add(user)
    elif name == "order_created":
        cell.orderers.add(user)
    elif name == "order_paid":
        cell.payers.add(user)
        cell.orders.add(order)
        cell.gmv += amount
        cell.units += qty
    elif name == "refund_succeeded":
        cell.refund += amount


def _session(name: str, one: Session, shop: Shop, room: Ints) -> list[dict[str, object]]:
    """Rows of one session: session, 1m and r5, for the room and for its products."""
    first = one.start_ms // MINUTE_MS * MINUTE_MS
    minutes = list(range(first, one.stop_ms, MINUTE_MS))
    inside = room[:, (room[Col.TIME] >= one.start_ms) & (room[Col.TIME] < one.stop_ms)]
    online = online_by_second(inside, one.start_ms, one.stop_ms)
    keys = {
        product
        for at, product, minute in shop.minutes
        if at == one.room and first <= minute < one.stop_ms
    }
    out: list[dict[str, object]] = []
    for product in sorted(keys):
        cells = [shop.minutes.get((one.room, product, minute)) for minute in minutes]
        rows = _Rows(name, one, product, online, out)
        total = Cell()
        for index, minute in enumerate(minutes):
            rows.add("1m", minute, 1, _sum([cells[index]]))
            rows.add("r5", minute - 4 * MINUTE_MS, 5, _sum(cells[max(0, index - 4) : index + 1]))
            total.add(_sum([cells[index]]))
        rows.whole(total, _of_target(one, shop, total.gmv) if product == NONE else {})
    return out


def _of_target(one: Session, shop: Shop, gmv: int) -> dict[str, object]:
    """The session against the newest target said before its end; without an end: nothing.

    Due is the part of the target that even sales would have brought by then.
    """
    if not one.ended:
        return {}
    said = {
        metric: max(
            (told for told in shop.targets.get((one.room, metric), ()) if told[0] < one.stop_ms),
            default=(0, None),
        )[1]
        for metric in ("gmv_paid", "session_minutes")
    }
    target, minutes = said["gmv_paid"], said["session_minutes"]
    if target is None or minutes is None:
        return {}
    planned_ms = minutes * MINUTE_MS
    due = target * min(one.stop_ms - one.start_ms, planned_ms) // planned_ms
    return {
        "target_gmv": target,
        "target_rate": ratio(gmv, target),
        "target_pace": ratio(gmv, due),
    }


def _sum(cells: Iterable[Cell | None]) -> Cell:
    out = Cell()
    for cell in cells:
        if cell is not None:
            out.add(cell)
    return out


class _Rows:
    """Writes the rows of one key of one session in the shape of the results file."""

    def __init__(
        self, name: str, one: Session, product: int, online: Ints, out: list[dict[str, object]]
    ) -> None:
        self._session = one
        self._head: dict[str, object] = {
            "tenant": name,
            "group": name,
            "room_id": f"r{one.room + 1}",
            "dimension": "room" if product == NONE else "product",
            "key": None if product == NONE else f"p{product + 1}",
        }
        self._of_room = product == NONE
        self._online = online
        self._out = out

    def add(self, window: str, start_ms: int, minutes: int, cell: Cell) -> None:
        """A window of whole minutes; one in which nothing was, of a room nobody, gives no row.

        online_now and pcu stand in minutes only, and not where the session ends inside.
        """
        stop_ms = start_ms + minutes * MINUTE_MS
        zero = self._session.start_ms // 1_000
        part = self._online[max(0, start_ms // 1_000 - zero) : stop_ms // 1_000 - zero]
        whole = minutes == 1 and stop_ms <= self._session.stop_ms
        if not cell.events and not part.any():
            return
        self._row(window, start_ms, stop_ms, cell, minutes, part if whole else part[:0])

    def whole(self, cell: Cell, more: dict[str, object]) -> None:
        """The session so far, with metrics that only it has; its minutes are those that began."""
        one = self._session
        minutes = -(-(one.stop_ms - one.start_ms) // MINUTE_MS)
        self._row("session", one.start_ms, one.stop_ms, cell, minutes, self._online, more)

    def _row(
        self,
        window: str,
        start_ms: int,
        stop_ms: int,
        cell: Cell,
        minutes: int,
        online: Ints,
        more: dict[str, object] | None = None,
    ) -> None:
        if not self._of_room and not cell.events:
            return
        metrics = (cell.room(minutes) if self._of_room else cell.trade()) | (more or {})
        if self._of_room and len(online):
            metrics |= {"online_now": int(online[-1]), "pcu": int(online.max())}
        span = {"window": window, "start_ms": start_ms, "end_ms": stop_ms}
        self._out.append(self._head | span | {"metrics": metrics})


def _boards(name: str, shop: Shop) -> list[dict[str, object]]:
    """Tops by value descending, then key ascending (as text)."""
    total: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    by_room: dict[str, dict[str, list[int]]] = defaultdict(dict)
    rooms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (room, product), (gmv, units) in shop.product.items():
        key, where = f"p{product + 1}", f"r{room + 1}"
        by_room[where][key] = [gmv, units]
        for part in (total[key], rooms[where]):
            part[0] += gmv
            part[1] += units
    hosts = {f"h{host + 1}": [gmv, 0] for host, gmv in shop.host.items()}
    named = [
        ("products_gmv", total, 0),
        ("products_units", total, 1),
        ("rooms_gmv", rooms, 0),
        ("hosts_gmv", hosts, 0),
    ]
    for where, items in sorted(by_room.items()):
        named += [(f"products_gmv@{where}", items, 0), (f"products_units@{where}", items, 1)]
    out: list[dict[str, object]] = []
    for board, items, place in named:
        ranked = sorted((-value[place], key) for key, value in items.items())[:TOP]
        entries = [{"key": key, "value": -value} for value, key in ranked]
        out.append({"tenant": name, "group": name, "name": board, "entries": entries})
    return out
