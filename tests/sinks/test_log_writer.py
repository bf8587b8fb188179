import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from sinks.log_async import AsyncLogWriter
from sinks.log_writer import Appended, Entry, LogWriter, Wait, tick_line
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from stream.codec import decode
from stream.errors import ConfigError, SinkError
from tests.sinks.outputs import stream
from tests.support.redis_server import StartRedis
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def writer(redis_server: RedisServer) -> Iterator[LogWriter]:
    writer = LogWriter(Link(redis_server.url), 4, limit_bytes=1_000, retry_ms=70)
    yield writer
    writer.close()


def test_entries_are_numbered_from_one_in_each_shard(writer: LogWriter, link: Link) -> None:
    done = writer.append_many([Entry(0, b"a"), Entry(1, b"b"), Entry(0, b"cc"), Entry(0, b"d")])
    assert [item.n for item in done if isinstance(item, Appended)] == [1, 1, 2, 3]
    assert [(e["n"], e["b"], e["o"]) for e in stream(link, "in")] == [
        ("1", "a", "0"),
        ("2", "cc", "1"),
        ("3", "d", "3"),
    ]
    assert link.call("HMGET", "{0}:meta", "n", "bytes", "bytes_un") == [b"3", b"4", b"4"]


def test_beyond_the_limit_of_bytes_a_shard_makes_its_producers_wait(
    writer: LogWriter, link: Link
) -> None:
    big, small = b"x" * 600, b"y"
    done = writer.append_many([Entry(0, big), Entry(0, big), Entry(0, small), Entry(1, big)])
    assert [type(item) for item in done] == [Appended, Wait, Wait, Appended]
    assert done[1] == Wait(70), "a small entry does not overtake the refused one"
    link.call("HSET", "{0}:meta", "bytes_un", 0)  # as trimming does
    assert isinstance(writer.append(0, big), Appended)


def test_an_entry_larger_than_the_limit_passes_when_nothing_is_pending(writer: LogWriter) -> None:
    assert isinstance(writer.append(0, b"x" * 5_000), Appended)
    assert isinstance(writer.append(0, b"x"), Wait)


def test_a_tick_goes_to_every_shard_but_those_that_hold_back(writer: LogWriter, link: Link) -> None:
    writer.append(2, b"x" * 5_000)
    done = writer.tick(1_700_000_000_000)
    assert [type(item) for item in done] == [Appended, Appended, Wait, Appended]
    assert stream(link, "in")[0]["b"].encode() == tick_line(1_700_000_000_000)


def test_many_entries_keep_their_order_across_calls(redis_server: RedisServer, link: Link) -> None:
    writer = LogWriter(Link(redis_server.url), 1)
    done = writer.append_many([Entry(0, b"%d" % i, producer=str(i // 50)) for i in range(200)])
    assert [item.n for item in done if isinstance(item, Appended)] == list(range(1, 201))
    entries = stream(link, "in")
    assert [(e["b"], e["g"]) for e in entries] == [(str(i), str(i // 50)) for i in range(200)]
    writer.close()


def test_two_writers_share_one_numbering(redis_server: RedisServer, link: Link) -> None:
    def run(name: str) -> None:
        writer = LogWriter(Link(redis_server.url), 1)
        for i in range(50):
            writer.append(0, b"%d" % i, producer=name)
        writer.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = stream(link, "in")
    assert [e["n"] for e in entries] == [str(n) for n in range(1, 101)]
    for name in "ab":
        assert [e["b"] for e in entries if e["g"] == name] == [str(i) for i in range(50)]


def test_a_lost_reply_repeats_an_entry_but_loses_none(
    redis_server: RedisServer, link: Link
) -> None:
    with TcpProxy(redis_server.port) as proxy:
        writer = LogWriter(Link(proxy.url), 1)
        writer.append(0, b"0")
        for i in range(1, 8):
            proxy.faults.reset_after_replies = 0
            assert isinstance(writer.append(0, b"%d" % i), Appended)
        assert proxy.resets == 7
        writer.close()
    bodies = [e["b"] for e in stream(link, "in")]
    assert list(dict.fromkeys(bodies)) == [str(i) for i in range(8)], "in order"


def test_a_redis_that_stays_away_is_an_error_that_may_be_retried(start_redis: StartRedis) -> None:
    server = start_redis()
    writer = LogWriter(Link(server.url), 1, attempts=2)
    server.kill()
    with pytest.raises(SinkError) as caught:
        writer.append(0, b"x")
    assert caught.value.retry_after_ms is not None
    server.restart()
    assert isinstance(writer.append(0, b"x"), Appended)
    writer.close()


def test_full_memory_is_an_error_that_may_be_retried(redis_server: RedisServer, link: Link) -> None:
    writer = LogWriter(Link(redis_server.url), 1, attempts=2)
    link.call("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(SinkError, match="OOM") as caught:
            writer.append(0, b"x")
    finally:
        link.call("CONFIG", "SET", "maxmemory", "0")
    assert caught.value.retry_after_ms is not None
    assert isinstance(writer.append(0, b"x"), Appended)
    writer.close()


def test_the_tick_line_is_an_event_of_the_schema() -> None:
    events, rejected = decode(tick_line(1_700_000_000_000))
    assert (len(events), len(rejected)) == (1, 0)


def test_many_tasks_append_on_one_event_loop(redis_server: RedisServer, link: Link) -> None:
    async def run() -> list[Appended | Wait]:
        writer = AsyncLogWriter(redis_server.url, 2)
        try:
            await writer.tick(1_700_000_000_000)
            return await asyncio.gather(
                *(writer.append(0, b"%d" % i, producer="gateway") for i in range(20))
            )
        finally:
            await writer.close()

    done = asyncio.run(run())
    assert sorted(item.n for item in done if isinstance(item, Appended)) == list(range(2, 22))
    assert {e["b"] for e in stream(link, "in")[1:]} == {str(i) for i in range(20)}


def test_an_unreachable_redis_is_our_own_error_on_the_event_loop() -> None:
    async def run() -> None:
        writer = AsyncLogWriter("redis://user:secret@127.0.0.1:1/0", 2)
        try:
            with pytest.raises(SinkError) as caught:
                await writer.append(0, b"x")
            assert "secret" not in str(caught.value)
        finally:
            await writer.close()

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 30
    with pytest.raises(ConfigError):
        AsyncLogWriter("http://127.0.0.1:1/0", 2)
