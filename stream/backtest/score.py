"""Alerts against labelled incidents: true, related, false, missed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from operators.rules.model import Rule
from stream.backtest.labels import Incident

SLACK_MS: Final = 2_000
"""An alert may carry a watermark this much before the moment that made it."""

AFTER_MS: Final = 60_000
"""An alert of an incident may come this long after its end."""

RELATED_AFTER_MS: Final = 300_000
"""A consequence (an `also` label) may come this long after the incident's end."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert that fired. `told_ms` is the log's clock when it was told."""

    rule: str
    tenant: str
    room_id: str | None
    subject: str
    at_ms: int
    told_ms: int


@dataclass(slots=True)
class Score:
    """Counts of one rule, or of one kind of incident, over any number of recordings."""

    fired: int = 0
    true: int = 0
    related: int = 0
    false: int = 0
    incidents: int = 0
    missed: int = 0
    detect_ms: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        """Share of incidents found; None without incidents."""
        return None if not self.incidents else 1 - self.missed / self.incidents

    @property
    def detect_s(self) -> float | None:
        """Median seconds from the incident's start until the alert was told."""
        return None if not self.detect_ms else median(self.detect_ms) / 1000


@dataclass(slots=True)
class Scores:
    """Scores by rule and by kind of incident. `room_hours` 0: not known."""

    rules: dict[str, Score] = field(default_factory=dict)
    kinds: dict[str, Score] = field(default_factory=dict)
    room_hours: float = 0.0
    labelled: bool = False

    @property
    def false_per_hour(self) -> float | None:
        """False alarms of all rules per room-hour; None without labels or hours."""
        if not self.labelled or not self.room_hours:
            return None
        return sum(score.false for score in self.rules.values()) / self.room_hours


def add(
    scores: Scores, rules: Mapping[str, Rule], fired: Sequence[Fired], labels: Sequence[Incident]
) -> None:
    """Judge the alerts of one labelled recording."""
    for alert in fired:
        score = scores.rules.setdefault(alert.rule, Score())
        score.fired += 1
        verdict = _verdict(alert, rules[alert.rule], labels)
        setattr(score, verdict, getattr(score, verdict) + 1)
    for incident in labels:
        if incident.alert:
            _add_incident(scores, rules, fired, incident)


def _add_incident(
    scores: Scores, rules: Mapping[str, Rule], fired: Sequence[Fired], incident: Incident
) -> None:
    kind = scores.kinds.setdefault(incident.kind, Score())
    hits = [alert for alert in fired if finds(alert, rules[alert.rule], incident)]
    for name, rule in rules.items():
        if incident.kind not in rule.incidents:
            continue
        own = [alert.told_ms for alert in hits if alert.rule == name]
        _count(scores.rules.setdefault(name, Score()), own, incident)
    _count(kind, [alert.told_ms for alert in hits], incident)


def _count(score: Score, told_ms: list[int], incident: Incident) -> None:
    score.incidents += 1
    if told_ms:
        score.detect_ms.append(max(0, min(told_ms) - incident.start_ms))
    else:
        score.missed += 1


def finds(alert: Fired, rule: Rule, incident: Incident) -> bool:
    """Whether the alert is the rule's answer to the incident."""
    if incident.kind not in rule.incidents or not _about(alert, incident):
        return False
    return incident.start_ms - SLACK_MS <= alert.at_ms <= incident.end_ms + AFTER_MS


def _verdict(alert: Fired, rule: Rule, labels: Sequence[Incident]) -> str:
    if any(finds(alert, rule, incident) for incident in labels):
        return "true"
    for incident in labels:
        if incident.kind not in (*rule.incidents, *rule.also) or not _about(alert, incident):
            continue
        since_ms = incident.start_ms if incident.from_ms is None else incident.from_ms
        if since_ms - SLACK_MS <= alert.at_ms <= incident.end_ms + RELATED_AFTER_MS:
            return "related"
    return "false"


def _about(alert: Fired, incident: Incident) -> bool:
    if alert.tenant != incident.tenant:
        return False
    if alert.room_id is not None and incident.room_id is not None:
        return alert.room_id == incident.room_id
    return incident.subject is None or alert.subject == incident.subject
