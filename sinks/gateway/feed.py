"""Redis as the gateway reads it: one reader of all out logs, loads, and a regular audit.

One connection does XREAD BLOCK over the out logs of all shards; another serves loads. The
audit compares epochs, ids and sequences with Redis, so that a trimmed, emptied or replaced
log is noticed even when nothing follows it.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from sinks.gateway.channels import CachedChannel, LogItem, OutEntry
from sinks.gateway.hub import Hub, Loaded
from sinks.gateway.limits import Limits
from stream.errors import SinkError

LOG: Final = logging.getLogger("liveroom.gateway")
READ_COUNT: Final = 2_000
BLOCK_MS: Final = 250
AUDIT_S: Final = 3.0
LISTING_S: Final = 1.0
REVOKED_KEY: Final = "liveroom:revoked"
"""A set: ids (`jti`) and users (`sub`) whose tokens are no longer welcome; read every 3 s."""
START_ID: Final = b"0-0"


def id_key(entry_id: bytes) -> tuple[int, int]:
    """A stream id as two integers: ids do not compare as text."""
    ms, _, seq = entry_id.partition(b"-")
    return int(ms), int(seq or 0)


def parse_entry(fields: Mapping[bytes, bytes]) -> OutEntry | None:
    """One entry of an out log; None if it is not of our making."""
    try:
        return OutEntry(
            channel=fields.get(b"c", b"").decode(),
            kind=fields[b"k"].decode(),
            epoch=fields[b"e"].decode(),
            seq=int(fields.get(b"s", b"0")),
            data=fields.get(b"d", b"{}"),
            ts_ms=int(float(fields.get(b"t", b"0"))),
        )
    except (KeyError, ValueError, UnicodeDecodeError):
        return None


class _Executor(Protocol):
    """The one method of redis-py's client that its types leave untyped."""

    async def execute_command(self, *args: bytes | str | int) -> Any: ...


class RedisStore:
    """Loads of single channels and of the directory."""

    def __init__(self, redis: Redis, shards: int, limits: Limits) -> None:
        self._redis = redis
        self._shards = shards
        self._limits = limits
        self._shard_of: dict[str, int] = {}
        self._listed: dict[str, dict[str, object]] = {}
        self._listed_s = float("-inf")

    async def find_shard(self, channel: str) -> int | None:
        """Shard whose directory lists the channel; None if no shard does."""
        if channel in self._shard_of:
            return self._shard_of[channel]
        pipe = self._redis.pipeline(transaction=False)
        for shard in range(self._shards):
            pipe.execute_command("HEXISTS", f"{{{shard}}}:channels", channel)
        found = await self._run(pipe)
        for shard, there in enumerate(found):
            if there:
                self._shard_of[channel] = shard
                return shard
        return None

    async def load(self, shard: int, channel: str, kind: str) -> Loaded:
        """Read one channel with its epoch, in one transaction."""
        tag = f"{{{shard}}}:"
        pipe = self._redis.pipeline(transaction=True)
        pipe.execute_command("HGET", tag + "meta", "epoch")
        pipe.execute_command("XREVRANGE", tag + "out", "+", "-", "COUNT", 1)
        if kind == "state":
            pipe.execute_command("HGETALL", tag + channel)
            epoch, newest, values = await self._run(pipe)
            seq = int(values.get(b"_s", 0))
            clean = {
                name.decode(): value for name, value in values.items() if not name.startswith(b"_")
            }
            return Loaded((epoch or b"").decode(), seq, _as_of(newest), values=clean)
        pipe.execute_command("HGET", tag + "logseq", channel)
        count = self._limits.log_ring_count
        key = f"{tag}log:{channel}"
        pipe.execute_command("XREVRANGE", key, "+", "-", "COUNT", count)
        epoch, newest, seq_text, rows = await self._run(pipe)
        items = [
            LogItem(int(row[b"s"]), row[b"d"], id_key(entry_id)[0])
            for entry_id, row in reversed(rows)
        ]
        seq = int(seq_text) if seq_text else (items[-1].seq if items else 0)
        return Loaded((epoch or b"").decode(), seq, _as_of(newest), items=items)

    async def directory(self) -> dict[str, dict[str, object]]:
        """All channels of all shards, at most a second old: name to what the engine says."""
        now_s = time.monotonic()
        if now_s - self._listed_s < LISTING_S:
            return self._listed
        pipe = self._redis.pipeline(transaction=False)
        for shard in range(self._shards):
            pipe.execute_command("HGETALL", f"{{{shard}}}:channels")
        found: dict[str, dict[str, object]] = {}
        for shard, listing in enumerate(await self._run(pipe)):
            for name, raw in listing.items():
                try:
                    about = msgspec.json.decode(raw, type=dict[str, object])
                except msgspec.DecodeError:
                    about = {}
                found[name.decode()] = about | {"shard": shard}
        self._listed, self._listed_s = found, now_s
        return found

    async def _run(self, pipe: Any) -> Sequence[Any]:
        try:
            result: Sequence[Any] = await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise SinkError("redis", f"read failed: {type(error).__name__}", 1_000) from error
        return result


@dataclass(slots=True)
class FeedState:
    """What `/health`, `/ready` and the metrics show of the reader."""

    up: bool = False
    entries: int = 0
    reconnects: int = 0
    audits: int = 0
    last_read_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Audit:
    """One shard compared with Redis: judged once the reader has passed `newest`."""

    epoch: str
    newest: bytes
    found: list[tuple[str, CachedChannel, int, int]]
    """Name, channel, its sequence before the look, Redis's sequence."""


class Feed:
    """The one reader of a process: out logs of all shards into the hub.

    One task and one connection at a time, so that nothing has to be cancelled in the midst of
    a command.
    """

    def __init__(
        self,
        redis: Redis,
        shards: int,
        hub: Hub,
        on_revoked: Callable[[frozenset[str]], None],
    ) -> None:
        self._on_revoked = on_revoked
        self.state = FeedState()
        self._redis = redis
        self._shards = shards
        self._hub = hub
        self._keys = [f"{{{shard}}}:out".encode() for shard in range(shards)]
        self._shard_of = {key: shard for shard, key in enumerate(self._keys)}
        self._at: dict[int, bytes] = {}
        self._stop = asyncio.Event()
        self._audits: dict[int, Audit] = {}
        self._audited_s = 0.0

    async def run(self) -> None:
        """Read until `stop()`; a lost Redis is tried again with jittered back-off."""
        tries = 0
        while not self._stop.is_set():
            try:
                await self._begin()
                tries = 0
                while not self._stop.is_set():
                    await self._read()
                    await self._audit()
            except (RedisError, OSError, TimeoutError) as error:
                LOG.warning("redis is out of reach (%s), trying again", type(error).__name__)
            self.state.up = False
            self.state.reconnects += 1
            tries = min(tries + 1, 6)
            with contextlib.suppress(TimeoutError):
                wait_s = random.uniform(0.02, 0.05 * 2**tries)
                await asyncio.wait_for(self._stop.wait(), wait_s)

    def stop(self) -> None:
        """End `run()` after the command under way."""
        self._stop.set()

    async def _begin(self) -> None:
        """Find the ends of the logs; after a reconnect keep the place unless it went back."""
        for shard, last in (await self._ends()).items():
            at = self._at.get(shard)
            if at is None:
                self._at[shard] = last
            elif id_key(last) < id_key(at):
                self._at[shard] = last
                self._hub.on_epoch(shard)
        self.state.up = True
        self.state.last_read_s = time.monotonic()
        self._audited_s = 0.0

    async def _ends(self) -> dict[int, bytes]:
        ends: dict[int, bytes] = {}
        for shard, key in enumerate(self._keys):
            try:
                info = await cast(_Executor, self._redis).execute_command("XINFO", "STREAM", key)
            except ResponseError:
                ends[shard] = START_ID
            else:
                ends[shard] = _last_id(info)
        return ends

    async def _read(self) -> None:
        places = [self._at[shard] for shard in range(self._shards)]
        reply = await cast(_Executor, self._redis).execute_command(
            "XREAD", "COUNT", READ_COUNT, "BLOCK", BLOCK_MS, "STREAMS", *self._keys, *places
        )
        self.state.last_read_s = time.monotonic()
        for key, rows in reply or ():
            self._take(self._shard_of[key], rows)

    def _take(self, shard: int, rows: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> None:
        self.state.entries += len(rows)
        for entry_id, fields in rows:
            self._at[shard] = entry_id
            entry = parse_entry(fields) if fields else None
            if entry is None:
                continue
            if entry.kind == "epoch":
                self._hub.on_epoch(shard, entry)
            else:
                self._hub.on_entry(shard, entry)

    async def _audit(self) -> None:
        """Compare with Redis: at once after a (re)connect, then every few seconds."""
        for shard, audit in list(self._audits.items()):
            if id_key(self._at[shard]) >= id_key(audit.newest):
                del self._audits[shard]
                self._judge(audit)
        if time.monotonic() - self._audited_s < AUDIT_S:
            return
        self._audited_s = time.monotonic()
        self.state.audits += 1
        listed = await cast(_Executor, self._redis).execute_command("SMEMBERS", REVOKED_KEY)
        self._on_revoked(frozenset(name.decode() for name in listed))
        for shard in range(self._shards):
            fresh = await self._look(shard)
            if fresh is not None:
                self._audits[shard] = fresh

    async def _look(self, shard: int) -> Audit | None:
        """What Redis says of the cached channels of a shard; None: it has no epoch."""
        channels = [(n, c, c.seq) for n, c in self._hub.of_shard(shard) if c.epoch]
        tag = f"{{{shard}}}:"
        pipe = self._redis.pipeline(transaction=True)
        pipe.execute_command("HGET", tag + "meta", "epoch")
        for name, channel, _ in channels:
            place = (tag + name, "_s") if channel.kind == "state" else (tag + "logseq", name)
            pipe.execute_command("HGET", *place)
        pipe.execute_command("XREVRANGE", tag + "out", "+", "-", "COUNT", 1)
        epoch, *seqs, newest = await pipe.execute()
        if epoch is None or not channels:
            return None
        found = [
            (name, channel, before, int(text or 0))
            for (name, channel, before), text in zip(channels, seqs, strict=True)
        ]
        return Audit(epoch.decode(), newest[0][0] if newest else START_ID, found)

    def _judge(self, audit: Audit) -> None:
        for name, channel, before, seq in audit.found:
            if channel.epoch != audit.epoch or seq < before:
                self._hub.reload(name, "epoch")
            elif seq > channel.seq:
                self._hub.reload(name, "trim")


def _as_of(newest: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> int:
    entry = parse_entry(newest[0][1]) if newest else None
    return entry.ts_ms if entry else 0


def _last_id(info: object) -> bytes:
    if isinstance(info, Mapping):
        last = info.get("last-generated-id", info.get(b"last-generated-id", START_ID))
        return last if isinstance(last, bytes) else str(last).encode()
    return START_ID
