"""How a rule sees its subjects: figures of the facts and of the book's own observations."""

from collections.abc import Iterator, Sequence
from typing import Final

from operators.catalogue.axes import WINDOW_BY_NAME, WINDOWS
from operators.rules.judge import Look
from operators.rules.model import Facts, PoolFacts, RoomFacts, Rule, RuleSet, Value
from operators.rules.observed import FIGURES, Observed, Room, newest
from operators.stock import StockLedger

NAME_OF_WIRE: Final = {window.wire: window.name for window in WINDOWS}
"""Rule files say windows as the wire does; facts by their names."""

NEAREST: Final = {
    "online_now": "view_pv",
    "lines_paid": "gmv_paid",
    "lines_created": "order_uv",
    "orders_ripe_paid": "order_uv",
    "cvr_click": "product_click_uv",
}
_NEVER_ROOM = Room()


def looks(
    rule: Rule,
    rooms: list[RoomFacts],
    facts: Facts,
    observed: Observed,
    rules: RuleSet,
    group: str,
    now_ms: int,
) -> Iterator[tuple[str, str, Look]]:
    """(room or "", subject, look) of everything but pools that the rule is about, sorted."""
    if rule.scope == "group":
        yield "", group, _group_look(facts, group, now_ms)
        return
    for room in rooms:
        record = observed.rooms.get(room.room_id, _NEVER_ROOM)
        reset_ms = _reset_ms(rule, record, now_ms)
        learning = now_ms - reset_ms >= rules.settings["known_event_s"] * 1000
        keys = [""] if rule.scope == "room" else sorted(facts.keys(room.room_id, rule.scope))
        for key in keys:
            look = _room_look(rule, facts, observed, record, room, key, now_ms, reset_ms, learning)
            yield room.room_id, key or room.room_id, look


class Pools:
    """The pools of one evaluation, looked at once for all rules."""

    def __init__(self, names: Sequence[str], facts: Facts, now_ms: int) -> None:
        self._names = names
        self._facts = facts
        self._now_ms = now_ms
        self._looks: list[tuple[str, Look, PoolFacts]] | None = None

    def looks(self) -> list[tuple[str, Look, PoolFacts]]:
        """(pool, look, figures), sorted by pool."""
        if self._looks is None:
            figures = [(name, self._facts.pool(name)) for name in sorted(self._names)]
            self._looks = [(name, _pool_look(one, self._now_ms), one) for name, one in figures]
        return self._looks


class Pulse:
    """Facts between two beats: only pools have figures."""

    def __init__(self, stock: StockLedger, now_ms: int) -> None:
        self._stock = stock
        self._now_ms = now_ms

    def rooms(self) -> Sequence[RoomFacts]:
        """None: the book remembers those of the last beat."""
        return ()

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        """None."""
        return ()

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        """No figure."""
        return None, None

    def pools(self) -> Sequence[str]:
        """Pools whose stock is known."""
        return self._stock.counted()

    def pool(self, pool: str) -> PoolFacts:
        """Figures of a pool."""
        return self._stock.judged(pool, self._now_ms)

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        """Unknown."""
        return None


def contributor_of(
    rule: Rule, room: str, facts: Facts, observed: Observed, now_ms: int
) -> tuple[str, str, float] | None:
    """The largest source or item behind an alert, by the figure nearest to what it judges."""
    if rule.metric == "lines_refunded":
        return observed.most_refunded(room, now_ms)
    metric = NEAREST.get(rule.metric, rule.metric)
    window = NAME_OF_WIRE.get(rule.window, rule.window)
    rolling = window if window in WINDOW_BY_NAME and window != "session" else "r5"
    return facts.contributor(room, metric, rolling)


def _reset_ms(rule: Rule, record: Room, now_ms: int) -> int:
    """When the newest known event happened that makes the rule begin anew; 0: never."""
    times = [record.known.get(kind, 0) for kind in rule.resets_on]
    return max([one for one in times if one < now_ms], default=0)


def _pool_look(figures: PoolFacts, now_ms: int) -> Look:
    def value(window: str, metric: str) -> Value:
        found = figures.get(metric)
        return (found, None) if isinstance(found, int | float) else (None, None)

    return Look(now_ms, 0, 0, True, value, _no_target)


def _group_look(facts: Facts, group: str, now_ms: int) -> Look:
    def value(window: str, metric: str) -> Value:
        name = NAME_OF_WIRE.get(window, window or "session")
        return facts.value("", "group", group, name, metric)

    return Look(now_ms, 0, 0, True, value, _no_target)


def _no_target(metric: str) -> int | None:
    return None


def _room_look(
    rule: Rule,
    facts: Facts,
    observed: Observed,
    record: Room,
    room: RoomFacts,
    key: str,
    now_ms: int,
    reset_ms: int,
    learning: bool,
) -> Look:
    def value(window: str, metric: str) -> Value:
        if metric == "silence_s":
            return max(0, now_ms - room.last_event_ms) / 1000, None
        if metric in FIGURES or metric.startswith("reported_"):
            return observed.value(room.room_id, window, metric, now_ms)
        name = NAME_OF_WIRE.get(window, window or "session")
        return facts.value(room.room_id, rule.scope, key, name, metric)

    def target(metric: str) -> int | None:
        return newest(record.targets, metric, now_ms)

    return Look(now_ms, room.started_ms, reset_ms, learning, value, target)
