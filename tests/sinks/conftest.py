"""Fixtures of the sink tests."""

from tests.support.redis_server import link, redis_server, session_redis, start_redis

__all__ = ["link", "redis_server", "session_redis", "start_redis"]
