"""The demo's one live line: events/s, rows/s, screens, p99 age."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sinks.redis_client import Link
from sinks.redis_keys import key
from stream.agreement import COUNTED
from stream.errors import SinkError

_HTTP_TIMEOUT_S: Final = 2.0
_AGE: Final = "liveroom_gateway_delivery_age_ms"
_CONNECTIONS: Final = "liveroom_gateway_connections"


def read_counters(link: Link, shards: int) -> dict[str, int]:
    """The engine's totals, summed over all shards; empty while Redis is out of reach."""
    totals: dict[str, int] = {}
    try:
        replies = link.run([("HGETALL", key(shard, "counters")) for shard in range(shards)])
    except SinkError:
        return {}
    for reply in replies:
        pairs = reply if isinstance(reply, list) else []
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(name, bytes) and isinstance(value, bytes) and not name.startswith(b"_"):
                totals[name.decode()] = totals.get(name.decode(), 0) + int(value)
    return totals


def counted(link: Link, shards: int) -> dict[str, int]:
    """`read_counters` with 0 for those of in = accepted + duplicates + dead that never grew."""
    return {**dict.fromkeys(COUNTED, 0), **read_counters(link, shards)}


def engine_is_ready(link: Link, shards: int) -> bool:
    """Whether an engine has claimed every shard: each has the epoch of its output state."""
    try:
        replies = link.run([("HGET", key(shard, "meta"), "epoch") for shard in range(shards)])
    except SinkError:
        return False
    return all(isinstance(reply, bytes) for reply in replies)


def fetch(url: str) -> str | None:
    """Body of a page; None when it does not answer with success."""
    try:
        with urllib.request.urlopen(url, timeout=_HTTP_TIMEOUT_S) as reply:
            return str(reply.read().decode())
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class GatewayFigures:
    """What the gateway's Prometheus page says; buckets are cumulative counts by upper bound."""

    connections: int = 0
    age_buckets: tuple[tuple[float, int], ...] = ()


def parse_gateway(text: str) -> GatewayFigures:
    """Read the two figures we show; processes are summed. Unknown lines are skipped."""
    connections = 0
    buckets: dict[float, int] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith(_CONNECTIONS + "{"):
            connections += int(float(value))
        elif name.startswith(_AGE + "_bucket{"):
            bound = float(name.split('le="')[1].split('"')[0])
            buckets[bound] = buckets.get(bound, 0) + int(float(value))
    return GatewayFigures(connections, tuple(sorted(buckets.items())))


def age_quantile_ms(before: GatewayFigures, after: GatewayFigures, q: float) -> float | None:
    """Upper bucket bound that covers the share `q` of the deliveries between two readings.

    None without deliveries; infinity when it lies in the open bucket.
    """
    old = dict(before.age_buckets)
    counts = [(bound, count - old.get(bound, 0)) for bound, count in after.age_buckets]
    if not counts or counts[-1][1] <= 0:
        return None
    wanted = q * counts[-1][1]
    return next((bound for bound, count in counts if count >= wanted), None)


def rate(before: Mapping[str, int], after: Mapping[str, int], name: str, seconds: float) -> float:
    """Growth of a total per second; 0 before two readings exist."""
    if not before or not after or seconds <= 0:
        return 0.0
    return max(0.0, (after.get(name, 0) - before.get(name, 0)) / seconds)


class StatusLine:
    """Reads the sources each time it is asked and says what changed since the last time."""

    def __init__(self, link: Link, shards: int, metrics_url: str) -> None:
        """Nothing has been read yet."""
        self._link, self._shards, self._metrics_url = link, shards, metrics_url
        self._counters: dict[str, int] = {}
        self._gateway = GatewayFigures()
        self._at_s = 0.0

    def text(self, now_s: float) -> str:
        """One line of figures; `now_s` is any clock that only runs forward."""
        counters = read_counters(self._link, self._shards)
        gateway = parse_gateway(fetch(self._metrics_url) or "")
        passed_s = now_s - self._at_s
        events = rate(self._counters, counters, "in", passed_s)
        rows = rate(self._counters, counters, "rows", passed_s)
        age = age_quantile_ms(self._gateway, gateway, 0.99)
        self._counters, self._gateway, self._at_s = counters, gateway, now_s
        shown = "–" if age is None else f"≤ {age:g} ms"
        return (
            f"{events:7.0f} events/s  {rows:6.0f} rows/s  {gateway.connections:3d} screens"
            f"  p99 age {shown}  dead {counters.get('dead', 0)}"
        )
