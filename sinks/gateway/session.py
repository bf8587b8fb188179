"""One client's conversation as a state machine: messages and time in, effects out.

Pure. The shell (`server`) carries the effects out; the scopes, limits and codes are decided
here, so every role and every abuse is tested without a socket.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sinks.gateway.auth import Claims, Denied, may_act, may_see, parse_channel
from sinks.gateway.limits import Limits, TokenBucket
from sinks.gateway.protocol import (
    RPC_METHODS,
    Auth,
    BadFrame,
    Connect,
    List,
    Ping,
    Pong,
    Renew,
    Resync,
    Rpc,
    RpcParams,
    Since,
    Steer,
    Sub,
    SubMany,
    Unsub,
    decode,
    error_frame,
    frame,
    rate_class,
)


@dataclass(frozen=True, slots=True)
class Now:
    """`mono_s`: monotonic seconds, for timers. `wall_ms`: wall clock, for tokens."""

    mono_s: float
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Accept:
    """The token is good: count the user in, then send `connected`."""

    id: int
    claims: Claims


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Start a subscription that the scopes allow."""

    id: int
    channel: str
    since: Since | None
    rate_ms: int


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End a subscription."""

    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """Send a new snapshot."""

    id: int
    channel: str


@dataclass(frozen=True, slots=True)
class ListChannels:
    """Answer with the channels `claims` cover."""

    id: int
    claims: Claims
    kind: str | None


@dataclass(frozen=True, slots=True)
class RenewToken:
    """Sign the same claims for longer, tell the session by `renewed`, answer with the token."""

    id: int
    claims: Claims


@dataclass(frozen=True, slots=True)
class Act:
    """Write an operator's action into the log, then answer."""

    id: int
    method: str
    params: RpcParams
    user: str


@dataclass(frozen=True, slots=True)
class Wind:
    """Give an order to the replay, then answer."""

    order: Steer


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection with the close code of this name."""

    name: str


Effect = (
    Reply
    | Accept
    | Subscribe
    | Unsubscribe
    | Refresh
    | ListChannels
    | RenewToken
    | Act
    | Wind
    | Close
)


class Session:
    """State of one connection: the token, the subscriptions, the rate, the timers."""

    __slots__ = (
        "_bucket",
        "_limits",
        "_opened_s",
        "_pinged_s",
        "_seen_s",
        "_strikes",
        "_verify",
        "channels",
        "claims",
    )

    def __init__(self, limits: Limits, verify: Callable[[str], Claims | Denied], now: Now) -> None:
        self.claims: Claims | None = None
        self.channels: set[str] = set()
        self._limits = limits
        self._verify = verify
        self._bucket = TokenBucket(limits.commands_per_s, limits.command_burst, now.mono_s)
        self._strikes = 0
        self._opened_s = self._seen_s = self._pinged_s = now.mono_s

    def tick(self, now: Now) -> list[Effect]:
        """What time alone brings: ping, silence, a `connect` that never came, an old token."""
        if self.claims is None:
            late = now.mono_s - self._opened_s > self._limits.connect_timeout_s
            return [Close("connect_timeout")] if late else []
        if now.wall_ms >= self.claims.exp * 1_000:
            return [Close("token_expired")]
        if now.mono_s - self._seen_s > self._limits.ping_s + self._limits.pong_s:
            return [Close("no_pong")]
        if now.mono_s - max(self._seen_s, self._pinged_s) >= self._limits.ping_s:
            self._pinged_s = now.mono_s
            return [Reply(frame("ping", t=now.wall_ms))]
        return []

    def receive(self, message: str | bytes, now: Now) -> list[Effect]:
        """Take one message; what it asks for comes back as effects."""
        self._seen_s = now.mono_s
        if not isinstance(message, str):
            return [Close("bad_frame")]
        command = decode(message)
        if isinstance(command, Pong):
            return [] if self._bucket.take(now.mono_s) else self._too_many(None)
        cost = len(command.subs) if isinstance(command, SubMany) else 1
        cost = min(cost, self._limits.max_channels)
        if not self._bucket.take(now.mono_s, cost / 4 if cost > 1 else 1):
            return self._too_many(command.id)
        if isinstance(command, BadFrame):
            if command.id is None:
                return [Close("bad_frame")]
            return [Reply(error_frame(command.id, "bad_request", command.why))]
        if isinstance(command, Connect):
            return self._connect(command)
        if self.claims is None:
            return [Close("bad_frame")]
        return self._command(command, self.claims, now)

    def _too_many(self, id_: int | None) -> list[Effect]:
        self._strikes += 1
        if self._strikes > self._limits.strikes:
            return [Close("abuse")]
        return [Reply(error_frame(id_, "too_many_requests", retry_ms=self._bucket.wait_ms()))]

    def _connect(self, command: Connect) -> list[Effect]:
        if self.claims is not None:
            return [Close("bad_frame")]
        claims = self._verify(command.token)
        if isinstance(claims, Denied):
            close = "token_expired" if claims.error == "token_expired" else "bad_token"
            return [Reply(error_frame(command.id, claims.error, claims.why)), Close(close)]
        self.claims = claims
        return [Accept(command.id, claims)]

    def _command(
        self,
        command: Sub | SubMany | Unsub | Resync | Auth | Renew | Ping | List | Rpc | Steer,
        claims: Claims,
        now: Now,
    ) -> list[Effect]:
        match command:
            case Sub(id_, channel, since, rate_ms):
                return [self._sub(id_, channel, since, rate_ms, claims)]
            case SubMany(id_, subs):
                if len(subs) > self._limits.max_channels:
                    return [Reply(error_frame(id_, "limit"))]
                return [self._sub(id_, s.ch, s.since, s.rate_ms, claims) for s in subs]
            case Unsub(id_, channel):
                if channel not in self.channels:
                    return [Reply(error_frame(id_, "not_subscribed"))]
                self.channels.discard(channel)
                return [Unsubscribe(id_, channel)]
            case Resync(id_, channel):
                if channel not in self.channels:
                    return [Reply(error_frame(id_, "not_subscribed"))]
                return [Refresh(id_, channel)]
            case Auth():
                return self._refresh_token(command, claims)
            case Renew(id_):
                return [RenewToken(id_, claims)]
            case Ping(id_):
                return [Reply(frame("ok", id=id_, now_ms=now.wall_ms))]
            case List(id_, kind):
                return [ListChannels(id_, claims, kind)]
            case Rpc():
                return [self._act(command, claims)]
            case Steer(id_):
                return [Wind(command) if claims.steer else Reply(error_frame(id_, "forbidden"))]

    def _sub(
        self, id_: int, name: str, since: Since | None, rate_ms: int | None, claims: Claims
    ) -> Effect:
        channel = parse_channel(name, self._limits.max_channel_chars)
        if channel is None:
            return Reply(error_frame(id_, "unknown_channel"))
        if not may_see(claims, channel):
            return Reply(error_frame(id_, "forbidden"))
        if name in self.channels:
            return Reply(error_frame(id_, "already_subscribed"))
        if len(self.channels) >= self._limits.max_channels:
            return Reply(error_frame(id_, "limit"))
        self.channels.add(name)
        return Subscribe(id_, name, since, rate_class(rate_ms))

    def renewed(self, claims: Claims) -> None:
        """Go on under the renewed token."""
        self.claims = claims

    def _refresh_token(self, command: Auth, claims: Claims) -> list[Effect]:
        """A fresh token may prolong the connection, not turn it into another one."""
        fresh = self._verify(command.token)
        if isinstance(fresh, Denied):
            return [Reply(error_frame(command.id, fresh.error, fresh.why))]
        if fresh.sub != claims.sub:
            return [Reply(error_frame(command.id, "forbidden", "the token is another user's"))]
        self.claims = fresh
        effects: list[Effect] = [Reply(frame("ok", id=command.id, exp=fresh.exp))]
        for name in sorted(self.channels):
            channel = parse_channel(name, self._limits.max_channel_chars)
            if channel is None or not may_see(fresh, channel):
                self.channels.discard(name)
                effects += [
                    Unsubscribe(command.id, name),
                    Reply(error_frame(command.id, "forbidden", f"{name} is no longer covered")),
                ]
        return effects

    def _act(self, command: Rpc, claims: Claims) -> Effect:
        if command.method not in RPC_METHODS:
            return Reply(error_frame(command.id, "unknown_method"))
        params = command.params
        if not params.id or len(params.id) > 128 or not params.alert_id:
            return Reply(error_frame(command.id, "bad_request", "id and alert_id must be set"))
        if not may_act(claims, params.tenant, params.group):
            return Reply(error_frame(command.id, "forbidden"))
        if not params.alert_id.startswith(params.tenant + "/"):
            return Reply(error_frame(command.id, "forbidden", "the alert is another tenant's"))
        return Act(command.id, command.method, params, claims.sub)
