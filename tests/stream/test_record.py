import json
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulators.api import HARD_DISORDER, SimulationPlan, write_recording
from sinks.log_writer import LogWriter
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from sinks.results import sorted_lines
from stream.errors import ConfigError
from stream.formats import closing_tick_ms, read_events
from stream.record import record, tap
from stream.replay import run_replay, split
from stream.settings import Settings
from tests.support.redis_server import link, redis_server, session_redis

__all__ = ["link", "redis_server", "session_redis"]

T = 1_700_000_000_000
SHARDS = 3


@dataclass(frozen=True)
class Named:
    redis_url: str | None
    shards: int = SHARDS


def line(name: str, time_ms: int) -> bytes:
    fields = {"event_id": name, "source": "s", "type": "enter", "event_time_ms": time_ms}
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.redis
def test_the_log_of_all_shards_becomes_one_recording(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    writer = LogWriter(link, SHARDS)
    stop = threading.Event()
    out = tmp_path / "session.ndjson"
    counted: list[int] = []
    named = Named(redis_server.url)
    thread = threading.Thread(target=lambda: counted.append(tap(named, out, stop)))
    writer.tick(T)
    writer.append(0, line("a", T))
    thread.start()
    for second in range(1, 20):
        writer.tick(T + 1000 * second)
        writer.append(second % SHARDS, line(f"b{second}", T + 1000 * second - 500))
    stop.set()
    thread.join()
    lines = [json.loads(text) for text in out.read_bytes().splitlines()]
    assert counted == [len(lines)]
    clock = {}
    for fields in lines:
        if fields["type"] == "tick":
            tick_ms = fields["event_time_ms"]
        else:
            clock[fields["event_id"]] = tick_ms
    assert clock == {"a": T} | {f"b{second}": T + 1000 * second for second in range(1, 20)}
    assert lines[-1]["event_time_ms"] == closing_tick_ms(T + 18_500)


def test_an_existing_recording_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "old.ndjson"
    out.write_text("precious")
    with pytest.raises(ConfigError, match="out"):
        tap(Named("redis://127.0.0.1:1"), out, threading.Event())
    with pytest.raises(ConfigError, match="redis_url"):
        tap(Named(None), tmp_path / "new", threading.Event())
    assert out.read_text() == "precious"


@pytest.mark.redis
def test_what_was_recorded_replays_to_the_same_final_rows(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    original, recorded = tmp_path / "original.ndjson", tmp_path / "recorded.ndjson"
    plan = SimulationPlan("flash_sale", rooms=4, tenants=4, minutes=4, rate=40, seed=7,
                          disorder=HARD_DISORDER)  # fmt: skip
    write_recording(plan, original)
    writer = LogWriter(link, SHARDS)
    stop = threading.Event()
    thread = threading.Thread(target=tap, args=(Named(redis_server.url), recorded, stop))
    thread.start()
    for chunk in read_events(original, "ndjson", b""):
        for start in range(0, len(lines_of := chunk.splitlines()), 50):
            part = b"\n".join(lines_of[start : start + 50])
            for shard, body in enumerate(split(part, SHARDS)):
                if body:
                    writer.append(shard, body)
    stop.set()
    thread.join()
    rows = [
        list(sorted_lines(list(run_replay(read_events(path, "ndjson", b""), settings=Settings()))))
        for path in (original, recorded)
    ]
    assert len(rows[0]) > 100
    assert rows[0] == rows[1]


@pytest.mark.redis
def test_a_parquet_recording_holds_the_same_lines(
    redis_server: RedisServer, link: Link, tmp_path: Path
) -> None:
    writer = LogWriter(link, SHARDS)
    stop = threading.Event()
    stop.set()
    for second in range(5):
        writer.tick(T + 1000 * second)
        writer.append(second % SHARDS, line(f"b{second}", T + 1000 * second))
    named, plain, columns = Named(redis_server.url), tmp_path / "a.ndjson", tmp_path / "b.parquet"
    assert record(named, plain, stop) == 0
    assert record(named, columns, stop, "parquet") == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.ndjson", "b.parquet"]
    found = [b"".join(read_events(path, "auto", b"")).splitlines() for path in (plain, columns)]
    assert list(map(json.loads, found[0])) == list(map(json.loads, found[1]))
    assert len(found[0]) > 10
