"""A Redis that forgets everything, under the real engine: the figures come back."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinks.log_writer import LogWriter
from sinks.redis_client import Link
from sinks.redis_reply import pairs
from stream.supervisor import liveroom_argv
from tests.chaos.rig import Rig

SIMULATE = ("--rooms", "2", "--tenants", "1", "--minutes", "1", "--speed", "60")
DEADLINE_S = 120.0
Figures = dict[tuple[str, str], str]


class Setup(Rig):
    """A rig with a log writer that keeps the clock going."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, shards=2)
        self.writer = LogWriter(Link(self.redis.url), 2)
        self._stack.callback(self.writer.close)

    def simulate(self) -> None:
        """Play a short session into the log."""
        child = self.child("simulate", liveroom_argv("simulate", "--out", "redis", *SIMULATE))
        assert child.wait(DEADLINE_S)
        assert child.exit_code() == 0, child.log_tail()

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
        """Let the clock go on until then."""

        def ticked() -> bool:
            self.writer.tick(time.time_ns() // 1_000_000)
            return reached()

        self.wait_until(what, ticked, DEADLINE_S)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    with Setup(tmp_path / "rig") as setup:
        yield setup


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

    setup.kill_engine()
    setup.link.call("FLUSHALL")
    setup.start_engine()
    setup.tick_until(lambda: setup.figures() == before, "not after a FLUSHALL while down")
    epochs.add(setup.link.call("HGET", "{0}:meta", "epoch"))
    assert len(epochs) == 3, "each loss began an epoch, so that screens take new snapshots"
    assert "entries of the log are gone (restarted)" in (setup.folder / "engine.log").read_text()
