"""`liveroom simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import note
from stream.cli.options import with_settings
from stream.settings import Area, Settings


@with_settings(Area.REDIS, Area.WATCH)
def command(
    settings: Settings,
    out: Annotated[str, typer.Option(metavar="FILE|redis", help="NDJSON file, or the log.")],
    scenario: Annotated[
        str, typer.Option(help="What happens; `list` names all scenarios.")
    ] = "calm",
    rooms: Annotated[int, typer.Option(help="Number of rooms.")] = 3,
    tenants: Annotated[
        int | None, typer.Option(help="Number of shops.", show_default="a tenth of the rooms")
    ] = None,
    minutes: Annotated[int, typer.Option(help="Length of the sessions.")] = 10,
    rate: Annotated[
        float | None,
        typer.Option(help="Events a second of all rooms.", show_default="as real rooms"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same recording.")] = 1,
    truth: Annotated[Path | None, typer.Option(help="File for the ground truth, as JSON.")] = None,
    disorder: Annotated[
        bool, typer.Option("--disorder", help="Late, lost, double, skewed and broken lines.")
    ] = False,
    speed: Annotated[float, typer.Option(help="Into redis: times real time.")] = 1.0,
) -> int:
    """Simulate live rooms, seeded and with known ground truth.

    Into a file it writes the whole recording at once. Into `redis` it plays it from now on, at
    the pace of the clock; Ctrl-C ends the rooms orderly, and the truth is that of what was sent.
    """
    from simulators.api import HARD_DISORDER, NO_DISORDER, SCENARIOS, SimulationPlan
    from stream.simulate import simulate_to_file, simulate_to_redis

    if scenario == "list":
        for entry in SCENARIOS.values():
            note(f"{entry.name:20} {entry.help}")
        return 0
    plan = SimulationPlan(
        scenario=scenario,
        rooms=rooms,
        tenants=tenants,
        minutes=minutes,
        rate=rate,
        seed=seed,
        disorder=HARD_DISORDER if disorder else NO_DISORDER,
    )
    if out == "redis":
        played = simulate_to_redis(settings, plan, truth, speed=speed)
        note(f"sent {played.lines} events; worst lag {played.worst_lag_ms} ms")
    else:
        summary = simulate_to_file(plan, Path(out), truth)
        note(f"wrote {summary.events} events, {summary.size_bytes} bytes, to {out}")
    return 0
