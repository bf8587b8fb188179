"""The life of one alert: normal, pending, firing, recovering, resolved; in event time."""

from typing import Final

import msgspec

from operators.rules.model import Finding, Rule

NORMAL: Final = "normal"
PENDING: Final = "pending"
FIRING: Final = "firing"
RECOVERING: Final = "recovering"
RESOLVED: Final = "resolved"


class Alert(msgspec.Struct):
    """State of one (rule, room, subject): plain data. Times are event-time ms."""

    state: str = NORMAL
    since_ms: int = 0
    start_ms: int = 0
    clear_since_ms: int = 0
    cool_until_ms: int = 0
    snoozed_until_ms: int = 0
    acked: bool = False

    @property
    def open(self) -> bool:
        """True between firing and resolved."""
        return self.state in (FIRING, RECOVERING)


def step(alert: Alert, rule: Rule, finding: Finding | None, now_ms: int, quiet: bool) -> str | None:
    """Move one alert on; returns `firing` or `resolved` when that is to be told, else None.

    `finding` None: no data, which ends a pending alert and leaves a firing one as it is.
    `quiet`: a critical alert, missing data or the rate cap speaks against firing now; an open
    alert resolves, a pending one waits.
    """
    if alert.open:
        return _step_open(alert, rule, finding, now_ms, quiet)
    if finding is None or not finding.breach:
        alert.state = NORMAL
        return None
    if alert.state == NORMAL:
        alert.state, alert.since_ms = PENDING, now_ms
    held = now_ms - alert.since_ms >= rule.hold_s * 1000
    waiting = now_ms < max(alert.cool_until_ms, alert.snoozed_until_ms)
    if not held or waiting or quiet:
        return None
    alert.state, alert.start_ms, alert.acked = FIRING, now_ms, False
    return FIRING


def _step_open(
    alert: Alert, rule: Rule, finding: Finding | None, now_ms: int, quiet: bool
) -> str | None:
    if quiet:
        return resolve(alert, rule, now_ms)
    if finding is None:
        return None
    if not finding.clear:
        alert.state = FIRING
        return None
    if alert.state == FIRING:
        alert.state, alert.clear_since_ms = RECOVERING, now_ms
    if now_ms - alert.clear_since_ms >= rule.clear_s * 1000:
        return resolve(alert, rule, now_ms)
    return None


def resolve(alert: Alert, rule: Rule, now_ms: int) -> str | None:
    """End an open alert and start its cool-down; None when it was not open."""
    was_open = alert.open
    alert.state = NORMAL
    if not was_open:
        return None
    alert.cool_until_ms = now_ms + rule.cooldown_s * 1000
    return RESOLVED
