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
        self._client: LiveroomClient | None = None
        self._names: set[str] = set()

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
        client = self._client
        if client is None:
            return {}
        return {name: dict(client.channel(name).state.values) for name in self._names}

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._follow())
        finally:
            self._loop.close()

    async def _follow(self) -> None:
        async with LiveroomClient(self._url, self._token, rate_ms=100) as client:
            self._client = client
            while not self._stop.is_set():
                with contextlib.suppress(ConnectionError, LiveroomError, TimeoutError):
                    async with asyncio.timeout(_ANSWER_S):
                        self._subscribe(client, await client.list())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), LIST_EVERY_S)
            self._client = None

    def _subscribe(self, client: LiveroomClient, listing: Sequence[Mapping[str, Any]]) -> None:
        for about in listing:
            name = str(about["ch"])
            if name.startswith(_STATE_KINDS) and name not in self._names:
                client.channel(name)
                self._names.add(name)
