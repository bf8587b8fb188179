"""Figures the alert book counts itself, from the few events it observes.

Comments (negative, repeated), order lines, refunds, explanations, violations, gauges the
platform reports, targets. Counts are kept per 5 s pane of event time, and only panes that the
watermark has passed are read: the order of arrival within the watermark's slack is invisible.
"""

from typing import Final

import msgspec

from operators.rules.memo import Memo
from operators.rules.model import Value
from operators.talk.matching import Judge
from stream.events import Event

PANE_MS: Final = 5_000
KEEP_PANES: Final = 360
"""Half an hour of panes: the longest window a rule may ask for."""

CONTRIBUTOR_PANES: Final = 120

OBSERVED_TYPES: Final = frozenset(
    {
        "comment", "order_created", "order_paid", "refund_succeeded", "room_stats", "room_status",
        "explain_start", "explain_end", "shift_start", "shift_end", "promo_start", "promo_end",
        "product_listed", "violation", "target", "operator_action",
    }
)  # fmt: skip
"""Types that `AlertBook.observe` looks at; others may be withheld from it."""

COUNTED: Final[dict[str, str]] = {
    "comments": "comments seen",
    "comments_negative": "comments with one of the `negative_words` (shipped, or the rule file's)",
    "lines_created": "order lines placed",
    "lines_paid": "order lines paid",
    "orders_ripe": "orders placed `payment_wait_s` ago or longer",
    "orders_ripe_paid": "those of them that were paid within that wait",
    "lines_refunded": "refunds paid out, in the room of their order",
    "violations": "violations told by the platform",
}
FIGURES: Final[dict[str, str]] = {
    **COUNTED,
    "negative_share": "comments_negative ÷ comments",
    "negative_users": "distinct users of negative comments",
    "repeat_share": "comments with the commonest text ÷ comments",
    "explain_gap_s": "seconds since the last explanation ended; 0 while one is on",
    "silence_s": "seconds since the room's newest event",
    "reported_online": "the platform's own gauge; likewise reported_<metric> of room_stats",
}
"""Figures of the book itself, next to those of the catalogue. Windows: session, r1 to r30."""


class Room(msgspec.Struct):
    """What was observed of one room."""

    totals: dict[str, int] = {}
    panes: dict[int, dict[str, int]] = {}
    newest: int = 0
    users: dict[str, int] = {}
    texts: dict[int, dict[str, int]] = {}
    refunded: dict[int, dict[str, int]] = {}
    """Refunds per pane by item: `sku|ID`, `product|ID` or `line|ORDER|LINE`."""
    gauges: dict[str, list[tuple[int, int]]] = {}
    targets: dict[str, list[tuple[int, int]]] = {}
    known: dict[str, int] = {}
    explained: list[tuple[int, int]] = []
    violations: list[int] = []
    """Times of the newest violations: they are told to the second, not to the pane."""


class Unripe(msgspec.Struct):
    """An order whose payment is waited for; 0: not seen yet. The earliest of its lines counts."""

    room: str = ""
    created_ms: int = 0
    paid_ms: int = 0


class Observed(msgspec.Struct):
    """Observations of all rooms of a group; plain data."""

    rooms: dict[str, Room] = {}
    room_of: Memo = msgspec.field(default_factory=Memo)
    """Order to the room it was placed or paid in."""
    bought: Memo = msgspec.field(default_factory=Memo)
    """`order|line` to what was bought."""
    seen: dict[str, int] = {}
    urgent_ms: int = -1
    """Time of the newest violation of any room."""
    unripe: dict[str, Unripe] = {}

    def room(self, name: str) -> Room:
        """The room's record, made when missing."""
        found = self.rooms.get(name)
        if found is None:
            found = self.rooms[name] = Room()
        return found

    def take(self, event: Event, is_negative: Judge) -> None:
        """Fold one event."""
        kind, at_ms = event.type, event.event_time_ms
        if kind in _LINES:
            self._line(event)
            return
        if not event.room_id:
            return
        room = self.room(event.room_id)
        if kind == "comment":
            _comment(room, event, is_negative)
        elif kind == "room_stats" and event.metric and event.value is not None:
            _tell(room.gauges, event.metric, at_ms, event.value)
        elif kind == "target" and event.metric and event.value is not None:
            _tell(room.targets, event.metric, at_ms, event.value)
        elif kind == "violation":
            count(room, "violations", at_ms)
            room.violations.append(at_ms)
            self.urgent_ms = max(self.urgent_ms, at_ms)
        elif kind in ("explain_start", "explain_end"):
            room.explained.append((at_ms, 1 if kind == "explain_start" else -1))
        if kind in _KNOWN:
            room.known[kind] = max(room.known.get(kind, 0), at_ms)

    def _line(self, event: Event) -> None:
        name, order_id = _LINES[event.type], event.order_id or ""
        key = f"{event.type}|{event.refund_id or ''}|{order_id}|{event.line_id or ''}"
        if key in self.seen:
            return
        self.seen[key] = event.event_time_ms
        room_id = event.room_id or self.room_of.get(order_id)
        if not room_id:
            return
        line, item = f"{order_id}|{event.line_id or ''}", _item_of(event)
        room = self.room(room_id)
        if event.type != "refund_succeeded":
            self.room_of.put(order_id, room_id, event.event_time_ms)
            self._await(event, room_id)
            if item:
                self.bought.put(line, item, event.event_time_ms)
        else:
            # Its order may be on its way still: what was bought is looked up when it is asked.
            item, pane = item or f"line|{line}", event.event_time_ms // PANE_MS
            items = room.refunded.setdefault(pane, {})
            items[item] = items.get(item, 0) + 1
        count(room, name, event.event_time_ms)

    def _await(self, event: Event, room_id: str) -> None:
        key, at_ms = event.order_id or "", event.event_time_ms
        order = self.unripe.get(key)
        if order is None:
            order = self.unripe[key] = Unripe()
        if event.type == "order_created":
            order.room = room_id
            order.created_ms = min(order.created_ms or at_ms, at_ms)
        else:
            order.paid_ms = min(order.paid_ms or at_ms, at_ms)

    def ripen(self, now_ms: int, wait_ms: int) -> None:
        """Count the orders whose wait for payment is over at `now_ms`, as paid or not."""
        over_ms = now_ms - wait_ms
        for key, order in list(self.unripe.items()):
            if order.created_ms and order.created_ms < over_ms:
                room = self.room(order.room)
                count(room, "orders_ripe", now_ms - PANE_MS)
                if order.paid_ms and order.paid_ms < order.created_ms + wait_ms:
                    count(room, "orders_ripe_paid", now_ms - PANE_MS)
            elif not order.paid_ms or order.paid_ms >= over_ms:
                continue
            del self.unripe[key]

    def forget(self, now_ms: int) -> None:
        """Drop what no window reaches any more; called about once a minute."""
        first = now_ms // PANE_MS - KEEP_PANES
        for room in self.rooms.values():
            for pane in [one for one in room.panes if one < first]:
                del room.panes[pane]
            for panes in (room.texts, room.refunded):
                for pane in [one for one in panes if one < first]:
                    del panes[pane]
            room.users = {user: ms for user, ms in room.users.items() if ms >= first * PANE_MS}
            room.explained = sorted(room.explained)[-20:]
            room.violations = [ms for ms in room.violations if ms >= now_ms]
        for memo in (self.room_of, self.bought):
            memo.forget(now_ms)
        self.seen = {key: ms for key, ms in self.seen.items() if ms >= now_ms - 300_000}

    def most_refunded(self, room_id: str, now_ms: int) -> tuple[str, str, float] | None:
        """(`sku` or `product`, its id, share) of the item most refunded in ten minutes."""
        room, tally = self.rooms.get(room_id) or Room(), dict[str, int]()
        last = now_ms // PANE_MS
        for pane in range(last - CONTRIBUTOR_PANES, last):
            for item, times in room.refunded.get(pane, {}).items():
                if item.startswith("line|"):
                    item = self.bought.get(item.removeprefix("line|"))
                if item:
                    tally[item] = tally.get(item, 0) + times
        if not tally:
            return None
        most = min(tally, key=lambda item: (-tally[item], item))
        dimension, _, key = most.partition("|")
        return dimension, key, tally[most] / sum(tally.values())

    def value(self, room_id: str, window: str, metric: str, now_ms: int) -> Value:
        """One figure of a room from panes that ended by `now_ms`; see `FIGURES`."""
        room = self.rooms.get(room_id) or Room()
        if metric.startswith("reported_"):
            return newest(room.gauges, metric.removeprefix("reported_"), now_ms), None
        if metric == "explain_gap_s":
            return explain_gap_s(room, now_ms), None
        last = now_ms // PANE_MS
        first = last - window_panes(window)
        if metric == "negative_users":
            low, high = first * PANE_MS, last * PANE_MS
            return sum(1 for ms in room.users.values() if low <= ms < high), None
        if metric == "repeat_share":
            return _repeats(room, first, last)
        if metric == "negative_share":
            return (
                _counted(room, "comments_negative", first, last),
                _counted(room, "comments", first, last),
            )
        if window == "session":
            return room.totals.get(metric, 0) - _ahead(room, metric, now_ms), None
        return _counted(room, metric, first, last), None


_LINES: Final = {
    "order_created": "lines_created",
    "order_paid": "lines_paid",
    "refund_succeeded": "lines_refunded",
}
_KNOWN: Final = frozenset(
    {
        "explain_start", "explain_end", "shift_start", "shift_end", "promo_start", "promo_end",
        "product_listed",
    }
)  # fmt: skip


def _item_of(event: Event) -> str:
    """What an order or refund line is about, the variant before the product; "" when unsaid."""
    if event.sku_id:
        return f"sku|{event.sku_id}"
    return f"product|{event.product_id}" if event.product_id else ""


def window_panes(window: str) -> int:
    """Panes of `r1` to `r30`; the session: all that are kept."""
    if window.startswith("r") and window[1:].isdigit():
        return int(window[1:]) * 60_000 // PANE_MS
    return KEEP_PANES


def count(room: Room, name: str, at_ms: int) -> None:
    """Add one to a counter's total and pane."""
    number = at_ms // PANE_MS
    pane = room.panes.setdefault(number, {})
    pane[name] = pane.get(name, 0) + 1
    room.newest = max(room.newest, number)
    room.totals[name] = room.totals.get(name, 0) + 1


def _tell(told: dict[str, list[tuple[int, int]]], name: str, at_ms: int, value: int) -> None:
    """Keep the newest few values: some may lie ahead of the watermark."""
    told[name] = sorted([*told.get(name, []), (at_ms, value)])[-8:]


def newest(told: dict[str, list[tuple[int, int]]], name: str, now_ms: int) -> int | None:
    """The newest value told before `now_ms`; None: none."""
    values = [value for at_ms, value in told.get(name, []) if at_ms < now_ms]
    return values[-1] if values else None


def _comment(room: Room, event: Event, is_negative: Judge) -> None:
    at_ms, text = event.event_time_ms, (event.text or "").strip().lower()
    count(room, "comments", at_ms)
    texts = room.texts.setdefault(at_ms // PANE_MS, {})
    texts[text[:64]] = texts.get(text[:64], 0) + 1
    if is_negative(event.text or ""):
        count(room, "comments_negative", at_ms)
        user = event.user_id or ""
        room.users[user] = max(room.users.get(user, 0), at_ms)


def _counted(room: Room, name: str, first: int, last: int) -> int:
    return sum(room.panes[pane].get(name, 0) for pane in range(first, last) if pane in room.panes)


def _ahead(room: Room, name: str, now_ms: int) -> int:
    """How much of a total the watermark has not passed."""
    if name == "violations":
        return sum(1 for ms in room.violations if ms >= now_ms)
    first = now_ms // PANE_MS
    return _counted(room, name, first, max(first, room.newest + 1))


def _repeats(room: Room, first: int, last: int) -> Value:
    tally: dict[str, int] = {}
    for pane in range(first, last):
        for text, times in room.texts.get(pane, {}).items():
            tally[text] = tally.get(text, 0) + times
    total = sum(tally.values())
    return (max(tally.values()), total) if total else (0, 0)


def explain_gap_s(room: Room, now_ms: int) -> float | None:
    """Seconds nobody has explained anything; None before the first explanation."""
    told = [one for one in sorted(room.explained) if one[0] < now_ms]
    if not told:
        return None
    last_ms, what = told[-1]
    return 0.0 if what > 0 else (now_ms - last_ms) / 1000
