"""Fault runs: what is done to a running engine at seeded random moments, and what it leaves."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stream.errors import LiveroomError
from stream.supervisor import Child
from tests.chaos.rig import Outcome, Rig, differences, moments


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how often the fault strikes, on how many engine processes.

    `fault` names an entry of `FAULTS`; "" for the undisturbed run.
    """

    name: str
    fault: str = ""
    count: int = 0
    processes: int = 1
    seconds: float = 60.0
    seed: int = 1
    appendfsync: str | None = None
    shards: int = 4


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went. `between`: strikes after the first row and before the last one."""

    plan: Plan
    outcome: Outcome
    strikes: int
    between: int
    stop_s: float

    def line(self, baseline: Outcome) -> str:
        """A row of the table, as Markdown."""
        found = differences(baseline, self.outcome)
        rows = len(self.outcome.results.splitlines())
        fields = sum(map(len, self.outcome.redis.values()))
        return (
            f"| {self.plan.name} | {self.plan.processes} | {self.strikes} | {self.between} "
            f"| {self.outcome.seconds:.0f} | {rows} | {fields} | {len(found)} "
            f"| {self.stop_s:.1f} |"
        )


HEADER = (
    "| run | processes | strikes | between rows | s | rows | Redis fields | differences "
    "| stop s |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def run(plan: Plan, recording: Path, folder: Path) -> Report:
    """Run a recording through the real engine, striking it on the way.

    Raises:
        LiveroomError: something did not come up or did not end.
    """
    rig = Rig(folder, shards=plan.shards, processes=plan.processes, appendfsync=plan.appendfsync)
    with rig:
        begin = time.monotonic()
        replay = rig.replay(recording, plan.seconds)
        rig.wait_until("the first row", lambda: rig.rows() > 0)
        sizes = []
        first_s = time.monotonic()
        for moment in moments(plan.seed, plan.count, begin + plan.seconds - first_s):
            _sleep_until(first_s + moment)
            # Never before it has recovered: without progress there is nothing to disturb.
            rig.wait_until("the engine has recovered", rig.claimed)
            sizes.append(rig.rows())
            FAULTS[plan.fault](rig)
        stop_s = rig.finish(replay)
        seconds = time.monotonic() - begin
        last = rig.rows()
        between = sum(0 < size < last for size in sizes)
        return Report(plan, rig.outcome(seconds), len(sizes), between, stop_s)


def kill_engine(rig: Rig) -> None:
    """Kill -9 of the whole engine, started again at once."""
    rig.kill_engine()
    rig.start_engine()


def kill_redis(rig: Rig) -> None:
    """Kill -9 of Redis, started again from its append-only file."""
    rig.redis.kill()
    rig.redis.restart()


def kill_one_process(rig: Rig) -> None:
    """Kill -9 of one process of the cluster; its supervisor must bring back all."""
    workers = _children_of(rig.engine)
    if workers:
        os.kill(workers[len(workers) // 2], signal.SIGKILL)


def rescale(rig: Rig) -> None:
    """Orderly stop, then on with another number of processes: 1 -> 3 -> 2 -> 1 …"""
    rig.stop_engine()
    rig.start_engine({1: 3, 3: 2, 2: 1}[rig.settings.processes])


FAULTS: dict[str, Callable[[Rig], None]] = {
    "engine": kill_engine,
    "redis": kill_redis,
    "one process": kill_one_process,
    "rescale": rescale,
}


def _children_of(child: Child | None) -> list[int]:
    if child is None or child.exit_code() is not None:
        raise LiveroomError("the engine is not running")
    path = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))
