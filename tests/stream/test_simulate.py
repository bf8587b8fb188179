"""Simulated rooms into a file and into a real Redis."""

import json
import threading
from pathlib import Path

import pytest

from simulators.api import SimulationPlan
from sinks.redis_client import Link
from sinks.redis_keys import key
from sinks.redis_server import RedisServer
from stream.errors import ConfigError
from stream.settings import Settings
from stream.simulate import simulate_to_file, simulate_to_redis
from tests.support.redis_server import link, redis_server, session_redis

__all__ = ["link", "redis_server", "session_redis"]

SHARDS = 2
PLAN = SimulationPlan(rooms=2, tenants=2, minutes=1, rate=20.0)


def logged(link: Link, shard: int) -> list[dict[str, object]]:
    """Every event of a shard's log, in order."""
    entries = link.call("XRANGE", key(shard, "in"), "-", "+")
    assert isinstance(entries, list)
    bodies: list[bytes] = []
    for entry in entries:
        assert isinstance(entry, list)
        pairs = entry[1]
        assert isinstance(pairs, list)
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        body = fields[b"b"]
        assert isinstance(body, bytes)
        bodies.append(body)
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def test_a_recording_and_its_truth_go_into_files(tmp_path: Path) -> None:
    out, truth = tmp_path / "out.ndjson", tmp_path / "truth.json"
    summary = simulate_to_file(PLAN, out, truth)
    lines = out.read_bytes().splitlines()
    assert len(lines) == summary.lines
    assert json.loads(lines[-1])["type"] == "tick"
    assert json.loads(truth.read_text())["counts"]["in"] == summary.events


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        simulate_to_file(PLAN, tmp_path / "nowhere" / "x", None)


def test_without_a_redis_nothing_is_played() -> None:
    with pytest.raises(ConfigError, match="redis_url"):
        simulate_to_redis(Settings(), PLAN, None)


@pytest.mark.redis
def test_what_was_played_is_in_the_log_and_counted_in_the_truth(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.json"
    settings = Settings(redis_url=redis_server.url, shards=SHARDS)
    played = simulate_to_redis(settings, PLAN, truth, speed=200.0)
    assert played.complete
    events = [event for shard in range(SHARDS) for event in logged(link, shard)]
    ticks = [event for event in events if event["type"] == "tick"]
    assert len(events) - len(ticks) == json.loads(truth.read_text())["counts"]["in"]
    for shard in range(SHARDS):
        times = [int(str(e["event_time_ms"])) for e in logged(link, shard) if e["type"] == "tick"]
        assert times == sorted(times)
        assert logged(link, shard)[-1]["type"] == "tick"


@pytest.mark.redis
def test_stopped_early_the_rooms_are_ended_and_the_clock_is_closed(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    stop = threading.Event()
    stop.set()
    settings = Settings(redis_url=redis_server.url, shards=SHARDS)
    played = simulate_to_redis(settings, PLAN, tmp_path / "truth.json", stop=stop)
    assert not played.complete
    assert (tmp_path / "truth.json").exists()
    assert not (tmp_path / "truth.part").exists()
    assert logged(link, 0)[-1]["type"] == "tick"
