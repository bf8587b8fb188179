"""The asyncio shell of the Python client."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Literal, Self

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from sinks.client.backoff import Window
from sinks.client.state import Broken
from sinks.client.subscription import Subscription
from sinks.gateway.protocol import SUBPROTOCOL
from stream.errors import WireError

SILENCE_S: Final = 10.0


class RpcError(WireError):
    """The gateway answered a command with an error; `code` is from its table."""


class LiveroomClient:
    """A connection that stays: reconnects with full jitter, resumes, notices every gap.

    Args:
        url: `ws://host:port/ws`.
        token: the token, or a function that gives a fresh one (called at each connect).
        rate_ms: default rate of state channels; rounded up to 100, 200 or 500.
    """

    def __init__(
        self, url: str, token: str | Callable[[], str], *, rate_ms: int | None = None
    ) -> None:
        self.connected = asyncio.Event()
        self.reconnects = 0
        self.closed_with: int | None = None
        self.welcome: dict[str, Any] = {}
        """The last `connected` frame: role, rpc, and of a replay its channel and `steer`."""
        self._url = url
        self._token = token
        self._rate_ms = rate_ms
        self._ids = itertools.count(1)
        self._subs: dict[str, Subscription] = {}
        self._calls: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked: dict[int, str] = {}
        self._ws: ClientConnection | None = None
        self._refusal: WireError | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._renewed_from = self._renewed = ""
        self._window = Window()
        self._tries = 0
        self._ping_s = 25.0
        self._skew_ms = float("inf")
        self._task: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        tasks = [task for task in (self._task, *self._jobs) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the connection, to watch or to cut it; None while there is none."""
        return None if self._ws is None else self._ws.transport

    def room(self, room: str, *, rate_ms: int | None = None) -> Subscription:
        """Follow a room's own figures; `room` is `TENANT/ROOM`."""
        return self.channel(f"room:{room}", rate_ms=rate_ms)

    def channel(self, name: str, *, rate_ms: int | None = None) -> Subscription:
        """Follow any channel; a second call gives the same subscription."""
        known = self._subs.get(name)
        if known is not None:
            return known
        sub = self._subs[name] = Subscription(name, rate_ms or self._rate_ms, self.forget)
        if self._refusal is not None:
            sub.end(self._refusal)
        if self._ws is not None and self.connected.is_set():
            self._spawn(self._subscribe(self._ws, sub))
        return sub

    async def forget(self, sub: Subscription) -> None:
        """End a subscription; use `Subscription.close()`."""
        if self._subs.pop(sub.channel, None) is not None and self._ws is not None:
            await self._send(self._ws, "unsub", ch=sub.channel)

    async def rpc(self, method: str, **params: Any) -> dict[str, Any]:
        """Act on an alert: `ack`, `snooze` or `not_useful`; see docs/protocol.md.

        Raises:
            RpcError: the gateway refused.
            ConnectionError: the connection was lost; asking again with the same id is safe.
        """
        return await self._call("rpc", method=method, params=params)

    async def steer(
        self,
        do: Literal["play", "pause", "speed", "seek"],
        *,
        speed: float | None = None,
        to_ms: int | None = None,
    ) -> None:
        """Steer the replay behind the gateway; its channel (`welcome["replay"]`) tells the effect.

        Args:
            do: what to do.
            speed: of `speed`: times recorded time; None: as fast as it goes.
            to_ms: of `seek`: the recorded time to jump to.

        Raises:
            RpcError: the token may not steer, nothing is replayed, or the order makes no sense.
            ConnectionError: the connection was lost.
        """
        await self._call("steer", do=do, speed=speed, to_ms=to_ms)

    async def list(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Channels the token covers.

        Raises:
            RpcError: the gateway refused.
            ConnectionError: the connection was lost.
        """
        answer = await self._call("list", kind=kind)
        return list(answer["channels"])

    def age_ms(self, channel: str) -> float | None:
        """Age of a channel's figures in ms; needs no agreed clocks. None: nothing yet.

        The smallest difference ever seen between a frame's server time and its arrival, on our
        monotonic clock, stands for the offset of the clocks.
        """
        sub = self._subs.get(channel)
        if sub is None or not sub.state.started or self._skew_ms == float("inf"):
            return None
        return max(0.0, time.monotonic() * 1_000 - self._skew_ms - sub.state.ts_ms)

    # The connection

    async def _run(self) -> None:
        try:
            while True:
                code = await self._connect_once()
                self._drop_calls()
                self._tries += 1
                delay_ms = self._window.delay_ms(self._tries, code, random.random())
                if delay_ms is None:
                    self._refusal = WireError(code or 0, "the gateway refuses this client")
                    self._end_all(self._refusal)
                    return
                await asyncio.sleep(delay_ms / 1_000)
                self.reconnects += 1
        finally:
            self._end_all(None)

    async def _connect_once(self) -> int | None:
        """One connection from open to close; returns the close code."""
        try:
            async with connect(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                ping_interval=None,
                open_timeout=10,
                close_timeout=2,
                max_size=2**24,
                proxy=None,
            ) as ws:
                self._ws = ws
                await self._send(ws, "connect", token=self._current_token(), sdk="python/1")
                while True:
                    async with asyncio.timeout(self._ping_s + SILENCE_S):
                        message = await ws.recv(decode=False)
                    await self._take(ws, orjson.loads(message))
        except ConnectionClosed as error:
            self.closed_with = error.rcvd.code if error.rcvd else None
            return self.closed_with
        except (OSError, InvalidHandshake, TimeoutError):
            return None
        finally:
            self._ws = None
            self.connected.clear()

    async def _send(self, ws: ClientConnection, kind: str, /, **fields: Any) -> int:
        id_ = next(self._ids)
        body = {"type": kind, "id": id_} | {k: v for k, v in fields.items() if v is not None}
        await ws.send(orjson.dumps(body), text=True)
        return id_

    async def _subscribe(self, ws: ClientConnection, sub: Subscription) -> None:
        id_ = next(self._ids)
        self._asked[id_] = sub.channel
        body: dict[str, Any] = {"type": "sub", "id": id_, "ch": sub.channel}
        if (since := sub.state.since()) is not None:
            body["since"] = since
        if sub.rate_ms is not None:
            body["rate_ms"] = sub.rate_ms
        await ws.send(orjson.dumps(body), text=True)

    async def _take(self, ws: ClientConnection, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "connected":
                await self._welcomed(ws, frame)
            case "snap" | "upd" | "evt" | "gap":
                await self._channel_frame(ws, frame)
            case "sub_ok":
                self._asked.pop(frame["id"], None)
                if (sub := self._subs.get(frame["ch"])) is not None:
                    sub.state.subscribed(frame)
            case "ping":
                self._clock(frame["t"])
                await ws.send(orjson.dumps({"type": "pong", "t": frame["t"]}), text=True)
            case "ok" | "err":
                await self._answered(ws, frame)

    async def _welcomed(self, ws: ClientConnection, frame: dict[str, Any]) -> None:
        self._tries = 0
        self.welcome = frame
        self._ping_s = frame["ping_s"]
        self._window.adopt(frame["retry"])
        self._clock(frame["now_ms"])
        self.connected.set()
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = self._spawn(self._renew(frame["ttl_s"]))
        for sub in list(self._subs.values()):
            await self._subscribe(ws, sub)

    async def _renew(self, ttl_s: float) -> None:
        """Exchange the token at 80 % of its life, again and again."""
        while ttl_s > 0:
            await asyncio.sleep(ttl_s * 0.8)
            try:
                answer = await self._call("renew")
            except (RpcError, ConnectionError):
                return
            self._renewed = answer["token"]
            ttl_s = answer["exp"] - (time.monotonic() * 1_000 - self._skew_ms) / 1_000

    def _current_token(self) -> str:
        """The token as given, or what it was renewed to."""
        given = self._token if isinstance(self._token, str) else self._token()
        if given != self._renewed_from:
            self._renewed_from = self._renewed = given
        return self._renewed

    def _clock(self, server_ms: int) -> None:
        self._skew_ms = min(self._skew_ms, time.monotonic() * 1_000 - server_ms)

    async def _channel_frame(self, ws: ClientConnection, frame: dict[str, Any]) -> None:
        sub = self._subs.get(frame["ch"])
        if sub is None:
            return
        try:
            update = sub.state.apply(frame)
        except Broken:
            await self._send(ws, "resync", ch=frame["ch"])
            return
        if frame.get("ts"):
            self._clock(frame["ts"])
        if update is not None:
            await sub.put(update)

    async def _answered(self, ws: ClientConnection, frame: dict[str, Any]) -> None:
        id_ = frame.get("id")
        call = self._calls.pop(id_, None) if id_ is not None else None
        channel = self._asked.pop(id_, None) if id_ is not None else None
        if call is not None and not call.done():
            if frame["type"] == "ok":
                call.set_result(frame)
            else:
                call.set_exception(RpcError(frame["code"], frame["msg"]))
        elif channel is not None and frame["type"] == "err":
            await self._refused(ws, channel, frame)

    async def _refused(self, ws: ClientConnection, channel: str, frame: dict[str, Any]) -> None:
        sub = self._subs.get(channel)
        if sub is None:
            return
        if frame["temp"]:
            self._spawn(self._later(ws, sub, frame.get("retry_ms") or 1_000))
            return
        del self._subs[channel]
        sub.end(RpcError(frame["code"], frame["msg"]))

    async def _later(self, ws: ClientConnection, sub: Subscription, delay_ms: int) -> None:
        await asyncio.sleep(delay_ms / 1_000 * (1 + random.random()))
        if self._ws is ws:
            await self._subscribe(ws, sub)

    async def _call(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        await self.connected.wait()
        ws = self._ws
        if ws is None:
            raise ConnectionError(kind)
        call: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        id_ = next(self._ids)
        self._calls[id_] = call
        body = {"type": kind, "id": id_} | {k: v for k, v in fields.items() if v is not None}
        try:
            await ws.send(orjson.dumps(body), text=True)
        except ConnectionClosed as error:
            self._calls.pop(id_, None)
            raise ConnectionError(kind) from error
        return await call

    def _drop_calls(self) -> None:
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConnectionError("the connection was lost"))
        self._calls.clear()
        self._asked.clear()

    def _end_all(self, error: WireError | None) -> None:
        self._drop_calls()
        for sub in self._subs.values():
            sub.end(error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return task
