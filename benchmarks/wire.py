"""Tasks on Redis: our log writer and reader against `redis-benchmark` on the same server.

CPU is ours, client side; the peer is a C program, so its rate is by wall clock, and so is ours:
both sides run one after the other in the same child, with the same bytes a command.
"""

import csv
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Figures
from sinks.log_reader import LogReader
from sinks.log_writer import Appended, Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from stream.errors import InvariantError

ENTRIES = 20_000
BODY_BYTES = 4_000
"""About 24 events an entry."""
PIPELINE = 16
LIMIT_BYTES = 1 << 40


def _rate(table: str) -> float:
    """The second column of the last line, commands a second."""
    return float(list(csv.reader(table.splitlines()))[-1][1])


def _peer(port: int, *command: str) -> float:
    """Commands a second of `redis-benchmark -c 1 -P 16`."""
    done = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-n", str(ENTRIES), "-c", "1", "-P", str(PIPELINE)]
        + ["--csv", *command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return _rate(done.stdout)


def redis_write() -> Figures:
    """XADD by the writer's script against bare XADD."""
    with tempfile.TemporaryDirectory() as name, RedisServer.start(Path(name)) as server:
        peer = _peer(server.port, "XADD", "bench", "*", "n", "1", "b", "x" * BODY_BYTES)
        writer = LogWriter(Link(server.url), 1, limit_bytes=LIMIT_BYTES)
        entry = Entry(0, b"x" * BODY_BYTES)
        started = time.perf_counter()
        for _ in range(ENTRIES // PIPELINE):
            done = writer.append_many([entry] * PIPELINE)
            if not all(isinstance(result, Appended) for result in done):
                raise InvariantError("the log refused an entry")
        took_s = time.perf_counter() - started
        writer.close()
    return {"ours_per_s": ENTRIES / took_s, "peer_per_s": peer}


def redis_read() -> Figures:
    """The reader's thread against `XRANGE … COUNT 512` of the same stream, entries a second."""
    with tempfile.TemporaryDirectory() as name, RedisServer.start(Path(name)) as server:
        writer = LogWriter(Link(server.url), 1, limit_bytes=LIMIT_BYTES)
        entry = Entry(0, b"x" * BODY_BYTES)
        for _ in range(ENTRIES // PIPELINE):
            writer.append_many([entry] * PIPELINE)
        writer.close()
        count = 512
        calls = _peer_reads(server.port, count)
        reader = LogReader(server.url, [0])
        taken = 0
        started = time.perf_counter()
        while taken < ENTRIES and reader.wait(5):
            taken += len(reader.pop(0, 1 << 20))
        took_s = time.perf_counter() - started
        reader.close()
    return {"ours_per_s": taken / took_s, "peer_per_s": calls * count}


def _peer_reads(port: int, count: int) -> float:
    done = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-n", "200", "-c", "1", "-P", str(PIPELINE)]
        + ["--csv", "XREAD", "COUNT", str(count), "STREAMS", "{0}:in", "0"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return _rate(done.stdout)
