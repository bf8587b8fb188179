"""Is an event usable? The reference, one event at a time.

The fold checks a whole chunk at once (`operators.columns`) and asks here only for the reason
of those that fail; a property test holds the two equal.
"""

import re
from collections.abc import Callable
from operator import attrgetter
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


def id_fits(value: object) -> bool:
    """Whether text can be an id: 1 to 128 characters, no control characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS and value.isprintable()


def user_fits(value: object) -> bool:
    """Whether text can be a viewer: 16 lower-case hex digits."""
    return isinstance(value, str) and _USER.fullmatch(value) is not None


def _int_fits(value: object) -> bool:
    return isinstance(value, int) and -MAX_INT <= value <= MAX_INT


def _text_fits(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT_CHARS


def _currency_fits(value: object) -> bool:
    return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None


def _identity_fits(value: object) -> bool:
    return value in IDENTITIES


_FITS: Final[dict[Kind, Callable[[object], bool]]] = {
    Kind.ID: id_fits,
    Kind.USER: user_fits,
    Kind.TEXT: _text_fits,
    Kind.INT: _int_fits,
    Kind.TIME: _int_fits,
    Kind.CURRENCY: _currency_fits,
    Kind.IDENTITY: _identity_fits,
}


_OWN: Final = {
    entry.name: tuple(
        (attrgetter(name), _FITS[_KINDS[name]], name in entry.required, name)
        for name in dict.fromkeys((*entry.required, *entry.optional))
        if name in entry.required or name not in _SHARED
    )
    for entry in EVENT_TYPES
}
"""Per type: (value, does it fit, is it required, field) of what it has beyond those."""


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
        if value is not None and not _FITS[_KINDS[name]](value):
            return f"bad:{name}"
    return own_reason(event)


def own_reason(event: Event) -> str | None:
    """The part of `reject_reason` that looks at the fields of the event's own type."""
    for value_of, fits, required, name in _OWN.get(event.type, ()):
        value = value_of(event)
        if value is None:
            if required:
                return f"missing:{name}"
        elif not fits(value):
            return f"bad:{name}"
    if event.recv_time_ms is not None and event.event_time_ms > event.recv_time_ms + MAX_SKEW_MS:
        return "clock_skew"
    return None
