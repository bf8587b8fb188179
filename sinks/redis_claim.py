"""Taking a shard and beginning an epoch: the writes that stand before all others."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sinks.redis_client import Backoff, Link, pause
from sinks.redis_keys import key
from sinks.redis_scripts import ScriptCall, run_call
from stream.errors import InvariantError, SinkError

T = TypeVar("T")
_LOG: Final = logging.getLogger("liveroom.redis")


@dataclass(frozen=True, slots=True)
class Taken:
    """The claim as Redis gave it: fence, epoch of the output, count of writes so far."""

    fence: int
    epoch: str
    writes: int


def take(link: Link, shard: int, marker: str, out_maxlen: int) -> Taken:
    """Claim a shard for the run that `marker` names.

    Raises:
        SinkError: Redis is away or refuses.
    """
    args = (marker, secrets.token_hex(8), now_ms(), out_maxlen)
    call = ScriptCall("claim", (key(shard, "meta"), key(shard, "out")), args)
    reply = run_call(link, call)
    if isinstance(reply, list) and len(reply) == 3:
        fence, epoch, writes = reply
        if isinstance(fence, bytes) and isinstance(epoch, bytes) and isinstance(writes, int):
            return Taken(int(fence), epoch.decode(), writes)
    raise InvariantError("claim.lua returned something else than [fence, epoch, writes]")


def epoch_call(shard: int, fence: int, marker: str, epoch: str, out_maxlen: int) -> ScriptCall:
    """Script call that begins an epoch and announces it to the gateways."""
    args = (fence, marker, epoch, now_ms(), out_maxlen)
    return ScriptCall("epoch", (key(shard, "meta"), key(shard, "out")), args)


def warn_of_eviction(link: Link) -> None:
    """Warn where Redis may evict keys: an evicted guard is a lost state.

    Raises:
        SinkError: the connection broke.
    """
    reply = link.run([("INFO", "memory")])[0]
    found = re.search(rb"maxmemory_policy:(\S+)", reply if isinstance(reply, bytes) else b"")
    if found and found[1] != b"noeviction":
        policy = found[1].decode()
        _LOG.warning("Redis may evict our keys (maxmemory-policy %s): set it to noeviction", policy)


def insist(
    action: Callable[[], T],
    backoff: Backoff,
    timeout_s: float,
    give_up: Callable[[], bool] = lambda: False,
) -> T:
    """Try until it succeeds, with jittered delays; `give_up` is asked after each failure.

    Raises:
        SinkError: it may not pass, `timeout_s` is over, or `give_up` said so.
    """
    deadline = time.monotonic() + timeout_s
    attempt = 0
    while True:
        try:
            return action()
        except SinkError as error:
            attempt += 1
            if error.retry_after_ms is None or time.monotonic() > deadline or give_up():
                raise
        pause(backoff.delay_ms(attempt))


def now_ms() -> int:
    """Wall clock, ms since 1970."""
    return time.time_ns() // 1_000_000
