"""One gateway process: carries out what the sessions decide, on the grid, on real sockets."""

import asyncio
import logging
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from sinks.gateway.actions import Actions, action_event
from sinks.gateway.auth import Claims, Denied, TokenSettings, may_see, parse_channel, verify_token
from sinks.gateway.channels import CachedChannel, LogChannel
from sinks.gateway.connection import GatewayConnection
from sinks.gateway.feed import RedisStore
from sinks.gateway.hub import Hub
from sinks.gateway.limits import Admission, Limits
from sinks.gateway.metrics import Metrics
from sinks.gateway.outbox import Client, Outbox
from sinks.gateway.protocol import (
    CLOSE_BY_NAME,
    GRID_MS,
    Since,
    error_frame,
    frame,
)
from sinks.gateway.session import (
    Accept,
    Act,
    Close,
    Effect,
    ListChannels,
    Now,
    Refresh,
    Reply,
    Session,
    Subscribe,
    Unsubscribe,
)
from stream.errors import SinkError

LOG: Final = logging.getLogger("liveroom.gateway")
AHEAD_POLLS: Final = 20
LIST_LIMIT: Final = 2_000


@dataclass(slots=True, eq=False)
class Peer:
    """One open connection."""

    ws: GatewayConnection
    client: Client
    session: Session
    ip: str
    user: str | None = None
    paused_s: float | None = None
    held: set[str] = field(default_factory=set)


class Gateway:
    """All peers of a process."""

    def __init__(
        self,
        settings: TokenSettings,
        limits: Limits,
        hub: Hub,
        store: RedisStore,
        actions: Actions,
        node: str,
    ) -> None:
        self.peers: set[Peer] = set()
        self.metrics = Metrics()
        self.outbox = Outbox()
        self.limits = limits
        self.admission = Admission(limits, time.monotonic())
        self.revoked: set[str] = set()
        self.draining = False
        self.hub = hub
        self._settings = settings
        self._store = store
        self._actions = actions
        self._node = node
        self._tasks: set[asyncio.Task[None]] = set()

    # One connection

    async def handle(self, ws: ServerConnection) -> None:
        """Serve one connection from its handshake to its end."""
        if not isinstance(ws, GatewayConnection):
            return
        address = ws.remote_address
        ip = str(address[0]) if address else ""
        now = self._now()
        client = Client(ws.transport.write)
        session = Session(self.limits, self._verify, now)
        peer = Peer(ws, client, session, ip)
        self.admission.enter(ip)
        self.metrics.accepted += 1
        self.peers.add(peer)
        ws.on_pause = lambda: self._paused(peer)
        ws.on_resume = lambda: self._resumed(peer)
        ws.on_lost = lambda: self._lost(peer)
        try:
            async for message in ws:
                if client.closed:
                    continue
                self.metrics.commands += 1
                for effect in session.receive(message, self._now()):
                    await self._carry_out(peer, effect)
        except ConnectionClosed:
            pass
        except Exception:
            LOG.exception("a connection failed; this is a bug")
            self.end(peer, "internal")
            await ws.wait_closed()
        finally:
            self._lost(peer)
            self.admission.leave(ip, peer.user)
            self.peers.discard(peer)

    def _verify(self, token: str) -> Claims | Denied:
        return verify_token(self._settings, token, self.revoked)

    def _now(self) -> Now:
        return Now(time.monotonic(), time.time_ns() // 1_000_000)

    def _paused(self, peer: Peer) -> None:
        peer.paused_s = time.monotonic()
        self.outbox.pause(peer.client)

    def _resumed(self, peer: Peer) -> None:
        peer.paused_s = None
        self.outbox.resume(peer.client)

    def _lost(self, peer: Peer) -> None:
        if peer.client.closed:
            return
        self.outbox.close(peer.client)
        for name in peer.held:
            self.hub.release(name, time.monotonic())
        peer.held.clear()

    def send(self, peer: Peer, data: bytes) -> None:
        """Write one frame, in order."""
        self.outbox.send(peer.client, [data])

    # Effects

    async def _carry_out(self, peer: Peer, effect: Effect) -> None:
        match effect:
            case Reply(data):
                self.send(peer, data)
            case Accept():
                self._accept(peer, effect)
            case Subscribe():
                await self._subscribe(peer, effect)
            case Unsubscribe(id_, channel):
                self.outbox.unsubscribe(peer.client, channel)
                self._release(peer, channel)
                self.send(peer, frame("ok", id=id_))
            case Refresh(id_, channel):
                self.send(peer, frame("ok", id=id_))
                self.outbox.resync(peer.client, channel)
            case ListChannels():
                await self._list(peer, effect)
            case Act():
                await self._act(peer, effect)
            case Close(name):
                self.end(peer, name)

    def _accept(self, peer: Peer, effect: Accept) -> None:
        if not self.admission.enter_user(effect.claims.sub):
            self.end(peer, "connection_limit")
            return
        peer.user = effect.claims.sub
        limits, now = self.limits, self._now()
        self.send(
            peer,
            frame(
                "connected",
                id=effect.id,
                sid=uuid.uuid4().hex[:16],
                node=self._node,
                now_ms=now.wall_ms,
                ping_s=limits.ping_s,
                ttl_s=max(0, effect.claims.exp - now.wall_ms // 1_000),
                role=effect.claims.role,
                rpc=effect.claims.rpc,
                limits={"channels": limits.max_channels, "message_bytes": limits.max_message_bytes},
                retry=self._retry(),
            ),
        )

    def _retry(self) -> dict[str, object]:
        limits = self.limits
        return {
            "min_ms": limits.retry_min_ms,
            "max_ms": limits.retry_max_ms,
            "first_ms": [0, limits.retry_first_ms],
        }

    async def _subscribe(self, peer: Peer, effect: Subscribe) -> None:
        name, since = effect.channel, effect.since
        try:
            channel = await self.hub.acquire(name)
        except SinkError as error:
            peer.session.channels.discard(name)
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=error.retry_after_ms))
            return
        if peer.client.closed:
            self.hub.release(name, time.monotonic())
            return
        peer.held.add(name)
        if since is not None:
            await self._wait_for(channel, since)
            if peer.client.closed:
                return
        self._start(peer, effect, channel)

    async def _wait_for(self, channel: CachedChannel, since: Since) -> None:
        """Another process may have shown the client more than we have read: wait a moment."""
        for _ in range(AHEAD_POLLS):
            if since.e != channel.epoch or since.s <= channel.seq:
                return
            await asyncio.sleep(GRID_MS / 1_000)

    def _start(self, peer: Peer, effect: Subscribe, channel: CachedChannel) -> None:
        since, position = effect.since, None
        if since is not None:
            position = channel.resume_from(since.e, since.s)
        how = "snapshot"
        if position is not None:
            how = "tail" if position.seq == channel.seq else "replay"
        self.send(
            peer,
            frame(
                "sub_ok",
                id=effect.id,
                ch=channel.name,
                kind=channel.kind,
                e=channel.epoch,
                s=channel.seq if position is None else position.seq,
                was_recovering=since is not None,
                recovered=position is not None,
                how=how,
            ),
        )
        if since is not None and position is None:
            self.send(peer, _resume_gap(channel, since))
            self.outbox.counts.gaps += 1
        rate_ms = effect.rate_ms if channel.kind == "state" else GRID_MS
        self.outbox.subscribe(peer.client, channel, rate_ms, position)

    def _release(self, peer: Peer, channel: str) -> None:
        if channel in peer.held:
            peer.held.discard(channel)
            self.hub.release(channel, time.monotonic())

    async def _list(self, peer: Peer, effect: ListChannels) -> None:
        try:
            listing = await self.visible(effect.claims, effect.kind)
        except SinkError as error:
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=error.retry_after_ms))
            return
        self.send(
            peer,
            frame(
                "ok",
                id=effect.id,
                channels=listing[:LIST_LIMIT],
                more=max(0, len(listing) - LIST_LIMIT),
            ),
        )

    async def visible(self, claims: Claims, kind: str | None) -> list[dict[str, object]]:
        """Channels of the directory that a token covers, by name.

        Raises:
            SinkError: Redis is out of reach.
        """
        found: list[dict[str, object]] = []
        for name, about in sorted((await self._store.directory()).items()):
            channel = parse_channel(name)
            if channel is None or not may_see(claims, channel):
                continue
            if kind is None or channel.kind == kind:
                found.append({"ch": name} | about)
        return found

    async def _act(self, peer: Peer, effect: Act) -> None:
        claims = peer.session.claims
        key = (self._settings.token_secret or "").encode()
        role = claims.role if claims else ""
        event = action_event(
            effect.method, effect.params, effect.user, role, key, self._now().wall_ms
        )
        if isinstance(event, str):
            self.send(peer, error_frame(effect.id, "bad_request", event))
            return
        try:
            wait_ms = await self._actions.append(event)
        except SinkError as error:
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=error.retry_after_ms))
            return
        if wait_ms is not None:
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=wait_ms))
            return
        self.metrics.rpc += 1
        self.send(peer, frame("ok", id=effect.id, alert_id=effect.params.alert_id))

    # Ends

    def end(self, peer: Peer, name: str) -> None:
        """Say `bye` and close; a client that does not read is cut instead."""
        self.metrics.closed[name] += 1
        code = CLOSE_BY_NAME[name]
        if peer.client.paused:
            self._lost(peer)
            peer.ws.cut()
            return
        window = [0, self.limits.retry_first_ms]
        self.send(peer, frame("bye", code=code.code, reason=name, retry=window))
        self._lost(peer)
        task = asyncio.get_running_loop().create_task(peer.ws.close(code.code, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Close all connections, paced over at most `drain_s`; those that do not read first."""
        self.draining = True
        peers = list(self.peers)
        random.shuffle(peers)
        for peer in peers:
            if peer.client.paused:
                self.end(peer, "slow")
        pause_s = min(0.02, self.limits.drain_s / max(1, len(peers)))
        for peer in peers:
            if not peer.client.closed:
                self.end(peer, "drain")
                await asyncio.sleep(pause_s)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=5)
        for peer in list(self.peers):
            peer.ws.cut()

    # Timers

    async def run_grid(self) -> None:
        """Flush the outbox on every point of the 50 ms grid."""
        loop = asyncio.get_running_loop()
        start, last = loop.time(), 0
        while True:
            await asyncio.sleep(max(0.0, start + (last + 1) * GRID_MS / 1_000 - loop.time()))
            tick = int((loop.time() - start) * 1_000 / GRID_MS)
            tick = max(tick, last + 1)
            self.metrics.late_ticks += tick > last + 1
            wall_ms = self._now().wall_ms
            for moved in self.outbox.flush(last, tick):
                if moved is None:
                    await asyncio.sleep(0)
                else:
                    count = sum(len(bundle.members) for bundle in moved.bundles)
                    self.metrics.age.observe(wall_ms - moved.channel.ts_ms, count)
            last = tick

    async def run_watch(self) -> None:
        """Once a second: timers of the sessions, clients that stopped reading, idle channels."""
        while True:
            await asyncio.sleep(1.0)
            now = self._now()
            for number, peer in enumerate(list(self.peers)):
                if number % 1_000 == 999:
                    await asyncio.sleep(0)
                if peer.client.closed:
                    continue
                if self._is_stalled(peer, now):
                    self.end(peer, "slow")
                    continue
                for effect in peer.session.tick(now):
                    await self._carry_out(peer, effect)
            self.hub.forget_idle(now.mono_s)

    def _is_stalled(self, peer: Peer, now: Now) -> bool:
        stalled = peer.paused_s is not None and now.mono_s - peer.paused_s > self.limits.stall_s
        return stalled or (peer.client.paused and peer.client.queue_bytes > 1_048_576)


def _resume_gap(channel: CachedChannel, since: Since) -> bytes:
    reason = "trim" if since.e == channel.epoch else "epoch"
    lost = channel.lost_since(since.e, since.s) if isinstance(channel, LogChannel) else None
    return channel.gap_frame(lost, reason)
