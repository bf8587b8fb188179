"""What the sessions decide, done: the effects on outbox, hub, Redis and the tokens."""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from sinks.gateway.actions import Actions, action_event
from sinks.gateway.auth import Claims, Denied, TokenSettings, may_see, parse_channel, renew_token
from sinks.gateway.channels import CachedChannel, LogChannel
from sinks.gateway.connection import GatewayConnection
from sinks.gateway.feed import RedisStore
from sinks.gateway.hub import Hub
from sinks.gateway.limits import Admission, Limits
from sinks.gateway.metrics import Metrics
from sinks.gateway.outbox import Client, Outbox
from sinks.gateway.protocol import GRID_MS, Since, Steer, error_frame, frame
from sinks.gateway.session import (
    Accept,
    Act,
    Close,
    Effect,
    ListChannels,
    Now,
    Refresh,
    RenewToken,
    Reply,
    Session,
    Subscribe,
    Unsubscribe,
    Wind,
)
from stream.errors import SinkError

AHEAD_POLLS: Final = 20
LIST_LIMIT: Final = 2_000


def read_clock() -> Now:
    """Both clocks, read once."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


@dataclass(slots=True, eq=False)
class Peer:
    """One open connection."""

    ws: GatewayConnection
    client: Client
    session: Session
    turn: int = 0
    user: str | None = None
    paused_s: float | None = None
    held: set[str] = field(default_factory=set)


class Player(Protocol):
    """A replay behind this gateway."""

    @property
    def channel(self) -> str:
        """State channel that says where the replay stands."""
        ...

    def steer(self, order: Steer) -> str | None:
        """Take an order, to be carried out soon; what is wrong with it, if anything."""
        ...


@dataclass(frozen=True, slots=True)
class Core:
    """What all connections of a process share."""

    settings: TokenSettings
    limits: Limits
    hub: Hub
    store: RedisStore
    actions: Actions
    node: str
    outbox: Outbox
    metrics: Metrics
    admission: Admission
    player: Player | None = None


class Effects:
    """Carries effects out; `end(peer, name)` closes a connection."""

    def __init__(self, core: Core, end: Callable[[Peer, str], None]) -> None:
        self._core = core
        self._end = end

    def send(self, peer: Peer, data: bytes) -> None:
        """Write one frame, in order."""
        self._core.outbox.send(peer.client, [data])

    async def carry_out(self, peer: Peer, effect: Effect) -> None:
        """Do what a session decided; answers go out in order."""
        match effect:
            case Reply(data):
                self.send(peer, data)
            case Accept():
                self._accept(peer, effect)
            case Subscribe():
                await self._subscribe(peer, effect)
            case Unsubscribe(id_, channel):
                self._core.outbox.unsubscribe(peer.client, channel)
                self._release(peer, channel)
                self.send(peer, frame("ok", id=id_))
            case Refresh(id_, channel):
                self.send(peer, frame("ok", id=id_))
                self._core.outbox.resync(peer.client, channel)
            case ListChannels():
                await self._list(peer, effect)
            case RenewToken():
                self._renew(peer, effect)
            case Act():
                await self._act(peer, effect)
            case Wind(order):
                self._steer(peer, order)
            case Close(name):
                self._end(peer, name)

    def _accept(self, peer: Peer, effect: Accept) -> None:
        if not self._core.admission.enter_user(effect.claims.sub):
            self._end(peer, "connection_limit")
            return
        peer.user = effect.claims.sub
        limits, now = self._core.limits, read_clock()
        self.send(
            peer,
            frame(
                "connected",
                id=effect.id,
                sid=uuid.uuid4().hex[:16],
                node=self._core.node,
                now_ms=now.wall_ms,
                ping_s=limits.ping_s,
                ttl_s=max(0, effect.claims.exp - now.wall_ms // 1_000),
                role=effect.claims.role,
                rpc=effect.claims.rpc,
                limits={"channels": limits.max_channels, "message_bytes": limits.max_message_bytes},
                retry=self._retry(),
                **self._replay(effect.claims),
            ),
        )

    def _replay(self, claims: Claims) -> dict[str, object]:
        player = self._core.player
        return {} if player is None else {"replay": player.channel, "steer": claims.steer}

    def _retry(self) -> dict[str, object]:
        limits = self._core.limits
        return {
            "min_ms": limits.retry_min_ms,
            "max_ms": limits.retry_max_ms,
            "first_ms": [0, limits.retry_first_ms],
        }

    async def _subscribe(self, peer: Peer, effect: Subscribe) -> None:
        name, since = effect.channel, effect.since
        try:
            channel = await self._core.hub.acquire(name)
        except SinkError as error:
            peer.session.channels.discard(name)
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=error.retry_after_ms))
            return
        if peer.client.closed:
            self._core.hub.release(name, time.monotonic())
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
            self._core.outbox.counts.gaps += 1
        rate_ms = effect.rate_ms if channel.kind == "state" else GRID_MS
        self._core.outbox.subscribe(peer.client, channel, rate_ms, position)

    def _release(self, peer: Peer, channel: str) -> None:
        if channel in peer.held:
            peer.held.discard(channel)
            self._core.hub.release(channel, time.monotonic())

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
        for name, about in sorted((await self._core.store.directory()).items()):
            channel = parse_channel(name)
            if channel is None or not may_see(claims, channel):
                continue
            if kind is None or channel.kind == kind:
                found.append({"ch": name} | about)
        return found

    def _renew(self, peer: Peer, effect: RenewToken) -> None:
        renewed = renew_token(self._core.settings, effect.claims, read_clock().wall_ms // 1_000)
        if isinstance(renewed, Denied):
            self.send(peer, error_frame(effect.id, renewed.error, renewed.why))
            return
        token, claims = renewed
        peer.session.renewed(claims)
        self.send(peer, frame("ok", id=effect.id, exp=claims.exp, token=token))

    def _steer(self, peer: Peer, order: Steer) -> None:
        player = self._core.player
        if player is None:
            self.send(peer, error_frame(order.id, "unknown_method", "nothing is replayed here"))
            return
        wrong = player.steer(order)
        if wrong is not None:
            self.send(peer, error_frame(order.id, "bad_request", wrong))
            return
        self.send(peer, frame("ok", id=order.id))

    async def _act(self, peer: Peer, effect: Act) -> None:
        claims = peer.session.claims
        key = (self._core.settings.token_secret or "").encode()
        role = claims.role if claims else ""
        event = action_event(
            effect.method, effect.params, effect.user, role, key, read_clock().wall_ms
        )
        if isinstance(event, str):
            self.send(peer, error_frame(effect.id, "bad_request", event))
            return
        try:
            wait_ms = await self._core.actions.append(event)
        except SinkError as error:
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=error.retry_after_ms))
            return
        if wait_ms is not None:
            self.send(peer, error_frame(effect.id, "not_available", retry_ms=wait_ms))
            return
        self._core.metrics.rpc += 1
        self.send(peer, frame("ok", id=effect.id, alert_id=effect.params.alert_id))


def _resume_gap(channel: CachedChannel, since: Since) -> bytes:
    reason = "trim" if since.e == channel.epoch else "epoch"
    lost = channel.lost_since(since.e, since.s) if isinstance(channel, LogChannel) else None
    return channel.gap_frame(lost, reason)
