"""The alert book of one group: which rules hold for whom, and what to tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from operators.rules import series
from operators.rules.answers import STATE_OF, Answer, answer_of, apply
from operators.rules.judge import KIND_OF, Look, Memory, levels
from operators.rules.kinds import BEAT_S
from operators.rules.life import FIRING, NORMAL, RESOLVED, Alert, resolve, step
from operators.rules.looks import Pools, Pulse, contributor_of, looks
from operators.rules.model import (
    AlertChange,
    Facts,
    Finding,
    RoomFacts,
    Rule,
    RuleSet,
    unknown_rule,
)
from operators.rules.observed import OBSERVED_TYPES, Observed
from operators.rules.order import judged_on, rule_name, silencers_first
from operators.stock import StockLedger
from operators.talk.matching import judge_of
from stream.events import Event

DETECTORS: Final = {
    **KIND_OF,
    "robust_z": series.robust_z,
    "ewma": series.ewma,
    "change": series.change,
    "cusum": series.cusum,
    "cusum_ratio": series.cusum,
    "pace": series.pace,
}
"""Kind name to its function; the same names as `kinds.KINDS`."""

BEAT_MS: Final = BEAT_S * 1_000
STATELESS: Final = frozenset({"threshold", "absence", "wilson"})
"""Kinds that remember nothing: most of their judgements end at once."""

NO_LEVELS: Final = (math.inf, -math.inf)
_FORGETFUL: Final = Memory()
_NOTHING = Finding(breach=False, clear=True, value=None)


class _State(msgspec.Struct):
    """Everything a snapshot holds. Alert keys are `rule|room|subject`."""

    alerts: dict[str, Alert] = {}
    memory: dict[str, Memory] = {}
    told: dict[str, list[int]] = {}
    answers: list[Answer] = []
    counts: dict[str, dict[str, int]] = {}
    quiet_until_ms: dict[str, int] = {}
    last_ms: int = 0
    pulse_ms: int = 0
    rooms: dict[str, RoomFacts] = {}
    """Live rooms at the last beat."""
    observed: Observed = msgspec.field(default_factory=Observed)


class AlertBook:
    """Evaluates the rules of one (tenant, group) at every 5 s beat of the watermark.

    The result depends only on the events observed, the facts and the moments of evaluation:
    rules run in file order after their silencers, rooms and subjects sorted.
    """

    def __init__(self, rules: RuleSet, tenant: str, group: str) -> None:
        self.tenant = tenant
        self.group = group
        self._state = _State()
        self._by_name: dict[str, Rule] = {}
        self._gone: dict[str, Rule] = {}
        self.reload(rules)

    def reload(self, rules: RuleSet) -> None:
        """Take other rules.

        Alerts of those that are gone resolve at the next evaluation; those that are judged
        otherwise forget what they had learned.
        """
        self.rules = rules
        self._is_negative = judge_of(rules.negative_words)
        self._gone.update(self._by_name)
        fresh = {rule.name: judged_on(rule) for rule in rules.rules}
        other = {n for n, rule in self._by_name.items() if fresh.get(n) != judged_on(rule)}
        for key in [one for one in self._state.memory if rule_name(one) in other]:
            del self._state.memory[key]
        self._ordered = silencers_first(rules.rules)
        self._urgent = [rule for rule in self._ordered if rule.every_s < BEAT_S]
        self._by_name = {rule.name: rule for rule in rules.rules}

    def observe(self, event: Event) -> None:
        """Take an event of `observed.OBSERVED_TYPES`; others are ignored."""
        if event.type not in OBSERVED_TYPES:
            return
        answer = answer_of(event)
        if answer is not None:
            self._state.answers.append(answer)
        else:
            self._state.observed.take(event, self._is_negative)

    def waiting(self) -> dict[str, dict[str, object]]:
        """Answers that no evaluation has taken yet, by alert: state to come, who, when."""
        answers = sorted(self._state.answers, key=lambda one: (one.at_ms, one.event_id))
        return {
            one.alert_id: {
                "state": STATE_OF[one.status],
                "actor": one.actor,
                "at_ms": one.at_ms,
            }
            for one in answers
        }

    def evaluate(self, now_ms: int, facts: Facts) -> list[AlertChange]:
        """Judge every rule for every subject at watermark `now_ms`; in order of telling."""
        if not self._ordered and not self._state.alerts:
            return []
        self._state.observed.ripen(now_ms, self.rules.settings["payment_wait_s"] * 1000)
        changes = self._drop_unknown(now_ms)
        changes += self._answer(now_ms)
        rooms = sorted(facts.rooms(), key=lambda room: room.room_id)
        changes += self._end_rooms(rooms, now_ms)
        live = [room for room in rooms if room.ended_ms is None or room.ended_ms > now_ms]
        self._state.rooms = {room.room_id: room for room in live}
        pools = Pools(facts.pools(), facts, now_ms)
        for rule in self._ordered:
            if self._due(rule, now_ms):
                changes += self._run(rule, live, now_ms, facts, pools)
        if now_ms // 60_000 != self._state.last_ms // 60_000:
            self._state.observed.forget(now_ms)
        self._state.last_ms = self._state.pulse_ms = now_ms
        return changes

    def pulse(self, now_ms: int, changed: set[str], stock: StockLedger) -> list[AlertChange]:
        """Judge the rules that do not wait for a beat, for the pools that changed since.

        Figures of rooms are not known between beats, but what was told of them is.
        """
        state = self._state
        if now_ms <= state.pulse_ms:
            return []
        told = state.observed.urgent_ms >= state.pulse_ms
        state.pulse_ms = now_ms
        names = [pool for pool in changed | self._open_pools() if stock.is_counted(pool)]
        facts = Pulse(stock, now_ms)
        pools, rooms = Pools(names, facts, now_ms), [state.rooms[n] for n in sorted(state.rooms)]
        changes: list[AlertChange] = []
        for rule in self._urgent:
            if rule.scope == "pool" or told or self._has_alert(rule):
                changes += self._run(rule, rooms, now_ms, facts, pools)
        return changes

    def _has_alert(self, rule: Rule) -> bool:
        prefix = f"{rule.name}|"
        return any(key.startswith(prefix) for key in self._state.alerts)

    @property
    def restless(self) -> bool:
        """Whether a pulse can tell anything before something new is observed."""
        state = self._state
        waits = state.observed.urgent_ms >= state.pulse_ms
        return waits or any(self._has_alert(rule) for rule in self._urgent)

    def _open_pools(self) -> set[str]:
        """Pools with alerts of rules that do not wait for a beat."""
        urgent = {rule.name for rule in self._urgent if rule.scope == "pool"}
        keys = [key.split("|", 2) for key in self._state.alerts]
        return {subject for rule, room, subject in keys if rule in urgent}

    def _due(self, rule: Rule, now_ms: int) -> bool:
        """True once per `every_s` of watermark, however far a beat jumps."""
        every_ms = rule.every_s * 1000
        return now_ms // every_ms != self._state.last_ms // every_ms

    def snapshot(self) -> dict[str, object]:
        """The whole state as picklable data, MessagePack."""
        return {"state": msgspec.msgpack.encode(self._state)}

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot's state: unknown names dropped, missing ones created empty."""
        packed = data.get("state")
        self._state = _State()
        if isinstance(packed, bytes):
            self._state = msgspec.msgpack.decode(packed, type=_State)

    def answers(self) -> dict[str, dict[str, int]]:
        """How often each rule was acknowledged, snoozed, called not useful."""
        return {rule: dict(counts) for rule, counts in sorted(self._state.counts.items())}

    def _run(
        self,
        rule: Rule,
        rooms: list[RoomFacts],
        now_ms: int,
        facts: Facts,
        pools: Pools,
    ) -> list[AlertChange]:
        if rule.scope == "pool":
            return self._run_pools(rule, facts, pools)
        changes: list[AlertChange] = []
        observed, group = self._state.observed, self.group
        for room, subject, look in looks(rule, rooms, facts, observed, self.rules, group, now_ms):
            if not rule.only or subject in rule.only:
                changes += self._judge(rule, room, subject, look, facts)
        return changes

    def _run_pools(self, rule: Rule, facts: Facts, pools: Pools) -> list[AlertChange]:
        """Most pools are far from any level and have no alert: that is seen first."""
        alerts, prefix = self._state.alerts, f"{rule.name}||"
        low, high = levels(rule) if rule.kind == "threshold" else NO_LEVELS
        changes: list[AlertChange] = []
        for pool, look, figures in pools.looks():
            value = figures.get(rule.metric)
            idle = not isinstance(value, int | float) or low <= value <= high
            if idle and rule.kind == "threshold" and prefix + pool not in alerts:
                continue
            if not rule.only or pool in rule.only:
                changes += self._judge(rule, "", pool, look, facts)
        return changes

    def _judge(
        self, rule: Rule, room: str, subject: str, look: Look, facts: Facts
    ) -> list[AlertChange]:
        key = f"{rule.name}|{room}|{subject}"
        if rule.kind in STATELESS and key not in self._state.alerts:
            seen = DETECTORS[rule.kind](rule, look, _FORGETFUL)
            if seen is None or not seen.breach:
                return []
        silenced = self._silenced(rule, room, subject, look.now_ms)
        if silenced and look.learning:
            look = replace(look, learning=False)
        finding = self._find(rule, key, look)
        alert = self._state.alerts.get(key)
        if alert is None:
            if finding is None or not finding.breach:
                return []
            alert = self._state.alerts[key] = Alert()
        capped = not alert.open and self._capped(rule, room, look.now_ms)
        told = step(alert, rule, finding, look.now_ms, silenced or capped)
        if told is None:
            self._forget_if_idle(key, alert, look.now_ms)
            return []
        change = self._change(rule, room, subject, alert, told, look.now_ms, finding or _NOTHING)
        if told == FIRING:
            if rule.severity != "critical":
                self._state.told.setdefault(room, []).append(look.now_ms)
            if room:
                observed = self._state.observed
                found = contributor_of(rule, room, facts, observed, look.now_ms)
                change = replace(change, contributor=found)
        else:
            self._quieten(key, look.now_ms)
        return [change]

    def _find(self, rule: Rule, key: str, look: Look) -> Finding | None:
        memory = self._state.memory.get(key) or Memory()
        finding = DETECTORS[rule.kind](rule, look, memory)
        if not memory.empty():
            self._state.memory[key] = memory
        return finding

    def _quieten(self, key: str, now_ms: int) -> None:
        """What an alert silenced stays silent for a while after it: figures must refill."""
        until_ms = now_ms + self.rules.settings["silence_after_s"] * 1000
        self._state.quiet_until_ms[key] = until_ms

    def _change(
        self,
        rule: Rule,
        room: str,
        subject: str,
        alert: Alert,
        state: str,
        now_ms: int,
        finding: Finding,
    ) -> AlertChange:
        return AlertChange(
            self.tenant,
            self.group,
            room or None,
            rule,
            subject,
            state,
            alert.start_ms,
            alert.since_ms,
            now_ms,
            finding,
        )

    def _silenced(self, rule: Rule, room: str, subject: str, now_ms: int) -> bool:
        state = self._state
        for other in rule.silenced_by:
            for about in (subject, room):
                key = f"{other}|{room}|{about}"
                alert = state.alerts.get(key)
                if alert is not None and alert.open:
                    return True
                until_ms = state.quiet_until_ms.get(key)
                if until_ms is not None:
                    if now_ms < until_ms:
                        return True
                    del state.quiet_until_ms[key]
        return False

    def _capped(self, rule: Rule, room: str, now_ms: int) -> bool:
        """True when the room has had its share of alerts; critical ones always pass."""
        told = self._state.told.get(room)
        if told is None or rule.severity == "critical":
            return False
        since_ms = now_ms - self.rules.settings["rate_cap_window_s"] * 1000
        told[:] = [at_ms for at_ms in told if at_ms > since_ms]
        return len(told) >= self.rules.settings["rate_cap_per_room"]

    def _forget_if_idle(self, key: str, alert: Alert, now_ms: int) -> None:
        idle = alert.state == NORMAL
        if idle and now_ms >= max(alert.cool_until_ms, alert.snoozed_until_ms):
            del self._state.alerts[key]

    def _drop_unknown(self, now_ms: int) -> list[AlertChange]:
        """Resolve and forget what belongs to rules that a reload took away."""
        state, changes = self._state, list[AlertChange]()
        for key in sorted(one for one in state.alerts if rule_name(one) not in self._by_name):
            name, room, subject = key.split("|", 2)
            alert, rule = state.alerts.pop(key), self._gone.get(name) or unknown_rule(name)
            if resolve(alert, rule, now_ms) is not None:
                told = RESOLVED
                changes.append(self._change(rule, room, subject, alert, told, now_ms, _NOTHING))
        for table in (state.memory, state.quiet_until_ms):
            for key in [one for one in table if rule_name(one) not in self._by_name]:
                del table[key]
        return changes

    def _end_rooms(self, rooms: Sequence[RoomFacts], now_ms: int) -> list[AlertChange]:
        """End what has ended by its own time, and rooms that are not heard of any more."""
        changes: list[AlertChange] = []
        for room in rooms:
            if room.ended_ms is not None and room.ended_ms <= now_ms:
                at_ms = -(-room.ended_ms // BEAT_MS) * BEAT_MS
                changes += self._end_room(room.room_id, min(now_ms, at_ms))
        known = {room.room_id for room in rooms} | {""}
        for room_id in sorted({one.split("|", 2)[1] for one in self._state.alerts} - known):
            changes += self._end_room(room_id, now_ms)
        return changes

    def _end_room(self, room: str, now_ms: int) -> list[AlertChange]:
        """Resolve all alerts of an ended room and forget what was known of it."""
        changes: list[AlertChange] = []
        state = self._state
        for key in sorted(state.alerts):
            name, of_room, subject = key.split("|", 2)
            if of_room != room:
                continue
            alert, rule = state.alerts.pop(key), self._by_name[name]
            if resolve(alert, rule, now_ms) is not None:
                told = RESOLVED
                changes.append(self._change(rule, room, subject, alert, told, now_ms, _NOTHING))
        for table in (state.memory, state.quiet_until_ms):
            for key in [one for one in table if one.split("|", 2)[1] == room]:
                del table[key]
        state.told.pop(room, None)
        state.observed.rooms.pop(room, None)
        return changes

    def _answer(self, now_ms: int) -> list[AlertChange]:
        """Apply operators' answers to the alerts they name; answers to others are ignored."""
        state = self._state
        due = [one for one in state.answers if one.at_ms < now_ms]
        if not due:
            return []
        state.answers = [one for one in state.answers if one.at_ms >= now_ms]
        changes: list[AlertChange] = []
        known: dict[str, tuple[str, Alert, AlertChange]] = {}
        for key, alert in sorted(state.alerts.items()):
            name, room, subject = key.split("|", 2)
            rule = self._by_name[name]
            change = self._change(rule, room, subject, alert, "", now_ms, _NOTHING)
            known[change.id] = (name, alert, change)
        for answer in sorted(due, key=lambda one: (one.at_ms, one.event_id)):
            if answer.alert_id not in known:
                continue
            name, alert, change = known[answer.alert_id]
            apply(answer, alert, now_ms, self.rules.settings["snooze_s"])
            counts = state.counts.setdefault(name, {})
            counts[answer.status] = counts.get(answer.status, 0) + 1
            changes.append(replace(change, state=STATE_OF[answer.status], actor=answer.actor))
        return changes
