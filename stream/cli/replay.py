"""`liveroom replay`."""

from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.cli.recordings import FORMATS, Files, Format, existing, one_of
from stream.errors import ConfigError
from stream.settings import Area, Settings

ENGINES = ("auto", "loop", "bytewax")


@with_settings(Area.REDIS, Area.ENGINE, Area.GATEWAY, Area.TIME, Area.RULES, Area.WATCH)
def command(
    settings: Settings,
    files: Files,
    fmt: Format = "auto",
    speed: Annotated[
        str | None,
        typer.Option(
            help="Times real time, e.g. 1 or 60; `max`: as fast as it goes.",
            show_default="max; 1 with --serve",
        ),
    ] = None,
    results: Annotated[
        str | None, typer.Option(help="File for the final rows as NDJSON; - is stdout.")
    ] = None,
    to_redis: Annotated[
        bool, typer.Option("--to-redis", help="Append to the log instead of folding here.")
    ] = False,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Show it on the pages, with a bar to pause, change speed and jump; from the "
            "recorded pace on, unless --speed says otherwise.",
        ),
    ] = False,
    engine: Annotated[
        str, typer.Option(help="Who drives the fold: one of " + ", ".join(ENGINES) + ".")
    ] = "auto",
) -> int:
    """Feed recordings through the engine: same recording, same final rows, byte for byte."""
    existing(files)
    from stream.replay import replay_command

    return replay_command(
        files,
        fmt=one_of("format", fmt, FORMATS),
        speed=_speed(speed or ("1" if serve else "max")),
        results=results,
        to_redis=to_redis,
        serve=serve,
        engine=one_of("engine", engine, ENGINES),
        workers=settings.workers,
        processes=settings.processes,
        settings=settings,
    )


def _speed(text: str) -> float | None:
    """Factor of real time; None for `max`."""
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ConfigError("speed", text, "a number above 0, or max")
    return factor
