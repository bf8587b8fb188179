"""The gateway's limits as one table of defaults, and the token bucket that enforces rates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one gateway process. Defaults: docs/protocol.md, "Limits"."""

    max_connections: int = 10_000
    max_per_address: int = 50
    max_per_user: int = 50
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    accept_per_s: int = 200
    max_message_bytes: int = 16_384
    max_channels: int = 64
    max_channel_chars: int = 160
    commands_per_s: int = 20
    command_burst: int = 100
    strikes: int = 3
    connect_timeout_s: float = 10.0
    ping_s: float = 25.0
    pong_s: float = 20.0
    stall_s: float = 12.0
    write_high_bytes: int = 16_384
    part_bytes: int = 32_768
    queue_bytes: int = 49_152
    log_ring_count: int = 1_000
    log_snapshot_count: int = 200
    channel_idle_s: float = 60.0
    empty_grace_s: float = 8.0
    """A channel emptied under us is shown as it was for so long: an engine notices a lost Redis
    with its next write and rewrites thousands of channels. A replay is emptied on purpose."""
    drain_s: float = 30.0
    retry_min_ms: int = 500
    retry_max_ms: int = 20_000
    retry_first_ms: int = 5_000


class TokenBucket:
    """Allows `rate_per_s` on average and `burst` at once; time is passed in (seconds)."""

    __slots__ = ("_burst", "_level", "_rate", "_then")

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._level = burst
        self._then = now_s

    def take(self, now_s: float, count: float = 1.0) -> bool:
        """Take `count` tokens if they are there."""
        elapsed = max(0.0, now_s - self._then)
        self._then = now_s
        self._level = min(self._burst, self._level + elapsed * self._rate)
        if self._level < count:
            return False
        self._level -= count
        return True

    def wait_ms(self) -> int:
        """Milliseconds until one token is there again."""
        return max(0, round((1.0 - self._level) / self._rate * 1_000))


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[str]) -> str | None:
    """Whom to count a connection to; None: a program on this host, not limited by address.

    Args:
        peer: address of the TCP peer.
        forwarded: values of `X-Forwarded-For`, in order; believed from a trusted proxy only.
        trusted: addresses of our own proxies.
    """
    if peer not in trusted:
        return peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    return next((hop for hop in reversed(hops) if hop and hop not in trusted), None)


class Admission:
    """Who may connect: counts per process, address and user, and the rate of accepts."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self.open = 0
        self._limits = limits
        self._bucket = TokenBucket(limits.accept_per_s, limits.accept_per_s, now_s)
        self._ips: Counter[str] = Counter()
        self._users: Counter[str] = Counter()

    def refuse(self, ip: str | None, now_s: float) -> str | None:
        """Why a new connection is refused: `full`, `per_ip` or `rate`; None if it is welcome."""
        if self.open >= self._limits.max_connections:
            return "full"
        if ip is not None and self._ips[ip] >= self._limits.max_per_address:
            return "per_ip"
        return None if self._bucket.take(now_s) else "rate"

    def enter(self, ip: str | None) -> None:
        """Count a connection in."""
        self.open += 1
        if ip is not None:
            self._ips[ip] += 1

    def enter_user(self, user: str) -> bool:
        """Count a user's connection in; False if it is one too many (then it is not counted)."""
        if self._users[user] >= self._limits.max_per_user:
            return False
        self._users[user] += 1
        return True

    def leave(self, ip: str | None, user: str | None) -> None:
        """Count a connection out; `user` None if it never got that far."""
        self.open -= 1
        if ip is not None:
            _decrease(self._ips, ip)
        if user is not None:
            _decrease(self._users, user)


def _decrease(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
