"""How a rule sees its subjects: figures of the facts and of the book's own observations."""

from collections.abc import Iterator, Mapping
from typing import Final

from operators.catalogue.axes import WINDOW_BY_NAME, WINDOWS
from operators.rules.judge import Look
from operators.rules.model import Facts, RoomFacts, Rule, RuleSet, Value
from operators.rules.observed import FIGURES, Observed, Room, newest

NAME_OF_WIRE: Final = {window.wire: window.name for window in WINDOWS}
"""Rule files say windows as the wire does; facts by their names."""

_NEAREST: Final = {
    "online_now": "view_pv",
    "lines_paid": "gmv_paid",
    "lines_created": "order_uv",
    "orders_ripe_paid": "order_uv",
    "lines_refunded": "refund_amount",
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
    pools: dict[str, Look],
) -> Iterator[tuple[str, str, Look]]:
    """(room or "", subject, look) of everything the rule is about, sorted.

    `pools` keeps the looks at pools between the rules of one evaluation.
    """
    if rule.scope == "pool":
        if not pools:
            names = sorted(facts.pools())
            pools.update((pool, _pool_look(facts.pool(pool), now_ms)) for pool in names)
        for pool, look in pools.items():
            yield "", pool, look
        return
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


def contributor_of(rule: Rule, room: str, facts: Facts) -> tuple[str, str, float] | None:
    """The largest source or item behind an alert, by the figure nearest to what it judges."""
    metric = _NEAREST.get(rule.metric, rule.metric)
    window = NAME_OF_WIRE.get(rule.window, rule.window)
    rolling = window if window in WINDOW_BY_NAME and window != "session" else "r5"
    return facts.contributor(room, metric, rolling)


def _reset_ms(rule: Rule, record: Room, now_ms: int) -> int:
    """When the newest known event happened that makes the rule begin anew; 0: never."""
    times = [record.known.get(kind, 0) for kind in rule.resets_on]
    return max([one for one in times if one < now_ms], default=0)


def _pool_look(figures: Mapping[str, object], now_ms: int) -> Look:
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
