"""The one table of settings. To add a setting, add one field here; nothing else changes.

Units are in the names: `_ms`, `_s`, `_days`, `_bytes`, `_units`. None means "not set".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stream.parts import PARTS
from stream.settings.spec import Area, Bounds, Setting, setting, settings_of

_DAY_MS: Final = 86_400_000
_POSITIVE: Final = Bounds(minimum=1)
_PORT: Final = Bounds(minimum=0, maximum=65_535)
_SECRET: Final = Bounds(min_chars=16)
_SIGNING_KEY: Final = Bounds(min_chars=32)
_REDIS: Final = Bounds(schemes=("redis", "rediss", "unix"))
_HTTP: Final = Bounds(schemes=("http", "https"))
_LEVELS: Final = Bounds(choices=("debug", "info", "warning", "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, typed. Build it with `load_settings`; tests may build it directly."""

    redis_url: str | None = setting(
        None, Area.REDIS, "Redis or Valkey server; none: `demo` starts one of its own", _REDIS
    )
    shards: int = setting(
        8,
        Area.REDIS,
        "shards of the log; fixed for the life of the data, so leave room to grow",
        Bounds(minimum=1, maximum=1024),
    )
    in_age_s: int = setting(
        60, Area.REDIS, "how long a durable log entry is kept for `record`", Bounds(minimum=0)
    )
    out_maxlen: int = setting(
        100_000, Area.REDIS, "entries kept in the out log of a shard, for gateways", _POSITIVE
    )
    out_age_s: int = setting(
        120, Area.REDIS, "how long they are kept; a gateway further behind reads anew", _POSITIVE
    )
    dead_maxlen: int = setting(
        10_000, Area.REDIS, "dead letters kept of a shard; the counters go on", _POSITIVE
    )
    backpressure_bytes: int = setting(
        64 * 1024 * 1024,
        Area.REDIS,
        "bytes of a shard's log that are not durable yet; beyond it producers are told to wait",
        Bounds(minimum=65_536),
    )

    recovery_dir: Path = setting(
        Path(".liveroom/recovery"), Area.ENGINE, "folder of the engine's snapshots"
    )
    results_dir: Path | None = setting(
        None,
        Area.ENGINE,
        "folder of files of the final rows, one a shard; none: not written",
    )
    epoch_ms: int = setting(
        1_000, Area.ENGINE, "time between two snapshots", Bounds(minimum=100, maximum=600_000)
    )
    flush_interval_ms: int = setting(
        50,
        Area.ENGINE,
        "rooms' session and minute figures are written this often, alerts at once",
        Bounds(minimum=1, maximum=10_000),
    )
    full_flush_interval_ms: int = setting(
        250,
        Area.ENGINE,
        "rolling windows, splits, leaderboards and stock are written this often",
        Bounds(minimum=1, maximum=10_000),
    )
    processes: int = setting(
        1, Area.ENGINE, "engine processes; shards are dealt out evenly", Bounds(1, 64)
    )
    process_id: int | None = setting(
        None,
        Area.ENGINE,
        "which process of a cluster this one is, from 0; none: start all of them here",
        Bounds(0, 63),
    )
    addresses: tuple[str, ...] = setting(
        (), Area.ENGINE, "host:port of every process of the cluster; none: loopback, free ports"
    )
    leave_out: tuple[str, ...] = setting(
        (),
        Area.ENGINE,
        "parts beside figures that need not be worked out, for speed: "
        + "; ".join(f"`{name}`, {what}" for name, what in PARTS.items()),
        Bounds(choices=tuple(PARTS)),
    )
    workers: int = setting(1, Area.ENGINE, "Bytewax workers in one process", Bounds(1, 64))

    max_out_of_orderness_ms: int = setting(
        2_000, Area.TIME, "the watermark trails the clock by this much", Bounds(0, 15_000)
    )
    allowed_lateness_ms: int = setting(
        60_000,
        Area.TIME,
        "an event this far behind the watermark still corrects its windows",
        Bounds(0, 60_000),
    )
    explanation_tail_ms: int = setting(
        180_000,
        Area.TIME,
        "clicks and orders of a product count to its explanation this long after it",
        Bounds(0, _DAY_MS),
    )
    presence_ttl_ms: int = setting(
        300_000, Area.TIME, "a viewer without a sign of life counts as gone", Bounds(1_000, _DAY_MS)
    )
    session_idle_ms: int = setting(
        1_800_000, Area.TIME, "a room without events ends its session", Bounds(60_000, _DAY_MS)
    )
    sealed_ttl_s: int = setting(
        86_400, Area.TIME, "the Redis keys of an ended session expire after this", _POSITIVE
    )
    history_s: int = setting(
        14_400,
        Area.TIME,
        "how much of a room's chart the engine keeps, to say it again after Redis lost it",
        Bounds(minimum=0, maximum=604_800),
    )
    ledger_days: int = setting(
        30,
        Area.TIME,
        "orders are kept so long, so that refunds find their session and stock; longer ago, none",
        Bounds(1, 3_660),
    )

    rules_file: Path | None = setting(
        None, Area.RULES, "TOML file of alert rules; none: the built-in ones"
    )
    words_file: Path | None = setting(
        None,
        Area.RULES,
        "TOML file of word lists for comments (docs/terms.md); none: the built-in ones",
    )
    term_horizon_ms: int = setting(
        300_000,
        Area.RULES,
        "orders this long after a viewer said a keyword are told with it",
        Bounds(1_000, 3_600_000),
    )
    stock_low_units: int = setting(
        10,
        Area.RULES,
        "a stock pool with so many units left, or fewer, counts as low",
        Bounds(minimum=0),
    )
    webhook_url: str | None = setting(
        None, Area.RULES, "alerts are posted here as JSON; none: nowhere", _HTTP
    )
    webhook_secret: str | None = setting(
        None, Area.RULES, "key of the webhook's HMAC signature", _SECRET, secret=True
    )

    host: str = setting(
        "127.0.0.1", Area.GATEWAY, "address to listen on; anything else than loopback is public"
    )
    port: int = setting(8765, Area.GATEWAY, "port of pages and WebSocket; 0: any free one", _PORT)
    gateway_processes: int = setting(
        1, Area.GATEWAY, "gateway processes on the one port", Bounds(1, 64)
    )
    token_secret: str | None = setting(
        None, Area.GATEWAY, "key that signs access tokens", _SIGNING_KEY, secret=True
    )
    token_secret_previous: str | None = setting(
        None,
        Area.GATEWAY,
        "the key before, still accepted while you rotate",
        _SIGNING_KEY,
        secret=True,
    )
    token_ttl_s: int = setting(
        3_600, Area.GATEWAY, "life of a token made here", Bounds(minimum=1, maximum=31_622_400)
    )
    allowed_origins: tuple[str, ...] = setting(
        (), Area.GATEWAY, "origins whose pages may connect; none: only the gateway's own pages"
    )
    max_connections: int = setting(
        10_000, Area.GATEWAY, "WebSocket connections of one gateway process", _POSITIVE
    )
    max_per_address: int = setting(
        50,
        Area.GATEWAY,
        "connections of one address and process; this host's own are not counted",
        _POSITIVE,
    )
    max_per_user: int = setting(
        50, Area.GATEWAY, "connections of one user of tokens and process", _POSITIVE
    )

    assets_dir: Path | None = setting(
        None, Area.GATEWAY, "folder of the pages' libraries; none: where set-up put them"
    )

    user_key: str | None = setting(
        None, Area.EDGE, "key of the hash that replaces viewer ids", _SECRET, secret=True
    )

    metrics_port: int | None = setting(
        None, Area.WATCH, "port of the engine's Prometheus metrics; none: not served", _PORT
    )
    log_level: str = setting("info", Area.WATCH, "least severe log line shown", _LEVELS)
    profile_stages: bool = setting(
        False, Area.WATCH, "print at the end how the engine's time was split over its stages"
    )


SETTINGS: Final[tuple[Setting, ...]] = settings_of(Settings)
"""The table as data, in the order of the fields."""

SETTING_BY_NAME: Final = {entry.name: entry for entry in SETTINGS}
