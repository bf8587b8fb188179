"""Housekeeping of a shard's output in Redis: its directory, and starting over."""

from itertools import islice
from typing import Final

import msgspec

from operators.results import CHANNELS
from sinks.redis_client import Link, Refusal
from sinks.redis_keys import key
from sinks.redis_reply import pairs
from sinks.redis_scripts import ScriptCall, run_call

CALL_KEYS: Final = 500


class _Listed(msgspec.Struct):
    """One line of the directory."""

    kind: str
    expires_ms: int | None = None


def channel_key(shard: int, channel: str) -> str:
    """Key under which a channel stands."""
    return key(shard, CHANNELS[channel.partition(":")[0]][0], channel)


def directory(link: Link, shard: int) -> dict[str, _Listed]:
    """The shard's channels; lines of other kinds or makers are left out.

    Raises:
        SinkError: Redis is away or refuses.
    """
    found = pairs(link.call("HGETALL", key(shard, "channels")))
    return {
        name.decode(): msgspec.json.decode(line, type=_Listed)
        for name, line in found.items()
        if name.partition(b":")[0].decode() in CHANNELS
    }


def sweep(link: Link, shard: int, now_ms: int) -> int:
    """Take expired channels out of the directory. Returns how many were.

    Only the engine that owns the shard may call this: nobody else makes channels meanwhile.

    Raises:
        SinkError: Redis is away or refuses.
    """
    due = [
        name
        for name, listed in directory(link, shard).items()
        if listed.expires_ms is not None and listed.expires_ms <= now_ms
    ]
    there = link.run([("EXISTS", channel_key(shard, name)) for name in due])
    gone = [name for name, count in zip(due, there, strict=True) if count == 0]
    for reply in link.run([("HDEL", key(shard, "channels"), name) for name in gone]):
        if isinstance(reply, Refusal):
            return 0
    return len(gone)


def trim_out(link: Link, shard: int, age_ms: int) -> int:
    """Drop entries of the shard's out log older than `age_ms`, by Redis's clock that named them.

    Returns how many went. A gateway that had not read them reads its channels anew.

    Raises:
        SinkError: Redis is away or refuses.
    """
    clock = link.call("TIME")
    if not isinstance(clock, list):
        return 0
    seconds, micros = (int(part) for part in clock if isinstance(part, bytes))
    least_ms = max(0, seconds * 1_000 + micros // 1_000 - age_ms)
    gone = link.call("XTRIM", key(shard, "out"), "MINID", "=", least_ms)
    return gone if isinstance(gone, int) else 0


def remove_output(link: Link, shard: int, lead: tuple[int, str]) -> None:
    """Remove every channel of the shard, its and its counters; out log and dead letters stay.

    Raises:
        SinkError: Redis is away or refuses.
    """
    names = ("counters", "logseq", "channels")
    keys = [channel_key(shard, name) for name in directory(link, shard)]
    keys += [key(shard, name) for name in names]
    rest = iter(keys)
    while chunk := tuple(islice(rest, CALL_KEYS)):
        run_call(link, ScriptCall("reset", (key(shard, "meta"), *chunk), ()), lead)
