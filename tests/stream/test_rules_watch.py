"""The rule file on its way into the log, on a real Redis."""

import logging
from pathlib import Path

import msgspec
import pytest

from operators.rules.inforce import InForce, digest_of
from sinks.redis_client import Link
from sinks.redis_reply import pairs
from sinks.redis_server import RedisServer
from stream.events import Event
from stream.options import rules_of
from stream.rules_watch import RulesWatch, rules_in_force
from stream.settings import Settings
from tests.operators.rules_facts import with_texts
from tests.support.redis_server import link, redis_server, session_redis

__all__ = ["link", "redis_server", "session_redis"]
SHARDS = 3
pytestmark = pytest.mark.redis


def rules(below: int) -> str:
    text = f'[[rule]]\nname = "few"\nkind = "threshold"\nmetric = "online_now"\nbelow = {below}\n'
    return with_texts(text.replace("below", 'window = "session"\nbelow'))


def entries(link: Link, shard: int) -> list[Event]:
    found = link.call("XRANGE", f"{{{shard}}}:in", "-", "+")
    assert isinstance(found, list)
    bodies = [pairs(entry[1])[b"b"] for entry in found if isinstance(entry, list)]
    lines = [line for body in bodies for line in body.splitlines()]
    return [msgspec.json.decode(line, type=Event) for line in lines]


def watch(server: RedisServer, path: Path) -> RulesWatch:
    settings = Settings(redis_url=server.url, rules_file=path)
    return RulesWatch(Link(server.url), SHARDS, path, rules_of(settings))


def test_every_shard_is_told_at_the_start_and_at_each_change(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(rules(1))
    watching = watch(redis_server, path)
    assert watching.look()
    assert not watching.look()
    path.write_text(rules(2))
    assert watching.look()
    for shard in range(SHARDS):
        told = entries(link, shard)
        assert [one.target_id for one in told] == [digest_of(rules(n)) for n in (1, 2)]
        assert {one.status for one in told} == {f"{shard}/{SHARDS}"}
        force = InForce(rules_of(Settings()))
        assert all(force.take(one) for one in told)
        assert force.turn()


def test_a_file_with_a_mistake_is_told_once_and_the_rules_stay(
    redis_server: RedisServer, link: Link, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(rules(1))
    watching = watch(redis_server, path)
    watching.look()
    with caplog.at_level(logging.ERROR):
        for text in (rules(1).replace("online_now", "online"), None):
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
            assert not watching.look()
            assert not watching.look()
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    mistake, gone = (record.getMessage() for record in told)
    assert "not in the catalogue" in mistake
    assert "cannot be read" in gone
    assert len(entries(link, 0)) == 1
    path.write_text(rules(3))
    assert watching.look()


def test_a_recording_begins_with_the_rules_that_hold(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    assert rules_in_force(redis_server.url, SHARDS) == []
    path = tmp_path / "rules.toml"
    path.write_text(rules(7))
    watch(redis_server, path).look()
    [line] = rules_in_force(redis_server.url, SHARDS)
    force = InForce(rules_of(Settings()))
    assert force.take(msgspec.json.decode(line, type=Event))
    assert force.turn()
    assert force.of("t", "t").digest == digest_of(rules(7))
