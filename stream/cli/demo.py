"""`liveroom demo`."""

from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.settings import Area, Settings


@with_settings(Area.REDIS, Area.GATEWAY, Area.ENGINE, Area.WATCH, announce=True)
def command(
    settings: Settings,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after this.", show_default="until Ctrl-C")
    ] = None,
    headless: Annotated[
        bool,
        typer.Option(
            "--headless",
            help="Follow the figures over WebSocket, at the end compare them with the truth.",
        ),
    ] = False,
    rooms: Annotated[int, typer.Option(help="Simulated rooms.")] = 3,
    scenario: Annotated[str, typer.Option(help="As of `liveroom simulate`.")] = "flash_sale",
    rate: Annotated[float, typer.Option(help="Events a second of all rooms.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 1,
    disorder: Annotated[
        bool, typer.Option("--disorder", help="Late, lost, double, skewed and broken lines.")
    ] = False,
) -> int:
    """Show everything at once: Redis, engine, gateway and simulated rooms; prints the address.

    Ctrl-C stops it all and leaves no process behind. With `--seconds 30 --headless` it ends by
    itself: exit code 0 only if every figure that arrived equals the simulator's ground truth.
    """
    from stream.demo import DemoPlan, run_demo

    plan = DemoPlan(seconds, headless, rooms, scenario, rate, seed, disorder)
    return run_demo(settings, plan)
