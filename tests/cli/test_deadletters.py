import json
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from operators.results import DeadLetter, Output
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from stream.cli.deadletters import command
from stream.errors import ConfigError
from tests.sinks.outputs import BASE_MS, stream, version
from tests.support.redis_server import link, redis_server, session_redis

__all__ = ["link", "redis_server", "session_redis"]


@pytest.fixture(autouse=True)
def _kept(redis_server: RedisServer) -> Iterator[None]:
    hostile = DeadLetter("bad_json", b'{"a\x00\x1b[31m\xff', "unexpected end\n")
    found = (hostile, DeadLetter("too_late", b'{"b":1}'))
    totals = {"dead": 2, "dead.bad_json": 1, "dead.too_late": 1}
    sink = RedisSink(redis_server.url, 0)
    sink.claim()
    assert sink.write([Output(0, version(1), BASE_MS, dead=found, counters=totals)]).done
    sink.close()
    yield


def run(server: RedisServer, *args: str) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [*args, "--redis-url", server.url, "--shards", "2"])


def test_the_list_shows_totals_and_hostile_bytes_escaped(redis_server: RedisServer) -> None:
    result = run(redis_server)
    assert result.exit_code == 0
    assert "1 bad_json" in result.stderr and "1 too_late" in result.stderr
    assert r'{"a\x00\x1b[31m\xff' in result.stdout
    assert len(result.stdout.splitlines()) == 2


def test_one_letter_is_shown_whole(redis_server: RedisServer) -> None:
    (listed,) = run(redis_server, "list", "--reason", "bad_json", "--json").stdout.splitlines()
    name = json.loads(listed)["letter"]
    shown = json.loads(run(redis_server, "show", name).stdout)
    assert shown["letter"] == name
    assert shown["raw"] == '{"a\x00\x1b[31m\\xff'
    assert run(redis_server, "show", "0/1-1").exit_code == 1


def test_a_retry_sends_the_line_again(redis_server: RedisServer, link: Link) -> None:
    result = run(redis_server, "retry", "--reason", "too_late")
    assert (result.exit_code, result.stderr) == (
        0,
        "sent 1 again; 0 are cut and 0 wait because their shard is full\n",
    )
    assert [entry["b"] for entry in stream(link, "in")] == ['{"b":1}\n']
    assert len(run(redis_server).stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "args", [("burn",), ("retry",), ("show",), ("show", "0"), ("show", "7/1-1"), ("show", "0/x-1")]
)
def test_misuse_names_what_is_wrong(redis_server: RedisServer, args: tuple[str, ...]) -> None:
    result = run(redis_server, *args)
    assert isinstance(result.exception, ConfigError)
