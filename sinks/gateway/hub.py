"""The channels this process caches, kept true to Redis: load, apply, notice a hole, reload.

Nothing here is state that Redis does not have. A channel is loaded when somebody asks for it;
entries of the out log that arrive meanwhile wait in its buffer and follow the load.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from operators.results import CHANNELS
from sinks.gateway.channels import CachedChannel, LogChannel, LogItem, OutEntry, StateChannel, Step
from sinks.gateway.limits import Limits
from stream.errors import SinkError


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: redis-py can swallow a cancellation while it connects."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One channel as Redis has it. `epoch` "": the engine has written nothing yet.

    `ts_ms` is the as-of time of the shard's newest change, 0 if there is none.
    """

    epoch: str
    seq: int
    ts_ms: int = 0
    values: dict[str, bytes] = field(default_factory=dict)
    items: list[LogItem] = field(default_factory=list)


class Store(Protocol):
    """What the hub needs of Redis; raises SinkError when it is out of reach."""

    async def find_shard(self, channel: str) -> int | None:
        """Shard whose directory lists the channel; None if no shard does."""
        ...

    async def load(self, shard: int, channel: str, kind: str) -> Loaded:
        """Read one channel, in one transaction."""
        ...


@dataclass(slots=True)
class Cached:
    """A channel and what it takes to keep it true."""

    channel: CachedChannel
    shard: int | None = None
    loading: asyncio.Task[None] | None = None
    buffer: list[OutEntry] = field(default_factory=list)
    users: int = 0
    idle_since_s: float = 0.0
    emptied_s: float | None = None


MAX_BUFFER: Final = 20_000
RELOAD_PAUSE_S: Final = 0.1


class Hub:
    """Registry of cached channels. Not thread-safe: one event loop."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self.cached: dict[str, Cached] = {}
        self.reloads = 0
        self._store = store
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()

    async def acquire(self, name: str) -> CachedChannel:
        """A loaded channel, counted as used until `release`.

        Raises:
            SinkError: Redis is out of reach and the channel is not cached.
        """
        entry = self.cached.get(name)
        if entry is None:
            entry = self.cached[name] = Cached(self._make(name))
        entry.users += 1
        try:
            if entry.channel.generation == 0:
                if entry.loading is None:
                    self._start(name, entry, "start", tries=1)
                if entry.loading is not None:
                    await asyncio.shield(entry.loading)
                if entry.channel.generation == 0:
                    raise SinkError("redis", "the channel could not be loaded", 1_000)
        except BaseException:
            self.release(name, 0.0)
            raise
        return entry.channel

    def release(self, name: str, now_s: float) -> None:
        """Give up one use of a channel."""
        entry = self.cached.get(name)
        if entry is not None:
            entry.users -= 1
            entry.idle_since_s = now_s

    def forget_idle(self, now_s: float) -> None:
        """Drop channels nobody has used for a while."""
        for name, entry in list(self.cached.items()):
            idle = now_s - entry.idle_since_s > self._limits.channel_idle_s
            if entry.users <= 0 and idle and entry.loading is None:
                del self.cached[name]
            else:
                entry.channel.prune()

    def on_entry(self, shard: int, entry: OutEntry) -> None:
        """Take one entry of a shard's out log."""
        cached = self.cached.get(entry.channel)
        if cached is None:
            return
        cached.shard = shard
        if cached.loading is not None:
            if len(cached.buffer) < MAX_BUFFER:
                cached.buffer.append(entry)
            return
        step = cached.channel.apply(entry)
        if step is Step.HOLE or step is Step.EPOCH:
            self._start(entry.channel, cached, "trim" if step is Step.HOLE else "epoch")

    def on_epoch(self, shard: int, entry: OutEntry | None = None) -> None:
        """The shard's output state was made anew: every channel of it is read again.

        A load under way may have read the old one: `entry`, the announcement, waits for it.
        """
        for name, cached in self.cached.items():
            if cached.shard != shard and cached.shard is not None:
                continue
            if cached.loading is not None and entry is not None:
                cached.buffer.append(entry)
            self.reload(name, "epoch")

    def reload(self, name: str, reason: str) -> None:
        """Read one channel again."""
        cached = self.cached.get(name)
        if cached is not None and cached.loading is None:
            self._start(name, cached, reason)

    def of_shard(self, shard: int) -> Iterable[tuple[str, CachedChannel]]:
        """Loaded channels of a shard, by name."""
        return [
            (name, cached.channel)
            for name, cached in self.cached.items()
            if cached.shard == shard and cached.loading is None
        ]

    async def close(self) -> None:
        """Let loads under way end, then stop them."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=1)
        await cancel_all(self._tasks)

    def _make(self, name: str) -> CachedChannel:
        kind, _ = CHANNELS[name.partition(":")[0]]
        if kind == "state":
            return StateChannel(name, self._limits.part_bytes)
        return LogChannel(
            name,
            self._limits.part_bytes,
            self._limits.log_ring_count,
            self._limits.log_snapshot_count,
        )

    def _start(self, name: str, cached: Cached, reason: str, tries: int | None = None) -> None:
        self.reloads += cached.channel.generation > 0
        task = asyncio.get_running_loop().create_task(self._load(name, cached, reason, tries))
        cached.loading = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, name: str, cached: Cached, reason: str, tries: int | None) -> None:
        try:
            while True:
                try:
                    if await self._load_once(name, cached, reason):
                        return
                except SinkError:
                    tries = None if tries is None else tries - 1
                    if tries == 0:
                        return
                await asyncio.sleep(RELOAD_PAUSE_S)
        finally:
            cached.loading = None
            cached.buffer = []

    def _in_grace(self, cached: Cached) -> bool:
        """Emptied under us: show what we have until the engine has had time to write anew."""
        now_s = asyncio.get_running_loop().time()
        if cached.emptied_s is None:
            cached.emptied_s = now_s
        return now_s - cached.emptied_s < self._limits.empty_grace_s

    async def _load_once(self, name: str, cached: Cached, reason: str) -> bool:
        """Read the channel and apply what waited; False if that showed another hole."""
        channel = cached.channel
        shard = cached.shard
        if shard is None:
            shard = cached.shard = await self._store.find_shard(name)
        loaded = Loaded("", 0)
        if shard is not None:
            loaded = await self._store.load(shard, name, channel.kind)
        if loaded.seq == 0 and channel.seq > 0 and self._in_grace(cached):
            return True
        cached.emptied_s = None
        if isinstance(channel, StateChannel):
            channel.load(loaded.epoch, loaded.seq, loaded.values, loaded.ts_ms, reason)
        else:
            channel.load(loaded.epoch, loaded.seq, loaded.items, loaded.ts_ms, reason)
        waiting, cached.buffer = cached.buffer, []
        steps = [channel.apply(entry) for entry in waiting if entry.epoch == channel.epoch]
        if Step.HOLE in steps:
            cached.buffer = waiting + cached.buffer
            return False
        return not any(entry.epoch != channel.epoch for entry in waiting[-1:])
