"""`python -m tests.chaos`, `make chaos`: the same session undisturbed and under faults, compared.

Prints a table as Markdown; ends with 1 if any run left something else than the undisturbed one,
or if a strike fell outside the first and the last row.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from stream.supervisor import liveroom_argv
from tests.chaos.faults import HEADER, Plan, Report, run
from tests.chaos.rig import differences

_SHOWN = 10


def plans(seconds: float, kills: int, redis_kills: int, seed: int) -> list[Plan]:
    """The runs; a restart takes seconds, so runs with many strikes last longer."""
    return [
        Plan("undisturbed", seconds=seconds),
        Plan("engine killed", "engine", kills, 1, max(seconds, 4.0 * kills), seed),
        Plan(
            "Redis killed, appendfsync always",
            "redis",
            redis_kills,
            1,
            max(seconds, 3.0 * redis_kills),
            seed + 1,
            appendfsync="always",
        ),
        Plan("cluster loses a process", "one process", max(1, kills // 10), 3, seconds, seed + 2),
        Plan("rescaled 1, 3, 2, 1 …", "rescale", 5, 1, seconds, seed + 3),
    ]


def main(
    events: Annotated[int, typer.Option(help="Events of the session, about.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Length of the undisturbed run.")] = 60.0,
    kills: Annotated[int, typer.Option(help="Kills of the engine.")] = 50,
    redis_kills: Annotated[int, typer.Option(help="Kills of Redis.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the session and of the moments.")] = 1,
    recording: Annotated[Path | None, typer.Option(help="Use this one; else simulated.")] = None,
    only: Annotated[str, typer.Option(help="Only runs with this text in their name.")] = "",
    keep: Annotated[Path | None, typer.Option(help="Keep logs and results here.")] = None,
) -> None:
    """Strike a running engine at seeded random moments and compare what it leaves."""
    with tempfile.TemporaryDirectory(prefix="liveroom-chaos-") as name:
        folder = keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        source = recording or _simulated(folder / "session.ndjson", events, seed)
        chosen = plans(seconds, kills, redis_kills, seed)
        first, *others = [run for run in chosen if not run.fault or only in run.name]
        typer.echo(HEADER)
        baseline = run(first, source, folder / "run0")
        typer.echo(baseline.line(baseline.outcome))
        bad = [
            _judge(run(plan, source, folder / f"run{number}"), baseline)
            for number, plan in enumerate(others, 1)
        ]
    raise typer.Exit(int(any(bad)))


def _judge(report: Report, baseline: Report) -> bool:
    """Print a run; whether something is wrong with it."""
    typer.echo(report.line(baseline.outcome))
    found = differences(baseline.outcome, report.outcome)
    for line in found[:_SHOWN]:
        typer.echo(f"    {line}", err=True)
    outside = report.strikes - report.between
    if outside:
        typer.echo(f"    {outside} strikes fell outside the first and the last row", err=True)
    return bool(found) or outside > 0 or not report.outcome.balanced


def _simulated(path: Path, events: int, seed: int) -> Path:
    minutes = 20
    options = {
        "--out": str(path),
        "--scenario": "flash_sale",
        "--rooms": "12",
        "--tenants": "4",
        "--minutes": str(minutes),
        "--rate": str(events / minutes / 60),
        "--seed": str(seed),
    }
    words = [word for pair in options.items() for word in pair]
    subprocess.run(
        [*liveroom_argv("simulate", *words), "--disorder"], check=True, stdout=sys.stderr
    )
    return path


if __name__ == "__main__":
    typer.run(main)
