"""Fixtures of the gateway tests."""

from collections.abc import Iterator

import pytest

from sinks.redis_server import RedisServer
from tests.sinks.gateway.support import Engine, Settings


@pytest.fixture
def engine(redis_server: RedisServer) -> Iterator[Engine]:
    engine = Engine(redis_server.url)
    yield engine
    engine.close()


@pytest.fixture
def settings(redis_server: RedisServer) -> Settings:
    return Settings(redis_server.url)
