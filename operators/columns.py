"""A chunk of events as columns, checked.

Checks are vectorised; whatever looks odd, and the rare types that are handled one by one, go
through `stream.validate.reject_reason`, which is the reference.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import xxhash

from operators.hashindex import I32, I64, U64, Bool
from operators.profiles import U8, Names, Profiles, profile_of
from stream.events import (
    EVENT_TYPES,
    MAX_EVENT_TIME_MS,
    MAX_ID_CHARS,
    MAX_INT,
    MIN_EVENT_TIME_MS,
    TYPE_CODE,
    Event,
    Level,
)
from stream.validate import id_fits, own_reason, reject_reason

_USER_NEEDED: Final = np.array(["user_id" in e.required for e in EVENT_TYPES])
_PRODUCT_NEEDED: Final = np.array(["product_id" in e.required for e in EVENT_TYPES])
HAS_PRODUCT: Final = np.array(["product_id" in (*e.required, *e.optional) for e in EVENT_TYPES])
HAS_QTY: Final = np.array([e.name in ("like", "gift", "add_to_cart") for e in EVENT_TYPES])
OBJECT_TYPES: Final = frozenset(
    e.name
    for e in EVENT_TYPES
    if e.level is Level.GROUP
    or e.name
    in {
        *("room_status", "room_stats", "product_listed", "comment", "rules"),
        *("explain_start", "explain_end", "shift_start", "shift_end", "promo_start", "promo_end"),
    }
)
"""Types handled one by one in Python: rare ones, and those with text."""
IS_OBJECT: Final = np.array([e.name in OBJECT_TYPES for e in EVENT_TYPES])
TICK: Final = TYPE_CODE["tick"]
RULES: Final = TYPE_CODE["rules"]
IS_CONTROL: Final = np.array([e.level is Level.SHARD for e in EVENT_TYPES])
"""What is said to a shard, not of a room: it is not folded and not counted."""
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Columns:
    """`n` usable events in log order. All arrays have shape (n,) unless said.

    Attributes:
        type: number of the event type.
        time_ms: event time.
        profile: number in `Profiles`.
        user: the viewer's 64-bit hash; 0 where `has_user` is false.
        product: code in `Names`, -1 for none.
        qty: units; 1 where the event does not say.
        key: 64-bit key of (source, event_id).
        objects: place -> the event, for `OBJECT_TYPES`, places ascending.
    """

    type: U8
    time_ms: I64
    profile: I32
    user: U64
    has_user: Bool
    product: I32
    qty: I64
    key: U64
    objects: dict[int, Event]

    @property
    def n(self) -> int:
        """Number of events."""
        return len(self.type)


class ColumnReader:
    """Turns decoded events into checked columns; keeps the caches between chunks."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.profiles = Profiles(names)

    def begin(self) -> None:
        """Call before the chunks that will be joined: profile numbers hold from here on."""
        if len(self.profiles.number) > Profiles.MAX_PROFILES:
            self.profiles.clear()

    def read(self, events: list[Event]) -> tuple[Columns, list[tuple[Event, str]]]:
        """Columns of the usable events, and the others with their reasons.

        Dedupe, lateness and clock skew against ticks are not judged here.
        """
        columns, suspect = self._columns(events)
        if not suspect.any():
            return columns, []
        failed: list[tuple[Event, str]] = []
        good = np.ones(len(events), np.bool_)
        for place in np.flatnonzero(suspect).tolist():
            reason = reject_reason(events[place])
            if reason is not None:
                failed.append((events[place], reason))
                good[place] = False
        return take(columns, np.flatnonzero(good)), failed

    def _columns(self, events: list[Event]) -> tuple[Columns, Bool]:
        """Columns of all events, and which of them want a closer look."""
        n = len(events)
        profile = self._profiles(events)
        facts = self.profiles
        type_ = facts.type[profile]
        time_ms = _times([e.event_time_ms for e in events])
        user, has_user, odd_user = _users([e.user_id for e in events])
        product = np.where(HAS_PRODUCT[type_], self._products(events), np.int32(-1))
        ids = [e.event_id for e in events]
        hashes = map(xxhash.xxh3_64_intdigest, map(str.encode, ids))
        key = event_keys(np.fromiter(hashes, np.uint64, n), facts.salt[profile])
        suspect = facts.bad[profile] | odd_user | lacks(type_, time_ms, has_user, product)
        lengths = list(map(len, ids))
        if n and (min(lengths) == 0 or max(lengths) > MAX_ID_CHARS):
            suspect[:] = True
        if not "".join(ids).isprintable():
            suspect[:] = True
        recv = [e.recv_time_ms for e in events]
        if recv.count(None) != n:
            suspect |= np.array([value is not None for value in recv])
        objects = {place: events[place] for place in np.flatnonzero(IS_OBJECT[type_]).tolist()}
        for place, event in objects.items():
            if own_reason(event) is not None:
                suspect[place] = True
        qty = np.ones(n, np.int64)
        for place in np.flatnonzero(HAS_QTY[type_]).tolist():
            value, amount = events[place].qty, events[place].amount_minor
            if value is not None:
                if abs(value) <= MAX_INT:
                    qty[place] = value
                else:
                    suspect[place] = True
            if amount is not None and abs(amount) > MAX_INT:
                suspect[place] = True
        columns = Columns(type_, time_ms, profile, user, has_user, product, qty, key, objects)
        return columns, suspect

    def _profiles(self, events: list[Event]) -> I32:
        number = self.profiles.number
        add = self.profiles.add
        # Two steps, because a miss is rare and `get` with a call would cost every event.
        found = [number.get(profile, -1) for profile in map(profile_of, events)]
        if -1 in found:
            found = [
                number[profile] if profile in number else add(profile)
                for profile in map(profile_of, events)
            ]
        return np.fromiter(found, np.int32, len(events))

    def _products(self, events: list[Event]) -> I32:
        code = self.names.code
        found = [code.get(e.product_id, -2) for e in events]
        if -2 in found:
            found = [self.product(e.product_id) for e in events]
        return np.fromiter(found, np.int32, len(events))

    def product(self, text: str | None) -> int:
        """Code of a product; -1 for none, -2 for text that cannot be an id."""
        if text is None or id_fits(text):
            return self.names[text]
        return -2


def event_keys(hashes: U64, salts: U64) -> U64:
    """Keys of (source, event_id) from the XXH3 of the event id and the salt of the source."""
    return hashes * _ODD ^ salts


def lacks(type_: U8, time_ms: I64, has_user: Bool, product: I32) -> Bool:
    """Whether an event lacks what its type needs, or lies out of time; shapes (n,).

    `product`: -1 for none, less for one that cannot be.
    """
    found = (_USER_NEEDED[type_] & ~has_user) | (_PRODUCT_NEEDED[type_] & (product < 0))
    found |= (product < -1) | (time_ms < MIN_EVENT_TIME_MS) | (time_ms >= MAX_EVENT_TIME_MS)
    return np.asarray(found)


def _times(times: list[int]) -> I64:
    """Event times as an array; one that no int64 holds becomes -1, which is out of range."""
    try:
        return np.array(times, np.int64)
    except OverflowError:
        return np.array([time if abs(time) < 2**62 else -1 for time in times], np.int64)


def _users(ids: list[str | None]) -> tuple[U64, Bool, Bool]:
    """Viewer hashes from their 16 hex digits; which are there; which are something else."""
    n = len(ids)
    none = np.zeros(n, np.bool_)
    texts = [text for text in ids if text is not None]
    joined = "".join(texts)
    raw = _unhex(joined) if set(map(len, texts)) <= {16} else None
    if raw is not None and len(raw) == 8 * len(texts):
        hashes = np.frombuffer(raw, ">u8").astype(np.uint64)
        if len(texts) == n:
            return hashes, ~none, none
        has = np.fromiter([text is not None for text in ids], np.bool_, n)
        user = np.zeros(n, np.uint64)
        user[has] = hashes
        return user, has, none
    values = [int(text, 16) if text is not None and _is_user(text) else None for text in ids]
    has = np.array([value is not None for value in values], np.bool_)
    odd = np.array([text is not None for text in ids], np.bool_) & ~has
    return np.array([value or 0 for value in values], np.uint64), has, odd


_is_user: Final = re.compile("[0-9a-f]{16}").fullmatch


def _unhex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if text == text.lower() else None
    except ValueError:
        return None


ARRAYS: Final = ("type", "time_ms", "profile", "user", "has_user", "product", "qty", "key")


def concat(parts: list[Columns]) -> Columns:
    """One Columns of several, in order."""
    if len(parts) == 1:
        return parts[0]
    objects: dict[int, Event] = {}
    start = 0
    for part in parts:
        objects.update((start + place, event) for place, event in part.objects.items())
        start += part.n
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return Columns(**joined, objects=objects)


def take(columns: Columns, places: I64) -> Columns:
    """The events at `places` (ascending), as columns of their own."""
    if len(places) == columns.n:
        return columns
    objects: dict[int, Event] = {}
    if columns.objects:
        new = {old: place for place, old in enumerate(places.tolist())}
        objects = {new[old]: e for old, e in columns.objects.items() if old in new}
    taken = {name: getattr(columns, name)[places] for name in ARRAYS}
    return Columns(**taken, objects=objects)


def cuts(columns: Columns, ends: list[int]) -> Iterator[Columns]:
    """The stretches `[0, ends[0])`, `[ends[0], ends[1])` … as columns that share memory."""
    waiting = iter(columns.objects.items())
    item = next(waiting, None)
    start = 0
    for end in ends:
        objects: dict[int, Event] = {}
        while item is not None and item[0] < end:
            objects[item[0] - start] = item[1]
            item = next(waiting, None)
        part = {name: getattr(columns, name)[start:end] for name in ARRAYS}
        yield Columns(**part, objects=objects)
        start = end
