"""Which rules hold when: entries of the log say, and a replay follows them.

An entry (event type `rules`) carries the whole file, packed, and its hash. It holds from the next
beat after its place in the log, for all groups or for those of one shard of several: in a
recording made of several shards' logs each has its own.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from stream.events import Event
from stream.ids import shard_of

PART_CHARS: Final = 9_000
MAX_PARTS: Final = 64
MAX_TEXT_BYTES: Final = 1 << 20
"""Of a rule file; a longer one is refused wherever it comes from."""

EVERYWHERE: Final = ""
"""Address of an entry for all groups."""


class Entry(msgspec.Struct, frozen=True):
    """A rule file that was told: its address, hash and text."""

    address: str
    digest: str
    text: str


class _State(msgspec.Struct):
    """Everything a snapshot holds."""

    held: dict[str, Entry] = {}
    waiting: list[Entry] = []
    parts: dict[str, dict[int, str]] = {}


def digest_of(text: str) -> str:
    """The hash that names a rule file."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pack(text: str) -> list[str]:
    """A rule file as the texts of the events that carry it."""
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return [packed[place : place + PART_CHARS] for place in range(0, len(packed), PART_CHARS)]


def unpack(packed: str) -> str | None:
    """The reverse of `pack`, its parts joined; None when it is none, or too long."""
    try:
        loose = zlib.decompressobj()
        data = loose.decompress(base64.b64decode(packed, validate=True), MAX_TEXT_BYTES + 1)
        return data.decode() if loose.eof and len(data) <= MAX_TEXT_BYTES else None
    except (binascii.Error, zlib.error, ValueError):
        return None


def rule_events(text: str, at_ms: int, address: str = EVERYWHERE) -> Iterator[Event]:
    """The events that put a rule file into a log."""
    digest, parts = digest_of(text), pack(text)
    for number, part in enumerate(parts):
        yield Event(
            event_id=f"{digest}-{at_ms}-{number}",
            source="/liveroom/rules",
            type="rules",
            event_time_ms=at_ms,
            target_id=digest,
            value=number,
            qty=len(parts),
            status=address or None,
            text=part,
        )


class InForce:
    """The rule sets of one shard.

    Args:
        rules: those that hold until the log says otherwise.
        fixed: they hold whatever the log says: for trying rules out.
    """

    def __init__(self, rules: RuleSet, *, fixed: bool = False) -> None:
        self._first = rules
        self._fixed = fixed
        self._state = _State()
        if rules.text and not fixed:
            # A successor that was started with another file goes on with these, too.
            self._state.held[EVERYWHERE] = Entry(EVERYWHERE, rules.digest, rules.text)
        self._sets: dict[str, RuleSet] = {}

    def of(self, tenant: str, group: str) -> RuleSet:
        """The rules that hold for a group."""
        for address, rules in self._sets.items():
            if address and _reaches(address, tenant, group):
                return rules
        return self._sets.get(EVERYWHERE, self._first)

    def take(self, event: Event) -> bool:
        """Take an entry of the log; False when it holds no usable rules."""
        if self._fixed:
            return True
        number, count = event.value or 0, 1 if event.qty is None else event.qty
        if not (0 <= number < count <= MAX_PARTS) or not _good_address(event.status or ""):
            return False
        key = f"{event.status or ''}|{event.target_id}|{count}"
        # Parts of another file mean that the rest of an earlier one will not come.
        self._state.parts = {key: self._state.parts.get(key, {})}
        parts = self._state.parts[key]
        parts[number] = event.text or ""
        if len(parts) < count:
            return True
        del self._state.parts[key]
        text = unpack("".join(parts[part] for part in range(count)))
        if text is None or digest_of(text) != event.target_id or _parsed(text) is None:
            return False
        self._state.waiting.append(Entry(event.status or "", event.target_id, text))
        return True

    def turn(self) -> bool:
        """At a beat: let what was told hold. Gives whether anything changed."""
        waiting, self._state.waiting = self._state.waiting, []
        changed = False
        for entry in waiting:
            held = self._state.held
            if entry.address == EVERYWHERE:
                held.clear()
            old = held.get(entry.address)
            changed |= old is None or old.digest != entry.digest
            held[entry.address] = entry
        if changed:
            self._read()
        return changed

    def snapshot(self) -> bytes:
        """The whole state."""
        return msgspec.msgpack.encode(self._state)

    def restore(self, data: bytes) -> None:
        """Take a snapshot; rules that this version cannot read are left out."""
        if data and not self._fixed:
            self._state = msgspec.msgpack.decode(data, type=_State)
            self._read()

    def _read(self) -> None:
        found: dict[str, RuleSet] = {}
        for address, entry in self._state.held.items():
            # The rules we came with keep their identity: books that have them need no reload.
            rules = self._first if entry.digest == self._first.digest else _parsed(entry.text)
            if rules is not None:
                found[address] = rules
        self._sets = found


def _parsed(text: str) -> RuleSet | None:
    parsed = parse_rules(text)
    return parsed if isinstance(parsed, RuleSet) else None


def _good_address(address: str) -> bool:
    shard, _, shards = address.partition("/")
    if address == EVERYWHERE:
        return True
    known = shard.isdecimal() and shards.isdecimal() and len(address) < 12
    return known and int(shard) < int(shards)


def _reaches(address: str, tenant: str, group: str) -> bool:
    shard, _, shards = address.partition("/")
    return shard_of(tenant, group, int(shards)) == int(shard)
