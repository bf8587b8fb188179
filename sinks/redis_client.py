"""One connection to Redis: address, time limits, what each error means, retry delays.

Everything that talks to Redis synchronously goes through `Link`, so that a lost server is a
`SinkError` that says when to retry, and a command refused by the server is a value.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, cast
from urllib.parse import urlsplit, urlunsplit

import hiredis
import redis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    DataError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from stream.errors import ConfigError, SinkError

Arg = bytes | str | int
Command = tuple[Arg, ...]
Reply = bytes | int | str | None | list["Reply"]

DEFAULT_TIMEOUT_S: Final = 2.0
LARGE_BYTES: Final = 8_192
"""Arguments from this size on are sent without being copied together."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command the server answered with an error. `kind` is its first word, e.g. `OOM`."""

    kind: str
    text: str

    @property
    def may_pass(self) -> bool:
        """Whether the same command can succeed later, unchanged."""
        return self.kind in TEMPORARY


TEMPORARY: Final = frozenset(
    # Memory full, a replica (fail-over under way), starting up, a script that runs too long,
    # no good replicas, disk full, and a cluster on the move.
    ("OOM", "READONLY", "LOADING", "BUSY", "NOREPLICAS", "MISCONF", "MASTERDOWN", "TRYAGAIN")
    + ("CLUSTERDOWN", "NOSCRIPT", "UNBLOCKED")
)
RECONNECT: Final = frozenset(("READONLY", "MASTERDOWN"))
"""Refusals after which a new connection may reach another server (fail-over by name)."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts: exponential, capped, jittered over the upper half."""

    base_ms: int = 50
    cap_ms: int = 5_000

    def delay_ms(self, attempt: int, roll: float | None = None) -> int:
        """Delay before attempt number `attempt` (from 1), in `[d/2, d]`, d = base·2^(n-1).

        Args:
            attempt: how many attempts have failed so far.
            roll: in `[0, 1)`, for tests; None: random.
        """
        full = min(self.cap_ms, self.base_ms << min(attempt - 1, 20))
        share = random.random() if roll is None else roll
        return full // 2 + int(share * (full - full // 2))


def pause(delay_ms: int) -> None:
    """Wait between two attempts."""
    time.sleep(delay_ms / 1_000)


def hide_password(url: str) -> str:
    """Return the address without its password, fit for a log line."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def connection_pool(url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> redis.ConnectionPool:
    """Parse a Redis address: `redis://`, `rediss://` (TLS) or `unix://`.

    User and password of an ACL user stand in the address; TLS options are its query, e.g.
    `rediss://user:secret@host:6379/0?ssl_ca_certs=ca.pem`.

    Raises:
        ConfigError: the address cannot be parsed; the password is not shown.
    """
    try:
        pool: redis.ConnectionPool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            protocol=2,
            driver_info=None,
        )
        pool.make_connection()
    except (ValueError, TypeError, RedisError) as error:
        wanted = f"redis://, rediss:// or unix:// address ({error})"
        raise ConfigError("redis_url", hide_password(url), wanted) from None
    return pool


class _Wire(Protocol):
    """The part of redis-py's connection that we use (it is untyped there)."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def send_packed_command(self, command: list[bytes]) -> None: ...
    def read_response(self) -> Reply: ...


class Link:
    """A connection that comes back by itself at the next call. Not for several threads at once.

    `generation` grows with each connection made: whoever caches something about the server
    (loaded scripts, checked markers) compares it.
    """

    def __init__(self, url: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.url = url
        self._pool = connection_pool(url, timeout_s)
        self._wire: _Wire | None = None
        self.generation = 0

    def connect(self) -> None:
        """Connect unless connected.

        Raises:
            SinkError: out of reach (retry), or the password or certificate is refused (do not).
        """
        if self._wire is not None:
            return
        # Not by the pool, which counts those it made and refuses after a hundred.
        wire = cast(_Wire, self._pool.connection_class(**self._pool.connection_kwargs))
        try:
            wire.connect()
        except (RedisError, OSError) as error:
            wire.disconnect()
            raise self._down(error) from error
        self._wire = wire
        self.generation += 1

    def run(self, commands: Sequence[Command], *, large: bool = False) -> list[Reply | Refusal]:
        """Send commands in one write and read their replies, in order.

        Args:
            commands: any number.
            large: some hold arguments of many KB, which are then not copied together.

        Raises:
            SinkError: the connection broke: any number of the commands may have been executed.
        """
        if not commands:
            return []
        self.send(commands, large=large)
        return self.receive(len(commands))

    def send(self, commands: Sequence[Command], *, large: bool = False) -> None:
        """Send commands as `run` does; `receive` as many replies before anything else is sent.

        Raises:
            SinkError: as `run`.
        """
        self.connect()
        assert self._wire is not None
        wire = self._wire
        with self._dropping():
            wire.send_packed_command(pack_large(commands) if large else pack(commands))

    def receive(self, count: int) -> list[Reply | Refusal]:
        """The replies of `count` commands that were sent, in order; waits for them.

        Raises:
            SinkError: the connection broke, or was dropped since they were sent.
        """
        wire = self._wire
        if wire is None:
            raise SinkError("redis", "connection dropped before the reply", Backoff().base_ms)
        with self._dropping():
            return [self._read(wire) for _ in range(count)]

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """What fails half way leaves a connection whose replies nobody can tell apart."""
        try:
            yield
        except (RedisError, OSError) as error:
            self.drop()
            raise self._down(error) from error
        except BaseException:
            self.drop()
            raise

    def call(self, *command: Arg) -> Reply:
        """Send one command.

        Raises:
            SinkError: the connection broke, or the server refused the command.
        """
        reply = self.run([command])[0]
        if isinstance(reply, Refusal):
            retry_ms = Backoff().base_ms if reply.may_pass else None
            raise SinkError("redis", reply.text, retry_ms)
        return reply

    def drop(self) -> None:
        """Close the connection; the next call makes a new one."""
        if self._wire is not None:
            self._wire.disconnect()
            self._wire = None

    def close(self) -> None:
        """Close for good."""
        self.drop()
        self._pool.disconnect()

    @staticmethod
    def _read(wire: _Wire) -> Reply | Refusal:
        try:
            return wire.read_response()
        except ResponseError as error:
            return refusal(error)

    def _down(self, error: Exception) -> SinkError:
        kind = "timeout" if isinstance(error, RedisTimeoutError) else "connection"
        final = isinstance(error, AuthenticationError | AuthorizationError | DataError)
        why = f"{kind} to {hide_password(self.url)} failed: {error}"
        return SinkError("redis", why, None if final else Backoff().base_ms)


# Its stub speaks of tuples of one argument.
_pack_command = cast("Callable[[Command], bytes]", hiredis.pack_command)


def pack(commands: Sequence[Command]) -> list[bytes]:
    """Commands as the bytes of one write."""
    return [b"".join(map(_pack_command, commands))]


def pack_large(commands: Sequence[Command]) -> list[bytes]:
    """Commands as bytes to send one after the other; large arguments are not copied.

    The client library joins all arguments first, which costs as much as the server's work on
    an entry of 80 KB.
    """
    pieces: list[bytes] = []
    small = bytearray()
    for command in commands:
        small += b"*%d\r\n" % len(command)
        for arg in command:
            data = arg if isinstance(arg, bytes) else str(arg).encode()
            small += b"$%d\r\n" % len(data)
            if len(data) >= LARGE_BYTES:
                pieces += (bytes(small), data)
                small.clear()
            else:
                small += data
            small += b"\r\n"
    pieces.append(bytes(small))
    return pieces


_PREFIX_OF: Final = {
    "NoScriptError": "NOSCRIPT",
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "NoPermissionError": "NOPERM",
    "ExecAbortError": "EXECABORT",
    "TryAgainError": "TRYAGAIN",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "ClusterCrossSlotError": "CROSSSLOT",
}
"""redis-py cuts the first word off these errors; the class tells it."""
_INNER: Final = re.compile(r"user_script: ?\d+: -([A-Z]+) ")


def refusal(error: ResponseError) -> Refusal:
    """Name the server's error by its first word; inside a script (Redis 6) by the inner one."""
    text = str(error)
    inner = _INNER.search(text)
    kind = inner[1] if inner else _PREFIX_OF.get(type(error).__name__)
    if kind is None:
        kind = text.split(" ", 1)[0].strip("-")
    if kind in ("MOVED", "ASK"):
        text += " (this is a Redis Cluster, which is not supported yet: name a single server)"
    return Refusal(kind, text if text.startswith(kind) else f"{kind} {text}")
