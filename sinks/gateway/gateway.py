"""One gateway process: carries out what the sessions decide, on the grid, on real sockets."""

import asyncio
import logging
import random
import time
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from sinks.gateway.auth import Claims, Denied, verify_token
from sinks.gateway.connection import GatewayConnection
from sinks.gateway.effects import Core, Effects, Peer, read_clock
from sinks.gateway.outbox import Client
from sinks.gateway.protocol import CLOSE_BY_NAME, GRID_MS, frame
from sinks.gateway.session import Close, Effect, Now, Session

TURNS: Final = 4
"""Seconds between two looks at a connection that is well: 10,000 a second would cost 2 %."""
CLOSE_S: Final = 5.0
LOG: Final = logging.getLogger("liveroom.gateway")


class Gateway:
    """All peers of a process."""

    def __init__(self, core: Core) -> None:
        self.peers: set[Peer] = set()
        self.revoked: frozenset[str] = frozenset()
        self.draining = False
        self.metrics = core.metrics
        self.outbox = core.outbox
        self.limits = core.limits
        self.admission = core.admission
        self.hub = core.hub
        self.effects = Effects(core, self.end)
        self._settings = core.settings
        self._tasks: set[asyncio.Task[None]] = set()

    # One connection

    async def handle(self, ws: ServerConnection) -> None:
        """Serve one connection from its handshake to its end."""
        if not isinstance(ws, GatewayConnection):
            return
        for half in (ws.request, ws.response):
            if half is not None:
                half.headers.clear()  # 2 KiB a connection that nobody reads any more
        now = read_clock()
        client = Client(ws.transport.write)
        session = Session(self.limits, self._verify, now)
        peer = Peer(ws, client, session, turn=self.metrics.accepted % TURNS)
        self.admission.enter(ws.address)
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
                for effect in session.receive(message, read_clock()):
                    await self.effects.carry_out(peer, effect)
        except ConnectionClosed:
            pass
        except Exception:
            LOG.exception("a connection failed; this is a bug")
            self.end(peer, "internal")
            await ws.wait_closed()
        finally:
            self._lost(peer)
            self.admission.leave(ws.address, peer.user)
            self.peers.discard(peer)

    def _verify(self, token: str) -> Claims | Denied:
        return verify_token(self._settings, token, self.revoked)

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
        self.effects.send(peer, frame("bye", code=code.code, reason=name, retry=window))
        self._lost(peer)
        task = asyncio.get_running_loop().create_task(self._close(peer, code.code, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, peer: Peer, code: int, reason: str) -> None:
        """Close in good order; the library alone would wait for ever for a full buffer."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await peer.ws.close(code, reason)
        except TimeoutError:
            peer.ws.cut()

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
            wall_ms = read_clock().wall_ms
            for moved in self.outbox.flush(last, tick):
                if moved is None:
                    await asyncio.sleep(0)
                else:
                    count = sum(len(bundle.members) for bundle in moved.bundles)
                    self.metrics.age.observe(wall_ms - moved.channel.ts_ms, count)
            last = tick

    async def run_watch(self) -> None:
        """Once a second: clients that stopped reading or just came; the others in turn."""
        turn = 0
        while True:
            await asyncio.sleep(1.0)
            turn = (turn + 1) % TURNS
            now = read_clock()
            everybody = list(self.peers)
            for number, peer in enumerate(everybody):
                if number % 1_000 == 999:
                    await asyncio.sleep(0)
                if peer.turn == turn or peer.paused_s is not None or peer.session.claims is None:
                    for effect in self._due(peer, now):
                        await self.effects.carry_out(peer, effect)
            self.hub.forget_idle(now.mono_s)

    def _due(self, peer: Peer, now: Now) -> list[Effect]:
        """What time brings one peer."""
        if peer.client.closed:
            return []
        if self._is_stalled(peer, now):
            return [Close("slow")]
        if self._is_revoked(peer.session.claims):
            return [Close("bad_token")]
        return peer.session.tick(now)

    def _is_revoked(self, claims: Claims | None) -> bool:
        return claims is not None and not self.revoked.isdisjoint((claims.jti, claims.sub))

    def _is_stalled(self, peer: Peer, now: Now) -> bool:
        stalled = peer.paused_s is not None and now.mono_s - peer.paused_s > self.limits.stall_s
        return stalled or (peer.client.paused and peer.client.queue_bytes > 1_048_576)
