"""Metrics of all processes on one port: each leaves its own in Redis, any of them answers for all.

The kernel deals connections out, so a scrape reaches one process by chance.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sinks.gateway.metrics import merge

PUBLISH_S: Final = 2.0
KEEP_MS: Final = 10_000


class _Executor(Protocol):
    async def execute_command(self, *args: bytes | str | int) -> Any: ...


class Siblings:
    """The processes that share a port; alone, it only answers for itself."""

    def __init__(self, redis: Redis, process: int, processes: int, own: Callable[[], str]) -> None:
        self.port = 0
        self._redis = cast(_Executor, redis)
        self._process = process
        self._processes = processes
        self._own = own

    def _key(self, process: int) -> str:
        return f"liveroom:gateway:{self.port}:{process}"

    async def run(self) -> None:
        """Publish every 2 s; a Redis out of reach is the feed's business."""
        while self._processes > 1:
            try:
                key = self._key(self._process)
                await self._redis.execute_command("SET", key, self._own(), "PX", KEEP_MS)
            except (RedisError, OSError, TimeoutError):
                pass
            await asyncio.sleep(PUBLISH_S)

    async def text(self) -> str:
        """The text of all processes, ours fresh, the others at most `KEEP_MS` old."""
        others = [number for number in range(self._processes) if number != self._process]
        if not others:
            return self._own()
        try:
            found = await self._redis.execute_command("MGET", *map(self._key, others))
        except (RedisError, OSError, TimeoutError):
            found = []
        return merge([self._own(), *(text.decode() for text in found if text)])
