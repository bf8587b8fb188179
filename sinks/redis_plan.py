"""What to write for an `Output`: script calls as values. Pure; sends nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, TypeVar

import msgspec

from operators.results import CHANNELS, Output
from sinks.redis_client import Arg
from sinks.redis_keys import key
from sinks.redis_pending import Limits, Pending, QueuedEntry, QueuedLetter, StatePatch, Totals
from sinks.redis_scripts import ScriptCall

CALL_FIELDS: Final = 500
CALL_ENTRIES: Final = 100
CALL_LETTERS: Final = 50
CALL_CHANNELS: Final = 100
WATERMARK: Final = "wm_ms"
"""This counter is the shard's watermark: it goes to `{p}:meta wm` too."""
DEFAULT_LIMITS: Final = Limits()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One planned call, and what is settled when it succeeds."""

    call: ScriptCall
    channel: str = ""
    settles: tuple[object, ...] = ()


def plan(output: Output, limits: Limits = DEFAULT_LIMITS) -> list[ScriptCall]:
    """Script calls that write one output, in order; [] for an empty one.

    The engine's claim (fence and marker) is not part of them: `redis_sink` puts it in front.
    """
    pending = Pending(output.shard, limits)
    pending.add(output)
    return [step.call for step in steps(pending)]


def steps(pending: Pending) -> list[Step]:
    """Calls that write everything pending: state, log entries, dead letters, totals, expiries."""
    planned: list[Step] = []
    for channel, patch in pending.patches.items():
        planned += _patch_steps(pending, channel, patch)
    by_channel: dict[str, list[QueuedEntry]] = {}
    for entry in pending.entries:
        by_channel.setdefault(entry.channel, []).append(entry)
    for channel, entries in by_channel.items():
        planned += _entry_steps(pending, channel, entries)
    for letters in _chunks(pending.letters, CALL_LETTERS):
        planned.append(_letter_step(pending, letters))
    if pending.totals is not None:
        planned.append(_totals_step(pending, pending.totals))
    for channels in _chunks(pending.retired, CALL_CHANNELS):
        planned.append(_retire_step(pending, channels))
    return planned


def settle(pending: Pending, planned: Sequence[Step], done: Sequence[bool]) -> None:
    """Forget what is written; nothing may have been added since `steps`.

    A channel's patch is settled when all its parts are. A log entry is settled on its own.
    """
    failed = {step.channel for step, ok in zip(planned, done, strict=True) if not ok}
    settled: set[int] = set()
    for step, ok in zip(planned, done, strict=True):
        if not ok:
            continue
        settled.update(map(id, step.settles))
        if step.channel not in failed:
            pending.patches.pop(step.channel, None)
    pending.forget(settled)


@lru_cache(maxsize=16_384)
def directory_entry(channel: str, expires_ms: int | None = None) -> bytes:
    """What `{p}:channels` says about a channel."""
    kind, _, rest = channel.partition(":")
    entry: dict[str, object] = {"kind": CHANNELS[kind][0], "tenant": rest.partition("/")[0]}
    if expires_ms is not None:
        entry["expires_ms"] = expires_ms
    return msgspec.json.encode(entry)


def patch_json(fields: Mapping[str, bytes | None]) -> bytes:
    """Join encoded values into the object that gateways forward; None is `null`."""
    items = [_prefix(name) + (value or b"null") for name, value in fields.items()]
    return b"{" + b",".join(items) + b"}"


@lru_cache(maxsize=65_536)
def _prefix(name: str) -> bytes:
    """A field's name in JSON, colon included; the same few names come again and again."""
    return msgspec.json.encode(name) + b":"


def _patch_steps(pending: Pending, channel: str, patch: StatePatch) -> list[Step]:
    shard, limits = pending.shard, pending.limits
    keys = (
        key(shard, "meta"),
        key(shard, "state", channel),
        key(shard, "out"),
        key(shard, "channels"),
    )
    parts: Sequence[dict[str, bytes | None]] = [patch.fields]
    if len(patch.fields) > CALL_FIELDS:
        parts = [dict(chunk) for chunk in _chunks(patch.fields.items(), CALL_FIELDS)]
    made = []
    for place, fields in enumerate(parts, 1):
        pairs: list[Arg] = []
        deleted: list[Arg] = []
        for name, value in fields.items():
            if value is None:
                deleted.append(name)
            else:
                pairs += (name, value)
        args: tuple[Arg, ...] = (
            channel,
            patch.version,
            place,
            len(parts),
            int(patch.replace),
            patch.as_of_ms,
            directory_entry(channel),
            limits.out_maxlen,
            limits.sealed_ttl_ms,
            patch_json(fields),
            len(pairs) // 2,
            patch.stamp,
            *pairs,
            *deleted,
        )
        made.append(Step(ScriptCall("patch", keys, args), channel))
    return made


def _entry_steps(pending: Pending, channel: str, entries: Sequence[QueuedEntry]) -> list[Step]:
    shard, limits = pending.shard, pending.limits
    keys = (
        key(shard, "meta"),
        key(shard, "log", channel),
        key(shard, "out"),
        key(shard, "channels"),
        key(shard, "logseq"),
    )
    made: list[Step] = []
    needed = ""
    for chunk in _chunks(entries, CALL_ENTRIES):
        pairs = [arg for entry in chunk for arg in (entry.id, entry.data)]
        args: tuple[Arg, ...] = (
            channel,
            chunk[-1].as_of_ms,
            directory_entry(channel),
            limits.out_maxlen,
            limits.log_maxlen,
            needed,
            *pairs,
        )
        made.append(Step(ScriptCall("append_log", keys, args), settles=tuple(chunk)))
        needed = chunk[-1].id
    return made


def _letter_step(pending: Pending, letters: Sequence[QueuedLetter]) -> Step:
    keys = (key(pending.shard, "meta"), key(pending.shard, "dead"))
    args: list[Arg] = [pending.limits.dead_maxlen]
    for letter in letters:
        args += (letter.number, letter.version, letter.reason, letter.raw, letter.detail)
    return Step(ScriptCall("dead", keys, tuple(args)), settles=tuple(letters))


def _totals_step(pending: Pending, totals: Totals) -> Step:
    keys = (key(pending.shard, "meta"), key(pending.shard, "counters"))
    args: list[Arg] = [totals.version, totals.stamp, totals.values.get(WATERMARK, "")]
    for name, value in totals.values.items():
        args += (name, value)
    return Step(ScriptCall("counters", keys, tuple(args)), settles=(totals,))


def _retire_step(pending: Pending, channels: Sequence[str]) -> Step:
    ttl_ms = pending.limits.sealed_ttl_ms
    keys = [key(pending.shard, "meta"), key(pending.shard, "channels")]
    args: list[Arg] = [ttl_ms]
    for channel in channels:
        name = CHANNELS[channel.partition(":")[0]][0]
        keys.append(key(pending.shard, name, channel))
        args += (channel, directory_entry(channel, pending.retired[channel] + ttl_ms))
    return Step(ScriptCall("retire", tuple(keys), tuple(args)), settles=tuple(channels))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
