"""Prometheus metrics of the Redis sink and the log's reader (one registry a process)."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

WRITE_SECONDS: Final = Histogram(
    "liveroom_redis_write_seconds",
    "time of one flush to Redis",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
CALLS: Final = Counter("liveroom_redis_calls", "script calls sent to Redis")
REFUSED: Final = Counter("liveroom_redis_refused", "writes refused as older than what stands")
RETRIES: Final = Counter("liveroom_redis_retries", "flushes to be tried again", ("reason",))
DROPPED: Final = Counter("liveroom_redis_dropped", "items dropped while Redis was away", ("kind",))
LOST_STATE: Final = Counter("liveroom_redis_lost_state", "times Redis lost what we had written")
HEALTHY: Final = Gauge("liveroom_redis_healthy", "1 while the last flush succeeded", ("shard",))
LOG_HEALTHY: Final = Gauge("liveroom_log_healthy", "1 while the last read of the log succeeded")
LOG_RECONNECTS: Final = Counter("liveroom_log_reconnects", "times reading the log broke off")
LOG_GAPS: Final = Counter("liveroom_log_gaps", "holes found in the log", ("reason",))
LOG_LOST: Final = Counter("liveroom_log_lost_entries", "entries of the log known to be lost")
