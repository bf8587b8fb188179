"""The sink against a Redis that fails: killed, cut off, full, read-only, slow, replaced."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sinks.redis_client import Backoff, Link
from sinks.redis_pending import Limits
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from tests.sinks.outputs import alerts, output, state, stream
from tests.support.redis_server import StartRedis
from tests.support.tcp_proxy import TcpProxy

QUICK = Backoff(base_ms=5, cap_ms=50)
DRAIN_S = 60.0


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[TcpProxy]:
    with TcpProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def proxied(proxy: TcpProxy) -> Iterator[RedisSink]:
    sink = RedisSink(proxy.url, 0, timeout_s=0.3, backoff=QUICK)
    sink.claim()
    yield sink
    sink.close()


def wide(n: int) -> dict[str, object]:
    """A patch of several parts."""
    names = [*(f"f{i}" for i in range(1_100)), f"only{n}"]
    return dict.fromkeys(names, n)


def assert_each_effect_once(link: Link, last: int, *, torn_aof: bool = False) -> None:
    """Every alert once and in order, the newest state, sequences without a hole.

    `torn_aof`: Redis and Valkey (before valkey-io/valkey#4342) leave a MULTI without its EXEC
    in an append-only file cut within a script's effects, and run that half at the next restart
    but one: it may count a sequence up without its out entry.
    """
    assert alerts(link) == [f'{{"alert":{n}}}' for n in range(1, last + 1)]
    out = stream(link, "out")
    assert [e["s"] for e in out if e["k"] == "log"] == [str(n) for n in range(1, last + 1)]
    states = [e for e in out if e["k"] == "state"]
    sequence = [int(e["s"]) for e in states]
    if torn_aof:
        assert sequence == sorted(set(sequence))
    else:
        assert sequence == list(range(1, len(states) + 1))
    found = state(link)
    assert found["f0"] == str(last)
    assert {name for name in found if name.startswith("only")} == {
        f"only{n}" for n in range(1, last + 1)
    }


@pytest.mark.parametrize("how", ["write", "post"])
def test_replies_lost_after_the_write_have_no_second_effect(
    proxied: RedisSink, proxy: TcpProxy, link: Link, how: str
) -> None:
    for n in range(1, 13):
        proxy.faults.reset_after_replies = n % 3 if n % 2 else None
        getattr(proxied, how)([output(n, wide(n), alerts=(n,), counters={"in": n})])
        assert proxied.drain(DRAIN_S)
    assert proxy.resets >= 3
    assert_each_effect_once(link, 12)
    assert link.call("HGET", "{0}:counters", "in") == b"12"


@pytest.mark.parametrize("how", ["write", "post"])
def test_connections_cut_at_any_moment_lose_and_repeat_nothing(
    proxied: RedisSink, proxy: TcpProxy, link: Link, how: str
) -> None:
    stop = threading.Event()
    roll = random.Random(5)

    def cut() -> None:
        while not stop.wait(roll.uniform(0.001, 0.02)):
            proxy.reset_all()

    cutter = threading.Thread(target=cut)
    cutter.start()
    for n in range(1, 61):
        getattr(proxied, how)([output(n, wide(n), alerts=(n,))])
    stop.set()
    cutter.join()
    assert proxied.drain(DRAIN_S)
    assert proxy.connections > 2
    assert_each_effect_once(link, 60)


def test_a_black_hole_costs_one_time_out_a_try_and_holds_only_the_newest_state(
    proxied: RedisSink, proxy: TcpProxy, link: Link
) -> None:
    proxied.write([output(1, {"a": 1}, alerts=(1,))])
    proxy.faults.black_hole = True
    for n in range(2, 500):
        written = proxied.write([output(n, {"a": n}, alerts=(n,))])
        assert not written.done and not written.lost_state
    assert not proxied.healthy
    assert proxied.pending_count == 1 + 498, "one state patch, every alert"
    proxy.faults.black_hole = False
    assert proxied.drain(DRAIN_S)
    assert proxied.healthy
    assert state(link) == {"a": "499"}
    assert len(alerts(link)) == 499


def test_a_slow_and_narrow_line_still_delivers(
    proxied: RedisSink, proxy: TcpProxy, link: Link
) -> None:
    proxy.faults.delay_s, proxy.faults.bytes_per_s = 0.02, 50_000
    assert proxied.write([output(1, wide(1), alerts=(1,))]).done
    assert_each_effect_once(link, 1)


def test_while_redis_refuses_connections_entries_stay_bounded_and_drops_are_counted(
    proxy: TcpProxy, link: Link
) -> None:
    sink = RedisSink(proxy.url, 0, limits=Limits(pending_entries=10), backoff=QUICK)
    sink.claim()
    proxy.faults.refuse = True
    proxy.reset_all()
    for n in range(1, 31):
        sink.write([output(n, {"a": n}, alerts=(n,))])
    assert sink.dropped_count == 20
    proxy.faults.refuse = False
    assert sink.drain(DRAIN_S)
    assert alerts(link) == [f'{{"alert":{n}}}' for n in range(21, 31)]
    sink.close()


_WRITER = """
import sys
from sinks.redis_sink import RedisSink
from sinks.redis_client import Backoff
from tests.sinks.test_redis_faults import wide
from tests.sinks.outputs import output
sink = RedisSink(sys.argv[1], 0, backoff=Backoff(5, 50))
sink.claim()
print("ready", flush=True)
for n in range(1, 401):
    written = sink.write([output(n, wide(n), alerts=(n,))])
    while not written.done:
        assert not written.lost_state, "appendfsync always loses nothing acknowledged"
        sink.drain(20)
        written = sink.write()
print("done", flush=True)
sink.close()
"""


def test_redis_killed_mid_write_with_appendfsync_always_loses_and_repeats_nothing(
    start_redis: StartRedis,
) -> None:
    server = start_redis(appendfsync="always")
    writer = subprocess.Popen(
        (sys.executable, "-c", _WRITER, server.url), stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    roll, kills = random.Random(3), 0
    while writer.poll() is None and kills < 5:
        time.sleep(roll.uniform(0.05, 0.15))
        server.kill()
        kills += 1
        server.restart()
    assert writer.stdout.read() == "done\n"
    assert writer.wait(60) == 0
    writer.stdout.close()
    assert kills >= 3, "the writer was done before the kills"
    link = Link(server.url)
    assert_each_effect_once(link, 400, torn_aof=True)
    link.close()


def test_a_redis_that_forgets_its_last_writes_is_noticed(start_redis: StartRedis) -> None:
    server = start_redis()  # no persistence: a kill forgets everything
    sink = RedisSink(server.url, 0, backoff=QUICK)
    sink.claim()
    assert sink.write([output(1, {"a": 1})]).done
    server.kill()
    assert not sink.write([output(2, {"a": 2})]).done
    server.restart()
    assert not sink.drain(DRAIN_S)
    assert sink.write().lost_state
    sink.new_epoch()
    assert sink.rewrite([output(2, {"a": 2, "b": 2})]).done
    link = Link(server.url)
    assert state(link) == {"a": "2", "b": "2"}
    link.close()
    sink.close()


def test_full_memory_is_waited_out_and_leaves_no_half_written_flush(
    redis_server: RedisServer, link: Link
) -> None:
    sink = RedisSink(redis_server.url, 0, backoff=QUICK)
    sink.claim()
    sink.write([output(1, wide(1), alerts=(1,))])
    link.call("CONFIG", "SET", "maxmemory", "1")
    try:
        for n in range(2, 6):
            written = sink.write([output(n, wide(n), alerts=(n,), counters={"in": n})])
            assert not written.done and not written.lost_state
        assert sink.trouble is not None and "OOM" in sink.trouble
        assert alerts(link) == ['{"alert":1}']
    finally:
        link.call("CONFIG", "SET", "maxmemory", "0")
    assert sink.drain(DRAIN_S)
    assert_each_effect_once(link, 5)
    sink.close()


def test_a_failover_to_a_replica_that_missed_writes_is_noticed(start_redis: StartRedis) -> None:
    master = start_redis()
    with TcpProxy(master.port) as proxy, TcpProxy(master.port) as replication:
        replica = start_redis("--replicaof", "127.0.0.1", str(replication.port))
        sink = RedisSink(proxy.url, 0, timeout_s=1.0, backoff=QUICK)
        sink.claim()
        sink.write([output(1, {"a": 1, "old": 1})])
        with_replica = Link(replica.url)
        _await_field(with_replica, "a", "1")
        replication.faults.black_hole = True
        assert sink.write([output(2, {"a": 2})]).done
        master.kill()
        proxy.target_port = replica.port
        # Until it is promoted the replica is read-only: waited out, not an error.
        assert not sink.write([output(3, {"a": 3})]).done
        assert not sink.drain(0.3)
        with_replica.call("REPLICAOF", "NO", "ONE")
        assert not sink.drain(DRAIN_S)
        assert sink.write().lost_state
        sink.new_epoch()
        assert sink.rewrite([output(3, {"a": 3})]).done
        assert state(with_replica) == {"a": "3"}
        with_replica.close()
        sink.close()


def test_a_read_only_replica_is_waited_out(start_redis: StartRedis) -> None:
    server = start_redis()
    link = Link(server.url)
    sink = RedisSink(server.url, 0, backoff=QUICK)
    sink.claim()
    link.call("REPLICAOF", "127.0.0.1", "1")
    assert not sink.write([output(1, {"a": 1}, alerts=(1,))]).done
    assert sink.trouble is not None
    link.call("REPLICAOF", "NO", "ONE")
    assert sink.drain(DRAIN_S)
    assert state(link) == {"a": "1"} and alerts(link) == ['{"alert":1}']
    link.close()
    sink.close()


def test_a_hung_server_is_waited_out(start_redis: StartRedis) -> None:
    server = start_redis()
    sink = RedisSink(server.url, 0, timeout_s=0.1, backoff=QUICK)
    sink.claim()
    server.send(signal.SIGSTOP)
    assert not sink.write([output(1, {"a": 1}, alerts=(1,))]).done
    server.send(signal.SIGCONT)
    assert sink.drain(DRAIN_S)
    link = Link(server.url)
    assert state(link) == {"a": "1"} and alerts(link) == ['{"alert":1}']
    link.close()
    sink.close()


def _await_field(link: Link, name: str, value: str) -> None:
    deadline = time.monotonic() + DRAIN_S
    while state(link).get(name) != value:
        assert time.monotonic() < deadline, "the replica did not follow"
        time.sleep(0.01)
