"""One channel of the Python client, as what its consumer iterates over."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from sinks.client.state import ChannelState, Update
from stream.errors import WireError

LOG_QUEUE: Final = 1_000
Forget = Callable[["Subscription"], Awaitable[None]]


class Subscription:
    """One channel as an async iterator of `Update`.

    A consumer slower than the stream gets the changes of a state channel merged; of a log
    channel nothing is dropped: the connection waits for the consumer.
    """

    def __init__(self, channel: str, rate_ms: int | None, forget: Forget) -> None:
        self.channel = channel
        self.rate_ms = rate_ms
        self.state = ChannelState(channel)
        self._forget = forget
        self._updates: deque[Update] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._error: WireError | None = None
        self._ended = False

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        while not self._updates:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        update = self._updates.popleft()
        if len(self._updates) < LOG_QUEUE:
            self._room.set()
        return update

    async def close(self) -> None:
        """Unsubscribe; the iterator ends."""
        self.end(None)
        await self._forget(self)

    def end(self, error: WireError | None) -> None:
        """End the iterator, with an error or without."""
        if not self._ended:
            self._error, self._ended = error, True
        self._room.set()
        self._ready.set()

    async def put(self, update: Update) -> None:
        """Hand an update to the consumer; waits while a log's queue is full."""
        if self.state.kind == "log":
            self._updates.append(update)
        else:
            self._conflate(update)
        self._ready.set()
        if len(self._updates) >= LOG_QUEUE:
            self._room.clear()
            await self._room.wait()

    def _conflate(self, update: Update) -> None:
        """Hold at most one gap and one step of a state channel for a consumer that is slow."""
        last = self._updates[-1] if self._updates else None
        if update.kind == "snapshot":
            gaps = [held for held in self._updates if held.kind == "gap"]
            self._updates = deque([*gaps[-1:], update])
        elif update.kind == "update" and last is not None and last.kind != "gap":
            whole = last.kind == "snapshot"
            fields = dict(update.state) if whole else {**last.fields, **update.fields}
            self._updates[-1] = replace(update, kind=last.kind, fields=fields)
        else:
            self._updates.append(update)
