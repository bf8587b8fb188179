"""Fault runs: what is done to a running engine at seeded random moments, and what it leaves."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from stream.errors import LiveroomError
from stream.supervisor import EXIT_MISUSE, Child
from tests.chaos.feed import Feed
from tests.chaos.rig import Outcome, Rig, differences
from tests.chaos.screen import Watched
from tests.support.small_disk import fill
from tests.support.tcp_proxy import Faults

LAST_SHARE: Final = 0.92
"""No strike once so much of the recording is appended."""
FIRST_SHARE: Final = 0.02
STRETCH_SHARE: Final = 0.005
_LONG_S: Final = 1_800.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how often the fault strikes, on how many engine processes.

    `fault` names an entry of `FAULTS`; "" for the undisturbed run. `jumps`: the ticks of the
    recording go forward and back; such a run is compared with a replay of the same log.
    """

    name: str
    fault: str = ""
    count: int = 0
    processes: int = 1
    seconds: float = 60.0
    seed: int = 1
    appendfsync: str | None = None
    shards: int = 4
    jumps: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went. `between`: strikes after the first row and before the last one."""

    plan: Plan
    outcome: Outcome
    strikes: int
    between: int
    stop_s: float
    shown_wrong: tuple[str, ...] = ()

    def line(self, baseline: Outcome) -> str:
        """A row of the table, as Markdown."""
        found = [*differences(baseline, self.outcome), *self.shown_wrong]
        rows = len(self.outcome.results.splitlines())
        fields = sum(map(len, (self.outcome.redis or {}).values()))
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
        LiveroomError: something did not come up or did not end, or a small disk is not allowed.
    """
    fault = FAULTS.get(plan.fault, Fault())
    rig = Rig(
        folder,
        shards=plan.shards,
        processes=plan.processes,
        appendfsync=plan.appendfsync,
        disk_mib=fault.disk_mib,
        through=fault.through,
    )
    with rig, ExitStack() as stack:
        watched = stack.enter_context(Watched(rig)) if fault.screen else None
        begin = time.monotonic()
        feed = Feed(recording, rig.redis.url, plan.shards, plan.seconds)
        stack.callback(feed.stop)
        feed.allow(FIRST_SHARE)
        feed.start()
        _await_first_row(rig, feed)
        sizes, draw = [], random.Random(plan.seed)
        places = shares(plan.seed, plan.count, feed.share)
        for share, after in pairwise([*places, 1.0]):
            feed.allow(share)
            rig.wait_until("the log is so far", partial(feed.reached, share), _LONG_S)
            # Never before it has got on: without progress there is nothing to disturb.
            rig.wait_until("the engine gets on", rig.progressed, _LONG_S)
            # And not while it rests: somewhere in the next stretch, while events flow.
            at = share + draw.random() * STRETCH_SHARE
            feed.allow(at + STRETCH_SHARE)
            rig.wait_until("the log goes on", partial(feed.reached, at), _LONG_S)
            sizes.append(rig.rows())
            if fault.flows:
                feed.allow(after)
            fault.strike(rig, watched, random.Random(plan.seed * 1_000 + len(sizes)))
        feed.allow(1.0)
        rig.wait_until("the log is complete", lambda: feed.reached(1.0), _LONG_S)
        stop_s = rig.finish()
        seconds = time.monotonic() - begin
        last = rig.rows()
        between = sum(0 < size < last for size in sizes)
        wrong = tuple(watched.wrong()) if watched is not None else ()
        return Report(plan, rig.outcome(seconds), len(sizes), between, stop_s, wrong)


def _await_first_row(rig: Rig, feed: Feed) -> None:
    """Go on with the log, a little at a time, until a row of it is final."""
    limit = FIRST_SHARE
    while rig.rows() == 0:
        feed.allow(limit)
        rig.wait_until(
            "the first row",
            partial(lambda to: rig.rows() > 0 or (feed.reached(to) and rig.caught_up()), limit),
        )
        limit += FIRST_SHARE


def shares(seed: int, count: int, first: float) -> list[float]:
    """Seeded places of the recording for strikes, from `first` on; the last rows are far off."""
    rng = random.Random(seed)
    return sorted(first + rng.random() * (LAST_SHARE - first) for _ in range(count))


def nothing(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """No fault."""


def kill_engine(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """Kill -9 of the whole engine, started again at once."""
    rig.kill_engine()
    rig.start_engine()


def kill_redis(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """Kill -9 of Redis, started again from its append-only file."""
    rig.redis.kill()
    rig.redis.restart()


def kill_one_process(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """Kill -9 of one process of the cluster; its supervisor must bring back all."""
    workers = _children_of(rig.engine)
    if workers:
        os.kill(workers[len(workers) // 2], signal.SIGKILL)


def rescale(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """Orderly stop, then on with another number of processes: 1 -> 3 -> 2 -> 1 …"""
    rig.stop_engine()
    rig.start_engine({1: 3, 3: 2, 2: 1}[rig.settings.processes])


def kill_gateway(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """Kill -9 of the gateway, started again on its port; the screen comes back by itself."""
    if watched is not None:
        watched.kill_gateway()


def spoil_the_line(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """The line to Redis of engine and gateway: cut, slow, narrow, silent or refused for a while."""
    if rig.proxy is None:
        return
    faults, way = rig.proxy.faults, draw.randrange(5)
    faults.delay_s = 0.02 if way == 1 else 0.0
    faults.bytes_per_s = 200_000 if way == 2 else None
    faults.black_hole, faults.refuse = way == 3, way == 4
    faults.reset_after_replies = draw.randrange(20)
    rig.proxy.reset_all()
    time.sleep(draw.uniform(0.2, 2.5))
    rig.proxy.faults = Faults()


def fill_disk(rig: Rig, watched: Watched | None, draw: random.Random) -> None:
    """The disk of the recovery store is full until the engine gives up."""
    engine, disk = rig.engine, rig.settings.recovery_dir.parent
    if engine is None:
        return
    filler = fill(disk)
    try:
        if not engine.wait(60.0) or engine.exit_code() in (0, EXIT_MISUSE):
            message = f"on a full disk the engine ended with {engine.exit_code()}"
            raise LiveroomError(message)
    finally:
        filler.unlink()
    rig.start_engine()


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes, and what the rig needs for it: a proxy, a screen, a small disk.

    `flows`: the log goes on meanwhile. At rest an engine needs no more room than it has: the
    store writes over what it wrote some fifty epochs before.
    """

    strike: Callable[[Rig, Watched | None, random.Random], None] = nothing
    through: bool = False
    screen: bool = False
    disk_mib: int = 0
    flows: bool = False


FAULTS: Final[dict[str, Fault]] = {
    "engine": Fault(kill_engine),
    "redis": Fault(kill_redis),
    "one process": Fault(kill_one_process),
    "rescale": Fault(rescale),
    "gateway": Fault(kill_gateway, screen=True),
    "line": Fault(spoil_the_line, through=True, screen=True),
    "disk": Fault(fill_disk, disk_mib=768, flows=True),
}


def _children_of(child: Child | None) -> list[int]:
    if child is None or child.exit_code() is not None:
        raise LiveroomError("the engine is not running")
    path = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    return [int(pid) for pid in path.read_text().split()]
