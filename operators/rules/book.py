"""The alert book of one group: which rules hold for whom, and what to tell."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from operators.rules.judge import DETECTORS, Look, Memory
from operators.rules.life import FIRING, NORMAL, PENDING, Alert, resolve, step
from operators.rules.model import AlertChange, Facts, Finding, RoomFacts, Rule, RuleSet, Value
from stream.events import Event

ACTIONS = {"ack": "acked", "snooze": "snoozed", "not_useful": "not_useful"}
_NOTHING = Finding(breach=False, clear=True, value=None)


class _Action(msgspec.Struct, frozen=True):
    """An operator's answer, waiting for the next evaluation."""

    event_id: str
    alert_id: str
    status: str
    value: int | None
    actor: str | None


class _State(msgspec.Struct):
    """Everything a snapshot holds. Alert keys are `rule|room|subject`."""

    alerts: dict[str, Alert] = {}
    memory: dict[str, Memory] = {}
    told: dict[str, list[int]] = {}
    resets: dict[str, int] = {}
    actions: list[_Action] = []
    answers: dict[str, dict[str, int]] = {}


class AlertBook:
    """Evaluates the rules of one (tenant, group) at every beat of the watermark.

    The result depends only on the events observed, the facts and the moments of evaluation:
    rules run in file order, rooms and subjects sorted.
    """

    def __init__(self, rules: RuleSet, tenant: str, group: str) -> None:
        self.rules = rules
        self.tenant = tenant
        self.group = group
        self._ordered = _silencers_first(rules.rules)
        self._state = _State()

    def observe(self, event: Event) -> None:
        """Take an event that bears on alerts: operators' answers, known changes, violations."""
        if event.type == "operator_action" and event.status in ACTIONS:
            self._state.actions.append(
                _Action(
                    event.event_id, event.target_id or "", event.status, event.value, event.role
                )
            )

    def evaluate(self, now_ms: int, facts: Facts) -> list[AlertChange]:
        """Judge every rule for every subject at watermark `now_ms`; in order of telling."""
        changes = self._answer(now_ms)
        rooms = sorted(facts.rooms(), key=lambda room: room.room_id)
        for room in rooms:
            if room.ended_ms is not None and room.ended_ms <= now_ms:
                changes += self._end_room(room.room_id, now_ms)
        live = [room for room in rooms if room.ended_ms is None or room.ended_ms > now_ms]
        for rule in self._ordered:
            if now_ms % (rule.every_s * 1000) == 0:
                changes += self._run(rule, live, now_ms, facts)
        return changes

    def snapshot(self) -> dict[str, object]:
        """The whole state as plain, picklable data."""
        data: dict[str, object] = msgspec.to_builtins(self._state)
        return data

    def restore(self, data: Mapping[str, object]) -> None:
        """Take a snapshot's state: unknown names dropped, missing ones created empty."""
        self._state = msgspec.convert(data, _State)

    def answers(self) -> dict[str, dict[str, int]]:
        """How often each rule was acknowledged, snoozed, called not useful."""
        return {rule: dict(counts) for rule, counts in sorted(self._state.answers.items())}

    def _run(
        self, rule: Rule, rooms: Sequence[RoomFacts], now_ms: int, facts: Facts
    ) -> list[AlertChange]:
        changes: list[AlertChange] = []
        if rule.scope == "pool":
            for pool in sorted(facts.pools()):
                look = _pool_look(facts, pool, now_ms)
                changes += self._judge(rule, "", pool, look, facts)
            return changes
        for room in rooms:
            keys = [""] if rule.scope == "room" else sorted(facts.keys(room.room_id, rule.scope))
            for key in keys:
                look = _room_look(facts, room, rule.scope, key, now_ms)
                changes += self._judge(rule, room.room_id, key or room.room_id, look, facts)
        return changes

    def _judge(
        self, rule: Rule, room: str, subject: str, look: Look, facts: Facts
    ) -> list[AlertChange]:
        if rule.only and subject not in rule.only:
            return []
        key = f"{rule.name}|{room}|{subject}"
        memory = self._state.memory.get(key) or Memory()
        finding = DETECTORS[rule.kind](rule, look, memory)
        if memory.points or memory.sums:
            self._state.memory[key] = memory
        alert = self._state.alerts.get(key)
        if alert is None:
            if finding is None or not finding.breach:
                return []
            alert = self._state.alerts[key] = Alert()
        quiet = self._silenced(rule, room, subject)
        if not quiet and not alert.open and self._capped(rule, room, look.now_ms):
            quiet = True
        told = step(alert, rule, finding, look.now_ms, quiet)
        if told == FIRING and rule.severity != "critical":
            self._state.told.setdefault(room, []).append(look.now_ms)
        if told is None:
            self._forget_if_idle(key, alert, look.now_ms)
            return []
        change = self._change(rule, room, subject, alert, told, look.now_ms, finding or _NOTHING)
        if told == FIRING and room:
            found = facts.contributor(room, rule.metric, rule.window)
            change = replace(change, contributor=found)
        return [change]

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

    def _silenced(self, rule: Rule, room: str, subject: str) -> bool:
        for other in rule.silenced_by:
            for about in (subject, room):
                alert = self._state.alerts.get(f"{other}|{room}|{about}")
                if alert is not None and alert.open:
                    return True
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

    def _end_room(self, room: str, now_ms: int) -> list[AlertChange]:
        """Resolve all alerts of an ended room and forget what was known of it."""
        changes: list[AlertChange] = []
        names = {rule.name: rule for rule in self.rules.rules}
        for key in sorted(self._state.alerts):
            name, of_room, subject = key.split("|", 2)
            if of_room != room or not room:
                continue
            alert = self._state.alerts.pop(key)
            rule = names.get(name)
            if rule is not None and resolve(alert, rule, now_ms) is not None:
                told = "resolved"
                changes.append(self._change(rule, room, subject, alert, told, now_ms, _NOTHING))
        for key in [one for one in self._state.memory if one.split("|", 2)[1] == room]:
            del self._state.memory[key]
        self._state.told.pop(room, None)
        return changes

    def _answer(self, now_ms: int) -> list[AlertChange]:
        """Apply operators' answers to the alerts they name; answers to others are ignored."""
        actions = sorted(self._state.actions, key=lambda action: action.event_id)
        self._state.actions = []
        changes: list[AlertChange] = []
        names = {rule.name: rule for rule in self.rules.rules}
        for action in actions:
            for key in sorted(self._state.alerts):
                name, room, subject = key.split("|", 2)
                alert, rule = self._state.alerts[key], names.get(name)
                if rule is None or alert.state == PENDING:
                    continue
                state = ACTIONS[action.status]
                change = self._change(rule, room, subject, alert, state, now_ms, _NOTHING)
                if change.id != action.alert_id:
                    continue
                self._count_answer(name, action, alert, now_ms)
                changes.append(change)
        return changes

    def _count_answer(self, rule: str, action: _Action, alert: Alert, now_ms: int) -> None:
        counts = self._state.answers.setdefault(rule, {})
        counts[action.status] = counts.get(action.status, 0) + 1
        if action.status == "ack":
            alert.acked = True
        elif action.status == "snooze":
            seconds = action.value or self.rules.settings["snooze_s"]
            alert.snoozed_until_ms = now_ms + seconds * 1000


def _silencers_first(rules: Sequence[Rule]) -> list[Rule]:
    """Rules after those that silence them, so that silence falls in the same beat."""
    waiting, ordered = list(rules), list[Rule]()
    while waiting:
        names = {rule.name for rule in waiting}
        ready = [rule for rule in waiting if not names.intersection(rule.silenced_by)]
        ordered += ready or waiting
        waiting = [rule for rule in waiting if ready and rule not in ready]
    return ordered


def _pool_look(facts: Facts, pool: str, now_ms: int) -> Look:
    figures = facts.pool(pool)

    def value(window: str, metric: str) -> Value:
        found = figures.get(metric)
        if isinstance(found, int | float):
            return found, None
        return None, None

    return Look(now_ms, 0, now_ms, 0, value)


def _room_look(facts: Facts, room: RoomFacts, dimension: str, key: str, now_ms: int) -> Look:
    def value(window: str, metric: str) -> Value:
        return facts.value(room.room_id, dimension, key, window, metric)

    return Look(now_ms, room.started_ms, room.last_event_ms, 0, value)
