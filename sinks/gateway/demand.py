"""Tells the engine which channels have readers here, so that it says those first.

Only a hint: what it is late with is late by a second, never wrong. It lapses by itself when a
gateway dies, and where no gateway tells, the engine takes every channel for watched.
"""

import asyncio
from typing import Any, Final, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sinks.gateway.hub import Hub
from sinks.redis_claim import now_ms
from sinks.redis_keys import key

LOOK_S: Final = 0.25
TELL_S: Final = 2.0
KEEP_MS: Final = 6_000
HERE: Final = ""
"""Member that says no more than that a gateway is here."""


class _Pipes(Protocol):
    def pipeline(self, *, transaction: bool) -> Any: ...


class Demand:
    """What clients of this process are subscribed to, told to all shards."""

    def __init__(self, redis: Redis, shards: int, hub: Hub) -> None:
        self._redis = redis
        self._shards = shards
        self._hub = hub

    def channels(self) -> dict[int, frozenset[str]]:
        """Channels with readers, by shard; those no shard has yet are left out."""
        found: dict[int, set[str]] = {}
        for name, cached in self._hub.cached.items():
            if cached.users > 0 and cached.shard is not None:
                found.setdefault(cached.shard, set()).add(name)
        return {shard: frozenset(names) for shard, names in found.items()}

    async def run(self) -> None:
        """Tell every 2 s, and soon after a change; a Redis out of reach is the feed's business."""
        loop = asyncio.get_running_loop()
        told: dict[int, frozenset[str]] | None = None
        due_s = 0.0
        while True:
            now = self.channels()
            if now != told or loop.time() >= due_s:
                try:
                    await tell(self._redis, now, self._shards)
                    told, due_s = now, loop.time() + TELL_S
                except (RedisError, OSError, TimeoutError):
                    told = None
            await asyncio.sleep(LOOK_S)


async def tell(redis: Redis, channels: dict[int, frozenset[str]], shards: int) -> None:
    """Say for all shards that a gateway is here, and what it has readers of.

    Raises:
        RedisError, OSError, TimeoutError: Redis is out of reach.
    """
    at_ms = now_ms()
    pipe = cast(_Pipes, redis).pipeline(transaction=False)
    for shard in range(shards):
        name = key(shard, "watched")
        until: dict[str, int] = dict.fromkeys((HERE, *channels.get(shard, ())), at_ms + KEEP_MS)
        pipe.zadd(name, until)
        pipe.zremrangebyscore(name, "-inf", at_ms)
        pipe.pexpire(name, KEEP_MS)
    await pipe.execute()
