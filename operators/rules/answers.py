"""Operators' answers to alerts: acknowledge, snooze, not useful."""

from typing import Final

import msgspec

from operators.rules.life import Alert
from stream.events import Event

STATE_OF: Final = {"ack": "acked", "snooze": "snoozed", "not_useful": "not_useful"}
"""`status` of an operator_action to the state the alert's log entry tells."""


class Answer(msgspec.Struct, frozen=True):
    """An answer that waits for the next evaluation. `value` of a snooze: seconds."""

    at_ms: int
    event_id: str
    alert_id: str
    status: str
    value: int | None
    actor: str | None


def answer_of(event: Event) -> Answer | None:
    """The answer an operator_action gives; None for other actions."""
    if event.type != "operator_action" or event.status not in STATE_OF or not event.target_id:
        return None
    return Answer(
        event.event_time_ms,
        event.event_id,
        event.target_id,
        event.status,
        event.value,
        event.role,
    )


def apply(answer: Answer, alert: Alert, now_ms: int, snooze_s: int) -> None:
    """Mark the alert; a snooze keeps it from firing again for that long."""
    if answer.status == "ack":
        alert.acked = True
    elif answer.status == "snooze":
        seconds = snooze_s if answer.value is None else max(0, answer.value)
        alert.snoozed_until_ms = now_ms + seconds * 1000
