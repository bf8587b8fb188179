"""The producer's side of the log for asyncio programs (the gateway's own events)."""

import asyncio
from typing import Final, Protocol, cast

import redis.asyncio
from redis.exceptions import AuthenticationError, NoScriptError, RedisError, ResponseError

from sinks.log_writer import (
    DEFAULT_LIMIT_BYTES,
    DEFAULT_RETRY_MS,
    Appended,
    Entry,
    Wait,
    append_call,
    parse_appended,
    tick_line,
)
from sinks.redis_client import Arg, Backoff, Reply, connection_pool, hide_password, refusal
from sinks.redis_scripts import command, source
from stream.errors import InvariantError, SinkError

_ATTEMPTS: Final = 3


class _Executor(Protocol):
    """The one method of redis-py's client that we use."""

    async def execute_command(self, *args: Arg) -> Reply: ...


class AsyncLogWriter:
    """As `log_writer.LogWriter`, for an event loop; safe for several tasks at once."""

    def __init__(
        self,
        url: str,
        shards: int,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        retry_ms: int = DEFAULT_RETRY_MS,
        timeout_s: float = 2.0,
    ) -> None:
        connection_pool(url).disconnect()  # refuses a bad address with our own error
        self._client = redis.asyncio.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, protocol=2
        )
        self.shards = shards
        self._shown = hide_password(url)
        self._limit_bytes = limit_bytes
        self._retry_ms = retry_ms

    async def append(self, shard: int, lines: bytes, *, producer: str = "") -> Appended | Wait:
        """Append one entry to a shard in `[0, shards)`.

        Raises:
            SinkError: Redis is out of reach or refuses; `retry_after_ms` says whether to retry.
                The entry may have been appended: appending it again is safe.
        """
        call = append_call([Entry(shard, lines, producer)], self._limit_bytes, self._retry_ms)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return parse_appended(await self._run(command(call)), 1)[0]
            except SinkError as error:
                if error.retry_after_ms is None or attempt == _ATTEMPTS:
                    raise
            await asyncio.sleep(Backoff().delay_ms(attempt) / 1_000)
        raise InvariantError("unreachable: there is at least one attempt")

    async def tick(self, now_ms: int) -> list[Appended | Wait]:
        """Append a tick to every shard; a shard under back-pressure gets none.

        Raises:
            SinkError: as `append`.
        """
        line = tick_line(now_ms)
        return [await self.append(shard, line) for shard in range(self.shards)]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _run(self, args: tuple[Arg, ...]) -> Reply:
        client = cast(_Executor, self._client)
        try:
            try:
                return await client.execute_command(*args)
            except NoScriptError:
                await client.execute_command("SCRIPT", "LOAD", source("append"))
                return await client.execute_command(*args)
        except ResponseError as error:
            refused = refusal(error)
            retry_ms = self._retry_ms if refused.may_pass else None
            raise SinkError("log", refused.text, retry_ms) from error
        except (RedisError, OSError) as error:
            why = f"connection to {self._shown} failed: {error}"
            final = isinstance(error, AuthenticationError)
            raise SinkError("log", why, None if final else self._retry_ms) from error
