"""A writer that fills Redis through the documented keys, and gateways on free ports."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.typing import EncodableT, FieldT

from sinks.gateway import effects, gateway
from sinks.gateway.auth import Claims, mint_token, verify_token
from sinks.gateway.session import Now

SECRET = "a-test-secret-of-more-than-32-characters"

_PATCH = """
local s = redis.call('HINCRBY', KEYS[1], '_s', 1)
for i = 5, #ARGV, 2 do
  if ARGV[i + 1] == 'null' then redis.call('HDEL', KEYS[1], ARGV[i])
  else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('HSET', KEYS[1], '_v', s)
redis.call('HSETNX', KEYS[3], ARGV[1], '{"kind":"state","tenant":"t1","group":"t1"}')
redis.call('HSETNX', KEYS[4], 'epoch', ARGV[3])
local e = redis.call('HGET', KEYS[4], 'epoch')
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[4], '*', 'c', ARGV[1], 'k', 'state', 'e', e, 's', s,
  'd', ARGV[2], 't', redis.call('TIME')[1] * 1000)
return s
"""
_LOG = """
local s = redis.call('HINCRBY', KEYS[5], ARGV[1], 1)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[5], '*', 's', s, 'd', ARGV[2])
redis.call('HSETNX', KEYS[3], ARGV[1], '{"kind":"log","tenant":"t1","group":"t1"}')
redis.call('HSETNX', KEYS[4], 'epoch', ARGV[3])
local e = redis.call('HGET', KEYS[4], 'epoch')
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[4], '*', 'c', ARGV[1], 'k', 'log', 'e', e, 's', s,
  'd', ARGV[2], 't', redis.call('TIME')[1] * 1000)
return s
"""


@dataclass
class Engine:
    """Plays the engine's part towards Redis: patches, log entries, a new epoch."""

    url: str
    shard: int = 0
    epoch: str = "e1"
    out_max: int = 100_000
    log_max: int = 100_000
    truth: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.redis = redis.Redis.from_url(self.url, protocol=2)
        self._patch = self.redis.register_script(_PATCH)
        self._log = self.redis.register_script(_LOG)

    def key(self, name: str) -> str:
        return f"{{{self.shard}}}:{name}"

    def patch(self, channel: str, fields: dict[str, Any]) -> int:
        state = self.truth.setdefault(channel, {})
        for name, value in fields.items():
            if value is None:
                state.pop(name, None)
            else:
                state[name] = value
        keys = [self.key(name) for name in (channel, "out", "channels", "meta")]
        pairs = [part for name, value in fields.items() for part in (name, json.dumps(value))]
        args: list[EncodableT] = [
            channel,
            json.dumps(fields),
            self.epoch,
            self.out_max,
            *pairs,
        ]
        return int(self._patch(keys=keys, args=args))

    def log(self, channel: str, data: Any) -> int:
        self.logs.setdefault(channel, []).append(data)
        names = (f"log:{channel}", "out", "channels", "meta", "logseq")
        args: list[EncodableT] = [
            channel,
            json.dumps(data),
            self.epoch,
            self.out_max,
            self.log_max,
        ]
        return int(self._log(keys=[self.key(name) for name in names], args=args))

    def rewrite(self, epoch: str) -> None:
        """Write all live state anew under a new epoch, as after a lost Redis."""
        self.epoch = epoch
        self.redis.hset(self.key("meta"), "epoch", epoch)
        for channel, state in list(self.truth.items()):
            self.redis.delete(self.key(channel))
            self.patch(channel, dict(state))
        fields: dict[FieldT, EncodableT] = {
            "c": "",
            "k": "epoch",
            "e": epoch,
            "s": 0,
            "d": "",
            "t": 0,
        }
        self.redis.xadd(self.key("out"), fields)

    def close(self) -> None:
        self.redis.close()


@dataclass
class Settings:
    """The settings the gateway reads."""

    redis_url: str | None
    shards: int = 2
    host: str = "127.0.0.1"
    port: int = 0
    token_secret: str | None = SECRET
    token_secret_previous: str | None = None
    token_ttl_s: int = 3_600
    allowed_origins: tuple[str, ...] = ()
    max_connections: int = 10_000
    max_per_address: int = 50
    max_per_user: int = 50
    assets_dir: Path | None = None

    def token(self, role: str = "operator", ttl_s: int = 600, **options: Any) -> str:
        return mint_token(self, ["t1"], ["*"], role, ttl_s, **options)


async def eventually(check: Callable[[], Any], within_s: float = 60.0) -> Any:
    """Wait until `check()` is truthy; fails loudly at the deadline."""
    deadline = time.monotonic() + within_s
    while True:
        value = check()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def hold_clock(monkeypatch: pytest.MonkeyPatch, wall_ms: int) -> list[int]:
    """Let gateways of this process believe that it is `wall_ms`; put another into the list.

    A token is told to have as short a life as a test likes, and does not end on a busy machine.
    """
    held = [wall_ms]
    for module in (effects, gateway):
        monkeypatch.setattr(module, "read_clock", lambda: Now(time.monotonic(), held[0]))
    return held


def two_seconds_left(settings: Settings) -> tuple[str, int]:
    """Return a token, and the time when two seconds of its life are left, ms."""
    token = settings.token(ttl_s=600)
    claims = verify_token(settings, token)
    assert isinstance(claims, Claims)
    return token, (claims.exp - 2) * 1_000
