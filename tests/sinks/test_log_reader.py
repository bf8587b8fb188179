import time
from collections.abc import Iterator

import pytest

from sinks.log import Log, LogGap, LogRecord, Position
from sinks.log_reader import LogReader
from sinks.log_writer import Appended, Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_reply import pairs
from sinks.redis_server import RedisServer
from tests.support.redis_server import StartRedis

DEADLINE_S = 60.0


def collect(reader: Log, shard: int, count: int) -> list[LogRecord | LogGap]:
    """Take `count` items of a shard, or fail."""
    items: list[LogRecord | LogGap] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(items) < count:
        assert time.monotonic() < deadline, f"only {len(items)} of {count} items came"
        reader.wait(0.05)
        items += reader.pop(shard, 2**20)
    return items


@pytest.fixture
def writer(redis_server: RedisServer) -> Iterator[LogWriter]:
    writer = LogWriter(Link(redis_server.url), 4)
    yield writer
    writer.close()


def test_what_is_appended_comes_out_in_order_of_each_shard(
    redis_server: RedisServer, writer: LogWriter
) -> None:
    with LogReader(redis_server.url, range(4)) as reader:
        assert reader.pop(0, 100) == []
        done = writer.append_many([Entry(i % 4, b"%d\n" % i) for i in range(400)])
        for shard in range(4):
            items = collect(reader, shard, 100)
            assert [i.body for i in items if isinstance(i, LogRecord)] == [
                b"%d\n" % i for i in range(shard, 400, 4)
            ]
            ids = [result.id for result in done[shard::4] if isinstance(result, Appended)]
            assert [i.id for i in items if isinstance(i, LogRecord)] == ids


def test_reading_resumes_after_a_position(redis_server: RedisServer, writer: LogWriter) -> None:
    writer.append_many([Entry(0, b"%d" % i) for i in range(10)])
    with LogReader(redis_server.url, [0]) as reader:
        seen = collect(reader, 0, 10)[3]
    assert isinstance(seen, LogRecord)
    with LogReader(redis_server.url, [0], {0: seen.position}) as reader:
        rest = collect(reader, 0, 6)
    assert [item.n for item in rest if isinstance(item, LogRecord)] == [5, 6, 7, 8, 9, 10]


def test_a_stream_trimmed_past_our_position_is_announced_with_the_count(
    redis_server: RedisServer, writer: LogWriter, link: Link
) -> None:
    done = writer.append_many([Entry(0, b"%d" % i) for i in range(10)])
    first, eighth = done[0], done[7]
    assert isinstance(first, Appended) and isinstance(eighth, Appended)
    link.call("XTRIM", "{0}:in", "MINID", eighth.id)
    with LogReader(redis_server.url, [0], {0: Position(first.id, first.n)}) as reader:
        items = collect(reader, 0, 4)
    assert items[0] == LogGap(6, "trimmed")
    assert [item.n for item in items[1:] if isinstance(item, LogRecord)] == [8, 9, 10]


def test_a_flushed_log_is_announced_and_read_on(
    redis_server: RedisServer, writer: LogWriter, link: Link
) -> None:
    writer.append_many([Entry(0, b"old")] * 5)
    with LogReader(redis_server.url, [0]) as reader:
        collect(reader, 0, 5)
        link.call("FLUSHALL")
        writer.append(0, b"new")
        items = collect(reader, 0, 2)
    assert items[0] == LogGap(None, "restarted")
    assert isinstance(items[1], LogRecord) and (items[1].n, items[1].body) == (1, b"new")


def test_a_new_log_with_lower_ids_is_noticed_on_connecting(
    redis_server: RedisServer, writer: LogWriter
) -> None:
    writer.append(0, b"new")
    with LogReader(redis_server.url, [0], {0: Position("9999999999999-0", 70)}) as reader:
        items = collect(reader, 0, 2)
    assert items[0] == LogGap(None, "restarted")
    assert isinstance(items[1], LogRecord) and items[1].body == b"new"


def test_the_reader_survives_a_restart_of_redis(start_redis: StartRedis) -> None:
    server = start_redis(appendfsync="always")
    writer = LogWriter(Link(server.url), 1)
    with LogReader(server.url, [0]) as reader:
        writer.append(0, b"before")
        collect(reader, 0, 1)
        server.kill()
        deadline = time.monotonic() + DEADLINE_S
        while reader.healthy:
            assert time.monotonic() < deadline
            reader.wait(0.01)
        server.restart()
        writer.append(0, b"after")
        (item,) = collect(reader, 0, 1)
        assert isinstance(item, LogRecord) and (item.n, item.body) == (2, b"after")
        while not reader.healthy:
            assert time.monotonic() < deadline
            reader.wait(0.01)
        assert reader.reconnects >= 1
    writer.close()


def test_a_queue_stays_near_its_bound_while_nobody_takes(
    redis_server: RedisServer, writer: LogWriter
) -> None:
    body = b"x" * 10_000
    for _ in range(10):
        writer.append_many([Entry(0, body)] * 50)
    writer.append(1, b"other")
    with LogReader(redis_server.url, [0, 1], queue_bytes=100_000) as reader:
        assert isinstance(collect(reader, 1, 1)[0], LogRecord), "a full queue blocks no other shard"
        assert reader.queued_bytes(0) < 600 * 10_000
        items = collect(reader, 0, 500)
        assert [item.n for item in items if isinstance(item, LogRecord)] == list(range(1, 501))


def test_trimming_keeps_what_is_not_durable_and_what_is_young(
    redis_server: RedisServer, writer: LogWriter, link: Link
) -> None:
    # Entries of 5 KB fill a stream node each: XTRIM ~ removes whole nodes.
    done = writer.append_many([Entry(0, b"x" * 5_000)] * 10)
    fifth = done[4]
    assert isinstance(fifth, Appended)
    now_ms = int(fifth.id.partition("-")[0])
    with LogReader(redis_server.url, [0]) as reader:
        collect(reader, 0, 10)
        reader.trim(0, fifth.id, now_ms, 60_000)
        await_meta(link, b"durable", fifth.id.encode())
        assert link.call("XLEN", "{0}:in") == 10, "too young to go"
        assert meta(link)[b"bytes_un"] == b"25000", "but durable"
        reader.trim(0, done_id(done[5]), now_ms + 120_000, 60_000)
        await_meta(link, b"durable", done_id(done[5]).encode())
        assert link.call("XLEN", "{0}:in") == 5, "all before the durable one"
        reader.trim(0, done_id(done[9]), now_ms + 120_000, 60_000)
        await_meta(link, b"bytes_un", b"0")


def test_an_engine_with_an_older_claim_cannot_trim(
    redis_server: RedisServer, writer: LogWriter, link: Link
) -> None:
    done = writer.append_many([Entry(0, b"x" * 5_000)] * 3)
    link.call("HSET", "{0}:meta", "fence", 8)
    with LogReader(redis_server.url, [0]) as reader:
        reader.trim(0, done_id(done[2]), 2**42, 0, fence=7)
        writer.append(0, b"last")
        collect(reader, 0, 4)
        reader.trim(0, done_id(done[1]), 2**42, 0, fence=8)
        await_meta(link, b"durable", done_id(done[1]).encode())
    assert link.call("XLEN", "{0}:in") == 3


def done_id(result: object) -> str:
    assert isinstance(result, Appended)
    return result.id


def meta(link: Link) -> dict[bytes, bytes]:
    return pairs(link.call("HGETALL", "{0}:meta"))


def await_meta(link: Link, field: bytes, value: bytes) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while meta(link).get(field) != value:
        assert time.monotonic() < deadline, f"{field!r} never became {value!r}: {meta(link)}"
        time.sleep(0.005)
