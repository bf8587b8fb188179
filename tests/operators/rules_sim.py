"""Rules on simulated sessions without the engine: facts straight from the simulator's world.

Not an oracle of the engine: a quick way to see what a rule file does. The back-test
(`liveroom backtest`) goes through the engine itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from operators.rules import AlertBook, AlertChange, RoomFacts, RuleSet
from operators.rules.model import Value
from operators.rules.observed import OBSERVED_TYPES
from operators.stock import StockLedger
from simulators.api import Recording, SimulationPlan
from simulators.columns import Col, Ints, is_type
from simulators.presence import online_by_second
from stream.events import EVENT_TYPES, Event

STOCK_TYPES = frozenset(
    {"stock_set", "stock_adjust", "order_created", "order_paid", "order_cancelled"}
    | {"refund_succeeded", "catalog", "price"}
)
BEAT_MS = 5_000
SLACK_MS = 2_000


@dataclass
class Series:
    """One room: online by second from `start_ms`, times of enters, paid money so far."""

    start_ms: int
    end_ms: int | None
    online: list[int]
    all_ms: list[int]
    times: Mapping[str, Ints]
    paid_minor: Ints
    users: Mapping[str, tuple[Ints, Ints]]


class SimFacts:
    """Facts as of `now_ms`; `ledger` has what had arrived by then."""

    def __init__(self, series: Mapping[str, Series], ledger: StockLedger) -> None:
        self.series = series
        self.ledger = ledger
        self.now_ms = 0

    def rooms(self) -> Sequence[RoomFacts]:
        found = []
        for name, one in self.series.items():
            if one.start_ms > self.now_ms:
                continue
            place = int(np.searchsorted(one.all_ms, self.now_ms, side="left"))
            last_ms = one.all_ms[place - 1] if place else one.start_ms
            found.append(RoomFacts(name, one.start_ms, one.end_ms, last_ms))
        return found

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        return []

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        one = self.series[room]
        if metric == "online_now":
            second = self.now_ms // 1000 - one.start_ms // 1000 - 1
            return (one.online[min(second, len(one.online) - 1)] if second >= 0 else 0), None
        if metric == "cvr_click":
            span_ms = self.now_ms if window == "session" else int(window[1:]) * 60_000
            return self._users(one, "payers", span_ms), self._users(one, "clickers", span_ms)
        place = int(np.searchsorted(one.times[metric], self.now_ms, side="left"))
        if metric == "gmv_paid":
            return int(one.paid_minor[place]), None
        return place, None

    def _users(self, one: Series, who: str, span_ms: int) -> int:
        times, users = one.users[who]
        first, last = np.searchsorted(times, [self.now_ms - span_ms, self.now_ms])
        return len(np.unique(users[first:last]))

    def pools(self) -> Sequence[str]:
        return self.ledger.pools()

    def pool(self, pool: str) -> Mapping[str, object]:
        return self.ledger.figures(pool, self.now_ms)

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        return None


@dataclass
class Outcome:
    """What a simulated recording gave."""

    incidents: list[dict[str, object]]
    changes: list[AlertChange]
    room_hours: float
    etas: list[tuple[str, int, Mapping[str, object]]]
    last: dict[str, dict[str, object]]


def run(plan: SimulationPlan, rules: RuleSet, watch_eta: bool = False) -> list[Outcome]:
    """One outcome per tenant."""
    recording = Recording(plan)
    world = recording.world
    outcomes = []
    for tenant in range(plan.tenant_count):
        mine = np.flatnonzero(world.events[Col.TENANT] == tenant)
        events = world.events[:, mine]
        lines = [line for line in world.timelines if line.tenant == tenant]
        series = {}
        for line in lines:
            room = events[:, events[Col.ROOM] == line.room]
            series[f"r{line.room + 1}"] = _series(room, line.start_ms, line.end_ms)
        wanted = list(OBSERVED_TYPES | STOCK_TYPES)
        picked = np.flatnonzero(is_type(events, *wanted))
        raw = recording._renderer.lines(events[:, picked], mine[picked])
        decoded = [msgspec.json.decode(line, type=Event) for line in raw]
        labels: list[dict[str, object]] = [
            {"kind": one.kind, "room": f"r{one.room + 1}", "subject": one.subject,
             "start_ms": one.start_ms, "end_ms": one.end_ms, "alert": one.alert}
            for one in world.incidents if one.tenant == tenant
        ]  # fmt: skip
        ledger = StockLedger(f"t{tenant + 1}", f"t{tenant + 1}")
        book = AlertBook(rules, f"t{tenant + 1}", f"t{tenant + 1}")
        outcome = Outcome(labels, [], len(lines) * plan.minutes / 60, [], {})
        _play(plan, decoded, series, ledger, book, outcome, watch_eta)
        outcomes.append(outcome)
    return outcomes


def _series(room: Ints, start_ms: int, end_ms: int) -> Series:
    paid = room[:, is_type(room, "order_paid")]
    viewers = is_type(room, *(kind.name for kind in EVENT_TYPES if kind.name[:5] != "order"))
    return Series(
        start_ms,
        end_ms,
        online_by_second(room, start_ms, end_ms).tolist(),
        room[Col.TIME][viewers].tolist(),
        {
            "view_pv": room[Col.TIME][is_type(room, "enter")],
            "comment_per_min": room[Col.TIME][is_type(room, "comment")],
            "gmv_paid": paid[Col.TIME],
            "likes": room[Col.TIME][is_type(room, "like", "comment", "gift", "follow", "share")],
        },
        np.concatenate([[0], np.cumsum(paid[Col.AMOUNT])]),
        {
            name: (room[Col.TIME][mask], room[Col.USER][mask])
            for name, mask in (
                ("payers", is_type(room, "order_paid")),
                ("clickers", is_type(room, "product_click")),
            )
        },
    )


def _play(
    plan: SimulationPlan,
    events: list[Event],
    series: Mapping[str, Series],
    ledger: StockLedger,
    book: AlertBook,
    outcome: Outcome,
    watch_eta: bool,
) -> None:
    facts, place = SimFacts(series, ledger), 0
    for now_ms in range(plan.start_ms, plan.end_ms + 60_000, BEAT_MS):
        while place < len(events) and events[place].event_time_ms < now_ms + SLACK_MS:
            if events[place].type in STOCK_TYPES:
                ledger.apply(events[place])
            book.observe(events[place])
            place += 1
        ledger.advance(now_ms)
        facts.now_ms = now_ms
        if watch_eta:
            outcome.etas += [(pool, now_ms, facts.pool(pool)) for pool in sorted(ledger.changed())]
        outcome.changes += book.evaluate(now_ms, facts)
    outcome.last = {pool: ledger.figures(pool, facts.now_ms) for pool in ledger.pools()}
