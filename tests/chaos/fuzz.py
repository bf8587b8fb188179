"""`python -m tests.chaos.fuzz`, `make fuzz`: mutated inputs, counted: crashes, hangs, memory.

Ends with 1 if anything crashed or hung, a record was not accounted for, or memory grew.
"""

import gc
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import psutil
import typer

from tests.chaos.fuzz_targets import Target, targets
from tests.chaos.mutate import Mutator

HANG_S: Final = 5.0
MIB: Final = 2**20
LOOKS: Final = 20
"""Times that memory is looked at a target; the first half is warm-up."""


class HungError(Exception):
    """A call took more CPU time than `HANG_S`."""


@dataclass(slots=True)
class Tally:
    """What one surface took and what came of it. `memory_mib`: resident, looked at evenly.

    `slowest_s`: CPU time of a call.
    """

    name: str
    inputs: int = 0
    hangs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    crashes: Counter[str] = field(default_factory=Counter)
    memory_mib: list[float] = field(default_factory=list)

    @property
    def growth_mib(self) -> float:
        """Growth of the largest memory seen from the first half to the second; 0 at the least."""
        half = len(self.memory_mib) // 2
        early, late = self.memory_mib[:half], self.memory_mib[half:]
        return max(0.0, max(late) - max(early)) if early and late else 0.0

    @property
    def good(self) -> bool:
        """Whether nothing crashed and nothing hung."""
        return not self.crashes and not self.hangs


def fuzz(target: Target, count: int, seed: int, say: Callable[[str], None] = print) -> Tally:
    """Throw at least `count` mutated inputs at a target."""
    tally, mutator = Tally(target.name), Mutator(seed)
    begin_s, next_look = time.process_time(), 0.0
    while tally.inputs < count:
        if tally.inputs >= next_look:
            next_look += count / LOOKS
            gc.collect()
            tally.memory_mib.append(psutil.Process().memory_info().rss / MIB)
        call_s = time.process_time()
        try:
            with limited():
                tally.inputs += target.run(mutator)
        except HungError:
            tally.hangs += 1
            target.renew()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {error}"
            if not tally.crashes[what[:300]]:
                say("".join(traceback.format_exception(error))[-2_000:])
            tally.crashes[what[:300]] += 1
            target.renew()
        tally.slowest_s = max(tally.slowest_s, time.process_time() - call_s)
    tally.seconds = time.process_time() - begin_s
    return tally


@contextmanager
def limited() -> Iterator[None]:
    """Raise HungError in what takes more than `HANG_S` of CPU: nothing here may wait."""

    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGPROF, on_alarm)
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def main(
    count: Annotated[int, typer.Option(help="Mutated inputs in all.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Of the mutations.")] = 1,
    only: Annotated[str, typer.Option(help="Only surfaces with this text in their name.")] = "",
    growth: Annotated[float, typer.Option(help="MiB that a surface may grow.")] = 32.0,
) -> None:
    """Fuzz every surface that takes foreign bytes."""
    bad = False
    typer.echo(
        "| surface | inputs | crashes | hangs | slowest call, s | memory, MiB | grew | CPU s |"
    )
    typer.echo("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="liveroom-fuzz-") as name:
        for target, share in targets(Path(name)):
            if only not in target.name:
                continue
            tally = fuzz(target, int(count * share), seed, lambda text: typer.echo(text, err=True))
            typer.echo(
                f"| {tally.name} | {tally.inputs:,} | {tally.crashes.total()} | {tally.hangs} "
                f"| {tally.slowest_s:.2f} | {tally.memory_mib[-1]:.0f} | {tally.growth_mib:.1f} "
                f"| {tally.seconds:.0f} |"
            )
            for what, times in tally.crashes.most_common(10):
                typer.echo(f"    {times} x {what}", err=True)
            bad |= not tally.good or tally.growth_mib > growth
    raise typer.Exit(int(bad))


if __name__ == "__main__":
    typer.run(main)
