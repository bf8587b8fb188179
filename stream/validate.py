"""Is an event usable? The reference, one event at a time.

The fold checks a whole chunk at once (`operators.columns`) and asks here only for the reason
of those that fail; a property test holds the two equal.
"""

import re
from typing import Final

from stream.events import (
    EVENT_TYPES,
    FIELDS,
    IDENTITIES,
    MAX_EVENT_TIME_MS,
    MAX_ID_CHARS,
    MAX_INT,
    MAX_TEXT_CHARS,
    MIN_EVENT_TIME_MS,
    TYPE_BY_NAME,
    Event,
    Kind,
    Level,
)

MAX_SKEW_MS: Final = 60_000
"""How far an event time may lie after `recv_time_ms` or the last tick, inclusive."""

_USER: Final = re.compile(r"[0-9a-f]{16}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_KINDS: Final = {field.name: field.kind for field in FIELDS}
_SHARED: Final = (
    "event_id",
    "source",
    "tenant",
    "group",
    "room_id",
    "channel",
    "platform",
    "segment",
    "host_id",
    "campaign_id",
    "identity",
)
"""Fields every type may have; `operators.profiles` checks them once for all of a kind."""
_OWN: Final = {
    entry.name: tuple(
        (name, _KINDS[name], name in entry.required)
        for name in dict.fromkeys((*entry.required, *entry.optional))
        if name in entry.required or name not in _SHARED
    )
    for entry in EVENT_TYPES
}
"""Per type: (field, kind, is it required) of what it has beyond those."""


def reject_reason(event: Event) -> str | None:
    """Why `event` cannot be used, or None when it can.

    Only the fields its type has are looked at; others are ignored. The reasons are the words
    under which dead letters are counted: `unknown_type`, `missing:<field>`, `bad:<field>`,
    `event_time_out_of_range`, `clock_skew`.
    """
    entry = TYPE_BY_NAME.get(event.type)
    if entry is None:
        return "unknown_type"
    if not MIN_EVENT_TIME_MS <= event.event_time_ms < MAX_EVENT_TIME_MS:
        return "event_time_out_of_range"
    if entry.level is not Level.SHARD and event.tenant is None:
        return "missing:tenant"
    if entry.level is Level.ROOM and event.room_id is None:
        return "missing:room_id"
    for name in _SHARED:
        value = getattr(event, name)
        if value is not None and not _fits(_KINDS[name], value):
            return f"bad:{name}"
    return own_reason(event)


def own_reason(event: Event) -> str | None:
    """The part of `reject_reason` that looks at the fields of the event's own type."""
    for name, kind, required in _OWN.get(event.type, ()):
        value = getattr(event, name)
        if value is None:
            if required:
                return f"missing:{name}"
        elif not _fits(kind, value):
            return f"bad:{name}"
    if event.recv_time_ms is not None and event.event_time_ms > event.recv_time_ms + MAX_SKEW_MS:
        return "clock_skew"
    return None


def id_fits(value: str) -> bool:
    """Whether text can be an id: 1 to 128 characters, no control characters."""
    return 0 < len(value) <= MAX_ID_CHARS and value.isprintable()


def _fits(kind: Kind, value: object) -> bool:
    if isinstance(value, int):
        return -MAX_INT <= value <= MAX_INT
    if not isinstance(value, str):
        return False
    match kind:
        case Kind.USER:
            return _USER.fullmatch(value) is not None
        case Kind.CURRENCY:
            return _CURRENCY.fullmatch(value) is not None
        case Kind.IDENTITY:
            return value in IDENTITIES
        case Kind.TEXT:
            return len(value) <= MAX_TEXT_CHARS
        case _:
            return id_fits(value)
