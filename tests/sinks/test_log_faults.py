"""The log's two sides while the line between them and Redis fails."""

import random
import threading
import time

from sinks.log import LogGap, LogRecord
from sinks.log_reader import LogReader
from sinks.log_writer import Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from tests.sinks.test_log_reader import DEADLINE_S, collect
from tests.support.redis_server import StartRedis
from tests.support.tcp_proxy import TcpProxy


def test_resets_at_any_moment_lose_and_repeat_nothing_for_the_reader(
    redis_server: RedisServer,
) -> None:
    writer = LogWriter(Link(redis_server.url), 2)
    stop, roll = threading.Event(), random.Random(7)
    with TcpProxy(redis_server.port) as proxy, LogReader(proxy.url, range(2)) as reader:

        def cut() -> None:
            while not stop.wait(roll.uniform(0.001, 0.05)):
                proxy.reset_all()

        cutter = threading.Thread(target=cut)
        cutter.start()
        items: dict[int, list[LogRecord | LogGap]] = {0: [], 1: []}
        for i in range(200):
            writer.append_many([Entry(shard, b"%d" % i + b"x" * 2_000) for shard in range(2)])
            for shard, found in items.items():
                found += reader.pop(shard, 2**20)
        stop.set()
        cutter.join()
        for shard, found in items.items():
            found += collect(reader, shard, 200 - len(found))
            numbers = [item.n for item in found if isinstance(item, LogRecord)]
            assert numbers == list(range(1, 201)), "in order, once, without a gap"
        assert proxy.connections > 1
    writer.close()


def test_a_black_hole_is_noticed_and_read_on_after(redis_server: RedisServer) -> None:
    writer = LogWriter(Link(redis_server.url), 1)
    with (
        TcpProxy(redis_server.port) as proxy,
        LogReader(proxy.url, [0], timeout_s=0.2) as reader,
    ):
        writer.append(0, b"before")
        collect(reader, 0, 1)
        proxy.faults.black_hole = True
        deadline = time.monotonic() + DEADLINE_S
        while reader.healthy:
            assert time.monotonic() < deadline, "the reader did not notice"
            reader.wait(0.01)
        writer.append(0, b"meanwhile")
        proxy.faults.black_hole = False
        (item,) = collect(reader, 0, 1)
        assert isinstance(item, LogRecord) and item.body == b"meanwhile"
    writer.close()


def test_a_reader_starts_before_its_redis_does(start_redis: StartRedis) -> None:
    server = start_redis()
    server.kill()
    with LogReader(server.url, [0]) as reader:
        deadline = time.monotonic() + DEADLINE_S
        while reader.healthy:
            assert time.monotonic() < deadline
            reader.wait(0.01)
        server.restart()
        writer = LogWriter(Link(server.url), 1)
        writer.append(0, b"first")
        (item,) = collect(reader, 0, 1)
        assert isinstance(item, LogRecord) and item.n == 1
        writer.close()


def test_closing_does_not_wait_for_a_redis_that_hangs(redis_server: RedisServer) -> None:
    with TcpProxy(redis_server.port) as proxy:
        proxy.faults.black_hole = True
        reader = LogReader(proxy.url, [0], timeout_s=0.3)
        started = time.monotonic()
        reader.close()
        reader.close()
        assert time.monotonic() - started < 5


def test_a_shard_added_and_removed_while_reading(redis_server: RedisServer) -> None:
    writer = LogWriter(Link(redis_server.url), 2)
    writer.append_many([Entry(0, b"a"), Entry(1, b"b")])
    with LogReader(redis_server.url) as reader:
        assert not reader.wait(0.01)
        reader.add(0)
        collect(reader, 0, 1)
        reader.add(1)
        collect(reader, 1, 1)
        reader.remove(0)
        writer.append_many([Entry(0, b"c"), Entry(1, b"d")])
        (item,) = collect(reader, 1, 1)
        assert isinstance(item, LogRecord) and item.body == b"d"
        assert reader.pop(0, 100) == []
        reader.add(0)
        assert len(collect(reader, 0, 2)) == 2, "from its beginning again"
    writer.close()
