"""A Redis that forgets everything, under the real engine: the figures come back."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinks.log_writer import LogWriter
from sinks.redis_client import Link
from sinks.redis_reply import pairs
from sinks.redis_server import RedisServer
from tests.support.redis_server import StartRedis

DEADLINE_S = 60.0
Figures = dict[tuple[str, str], str]


class Setup:
    """A server, an engine process, a log writer that keeps the clock going."""

    def __init__(self, server: RedisServer, folder: Path) -> None:
        self.link = Link(server.url)
        self.writer = LogWriter(Link(server.url), 2)
        self._env = {
            **os.environ,
            "LIVEROOM_REDIS_URL": server.url,
            "LIVEROOM_SHARDS": "2",
            "LIVEROOM_RECOVERY_DIR": str(folder / "recovery"),
        }
        self.log = folder / "engine.log"
        self.engine = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                (sys.executable, "-m", "stream.cli", "run"), env=self._env, stderr=log
            )

    def simulate(self) -> None:
        command = (sys.executable, "-m", "stream.cli", "simulate", "--out", "redis")
        plan = ("--rooms", "2", "--tenants", "1", "--minutes", "1", "--speed", "60")
        subprocess.run((*command, *plan), env=self._env, check=True, capture_output=True)

    def figures(self) -> Figures:
        """Session figures, marks and charts' past of every room."""
        found: Figures = {}
        for pattern in ("*:room:*", "*:hist:*"):
            keys = self.link.call("KEYS", pattern)
            assert isinstance(keys, list)
            for raw in keys:
                assert isinstance(raw, bytes)
                for field, value in pairs(self.link.call("HGETALL", raw)).items():
                    if field.startswith((b"session.", b"meta.title", b"mark.", b"1")):
                        found[raw.decode(), field.decode()] = value.decode()
        return found

    def tick_until(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not reached():
            assert self.engine.poll() is None, self.log.read_text()[-2_000:]
            assert time.monotonic() < deadline, f"{what}\n{self.log.read_text()[-2_000:]}"
            self.writer.tick(time.time_ns() // 1_000_000)
            time.sleep(0.1)

    def close(self) -> None:
        self.engine.kill()
        self.engine.wait()
        self.writer.close()
        self.link.close()


@pytest.fixture
def setup(start_redis: StartRedis, tmp_path: Path) -> Iterator[Setup]:
    setup = Setup(start_redis(), tmp_path)
    yield setup
    setup.close()


@pytest.mark.slow
def test_all_figures_come_back_after_redis_forgot_everything(setup: Setup) -> None:
    setup.simulate()
    setup.tick_until(lambda: len(setup.figures()) > 50, "no figures came")
    before: Figures = {}
    same = 0

    def settled() -> bool:
        # Full flushes come a few times a second: two equal readings may lie between them.
        nonlocal before, same
        last, before = before, setup.figures()
        same = same + 1 if last == before else 0
        return same >= 10

    setup.tick_until(settled, "the figures never came to rest")
    assert any(":hist:" in key for key, _ in before), "no minute became final"
    epochs = {setup.link.call("HGET", "{0}:meta", "epoch")}

    setup.link.call("FLUSHALL")
    setup.tick_until(lambda: setup.figures() == before, "not after a FLUSHALL while running")
    epochs.add(setup.link.call("HGET", "{0}:meta", "epoch"))

    setup.engine.kill()
    setup.engine.wait()
    setup.link.call("FLUSHALL")
    setup.engine = setup.start()
    setup.tick_until(lambda: setup.figures() == before, "not after a FLUSHALL while down")
    epochs.add(setup.link.call("HGET", "{0}:meta", "epoch"))
    assert len(epochs) == 3, "each loss began an epoch, so that screens take new snapshots"
    assert "entries of the log are gone (restarted)" in setup.log.read_text()
