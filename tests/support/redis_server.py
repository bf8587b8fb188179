"""Fixtures on a real Redis. Import them in a package's conftest: `pytest_plugins` is root-only.

* `redis_server`: one server a session, emptied before each test.
* `start_redis`: a function that starts private servers, stopped after the test.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinks.redis_client import Link
from sinks.redis_server import RedisServer

StartRedis = Callable[..., RedisServer]


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return the session's server; tests use `redis_server`."""
    with RedisServer.start(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(session_redis: RedisServer) -> RedisServer:
    """Return the session's server, empty."""
    link = Link(session_redis.url)
    link.run([("FLUSHALL",), ("SCRIPT", "FLUSH")])
    link.close()
    return session_redis


@pytest.fixture
def link(redis_server: RedisServer) -> Iterator[Link]:
    """Return a connection to `redis_server`."""
    link = Link(redis_server.url)
    yield link
    link.close()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[StartRedis]:
    """Return `start(*config, appendfsync=None, port=0) -> RedisServer`."""
    servers: list[RedisServer] = []

    def start(*config: str, appendfsync: str | None = None, port: int = 0) -> RedisServer:
        folder = tmp_path / f"redis{len(servers)}"
        folder.mkdir()
        servers.append(RedisServer.start(folder, port, config, appendfsync))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
