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

from sinks.results import sorted_lines
from stream.errors import LiveroomError
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from stream.supervisor import liveroom_argv
from tests.chaos.faults import HEADER, Plan, run
from tests.chaos.jumps import with_jumps
from tests.chaos.rig import Outcome, differences

_SHOWN = 10


def plans(seconds: float, kills: int, redis_kills: int, seed: int) -> list[Plan]:
    """The runs; the log waits for an engine to come back: many strikes make a run longer."""
    return [
        Plan("undisturbed", seconds=seconds),
        Plan("engine killed", "engine", kills, 1, seconds, seed),
        Plan(
            "Redis killed, appendfsync always",
            "redis",
            redis_kills,
            1,
            seconds,
            seed + 1,
            appendfsync="always",
        ),
        Plan("cluster loses a process", "one process", max(1, kills // 10), 3, seconds, seed + 2),
        Plan("rescaled 1, 3, 2, 1 …", "rescale", 5, 1, seconds, seed + 3),
        Plan("gateway killed", "gateway", 10, 1, seconds, seed + 4),
        Plan("slow, cut, silent line to Redis", "line", 15, 1, seconds, seed + 5),
        Plan("disk of the recovery store full", "disk", 5, 1, seconds, seed + 6),
        Plan("clock jumps, engine killed", "engine", 5, 1, seconds, seed + 7, jumps=True),
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
            _judge(plan, source, folder / f"run{number}", baseline.outcome)
            for number, plan in enumerate(others, 1)
        ]
    raise typer.Exit(int(any(bad)))


def _judge(plan: Plan, source: Path, folder: Path, wanted: Outcome) -> bool:
    """Run one and print it; whether something is wrong with it."""
    if plan.jumps:
        jumped = folder.with_suffix(".ndjson")
        typer.echo(f"    {with_jumps(source, jumped)} ticks moved", err=True)
        source, wanted = jumped, replayed(jumped)
    try:
        report = run(plan, source, folder)
    except LiveroomError as error:
        typer.echo(f"| {plan.name} | FAILED: {error} |")
        return True
    typer.echo(report.line(wanted))
    found = [*differences(wanted, report.outcome), *report.shown_wrong]
    for line in found[:_SHOWN]:
        typer.echo(f"    {line}", err=True)
    outside = report.strikes - report.between
    if outside:
        typer.echo(f"    {outside} strikes fell outside the first and the last row", err=True)
    return bool(found) or outside > 0 or not report.outcome.balanced


def replayed(recording: Path) -> Outcome:
    """What a replay of a recording leaves: rows alone, nothing in Redis."""
    outputs = run_replay(read_events(recording, "ndjson", b"chaos"), settings=Settings())
    return Outcome(b"".join(sorted_lines(outputs)), None, {}, 0.0)


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
