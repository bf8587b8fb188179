"""Children that measure one thing each, run in turns; medians, spreads, ratios.

A load from elsewhere slows whatever runs meanwhile. So every side of a comparison is run once a
round, one after the other, and a ratio is taken within a round; the page gives the median and
the range of these ratios.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `ratio` with its lowest and highest round, or None.

    `goal` is compared with the ratio, or where there is none with `value`; `at_most` says that
    less is better. `peer` and `note` are text for people.
    """

    what: str
    ours: str
    peer: str
    ratio: tuple[float, float, float] | None
    goal: float | None
    value: float | None = None
    at_most: bool = False
    unit: str = "×"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        reached = self.ratio[0] if self.ratio is not None else self.value
        if self.goal is None or reached is None:
            return None
        return reached <= self.goal if self.at_most else reached >= self.goal


def run_child(
    task: str, *args: str | int | Path, python: str = sys.executable, timeout_s: float = 600
) -> Figures:
    """Run `python -m benchmarks.tasks TASK ARGS` and read the figures it prints."""
    command = [python, "-m", "benchmarks.tasks", task, *map(str, args)]
    return run_command(command, timeout_s)


def run_command(command: Sequence[str], timeout_s: float = 600) -> Figures:
    """Run a command in the repository; its last line is a JSON object of figures."""
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True, timeout=timeout_s
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def in_turns(
    sides: Mapping[str, Sequence[str | int | Path]], rounds: int
) -> dict[str, list[Figures]]:
    """Each side's task once a round; the order turns round every other time."""
    found: dict[str, list[Figures]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for name in order:
            task, *args = sides[name]
            found[name].append(run_child(str(task), *args))
    return found


def column(figures: Sequence[Figures], name: str) -> list[float]:
    """One figure over the rounds."""
    return [entry[name] for entry in figures]


def middle(values: Sequence[float]) -> float:
    """Median."""
    return statistics.median(values)


def ratios(over: Sequence[float], under: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and greatest of the quotients within a round."""
    quotients = [a / b for a, b in zip(over, under, strict=True)]
    return middle(quotients), min(quotients), max(quotients)


def thousands(per_s: float) -> str:
    """A rate for people."""
    return f"{per_s / 1e3:,.0f} k/s"


def machine() -> str:
    """What the figures were measured on, in one line."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"
