"""A screen without a window: follows every channel over WebSocket, in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from sinks.client import LiveroomClient
from stream.errors import LiveroomError, SinkError

LIST_EVERY_S: Final = 0.5
CHANNELS_A_CONNECTION: Final = 60
"""The gateway allows 64: a screen that follows more opens further connections."""
_ANSWER_S: Final = 10.0
_STATE_KINDS: Final = ("room:", "split:", "hist:", "board:", "stock:", "names:")


class HeadlessScreen:
    """Subscribes to all state channels that its token covers, also to those that come later.

    Used as a context manager. It learns everything over WebSocket, like a browser.
    """

    def __init__(self, url: str, token: str) -> None:
        """`url` is `ws://host:port/ws`."""
        self._url, self._token = url, token
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._stop = asyncio.Event()
        self._clients: list[LiveroomClient] = []
        self._client_of: dict[str, LiveroomClient] = {}

    def __enter__(self) -> "HeadlessScreen":
        """Connect in the background."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect and wait for the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_ANSWER_S)

    def channels(self) -> dict[str, dict[str, Any]]:
        """A copy of all figures as they stand on this screen now: channel to fields.

        Raises:
            SinkError: the screen does not answer.
        """
        answer = asyncio.run_coroutine_threadsafe(self._copy(), self._loop)
        try:
            return answer.result(_ANSWER_S)
        except FutureTimeoutError:
            raise SinkError("screen", "the demo's own WebSocket client hangs", None) from None

    async def _copy(self) -> dict[str, dict[str, Any]]:
        return {
            name: dict(client.channel(name).state.values)
            for name, client in self._client_of.items()
        }

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._follow())
        finally:
            self._loop.close()

    async def _follow(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            first = await self._connect(stack)
            while not self._stop.is_set():
                with contextlib.suppress(ConnectionError, LiveroomError, TimeoutError):
                    async with asyncio.timeout(_ANSWER_S):
                        await self._subscribe(stack, await first.list())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), LIST_EVERY_S)
            self._client_of.clear()

    async def _connect(self, stack: contextlib.AsyncExitStack) -> LiveroomClient:
        client = LiveroomClient(self._url, self._token, rate_ms=100)
        self._clients.append(await stack.enter_async_context(client))
        return client

    async def _subscribe(
        self, stack: contextlib.AsyncExitStack, listing: Sequence[Mapping[str, Any]]
    ) -> None:
        for about in listing:
            name = str(about["ch"])
            if name.startswith(_STATE_KINDS) and name not in self._client_of:
                if len(self._client_of) >= CHANNELS_A_CONNECTION * len(self._clients):
                    await self._connect(stack)
                self._clients[-1].channel(name)
                self._client_of[name] = self._clients[-1]
