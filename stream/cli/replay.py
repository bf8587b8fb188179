"""`liveroom replay`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings

FORMATS = ("auto", "ndjson", "cloudevents", "uci", "otto", "bilibili-xml")
ENGINES = ("auto", "loop", "bytewax")


@with_settings(Area.REDIS, Area.ENGINE, Area.TIME, Area.RULES, Area.WATCH)
def command(
    settings: Settings,
    files: Annotated[list[Path], typer.Argument(help="Recordings; - is stdin.")],
    fmt: Annotated[
        str, typer.Option("--format", help="One of " + ", ".join(FORMATS) + ".")
    ] = "auto",
    speed: Annotated[
        str, typer.Option(help="Times real time, e.g. 1 or 60; `max`: as fast as it goes.")
    ] = "max",
    results: Annotated[
        str | None, typer.Option(help="File for the final rows as NDJSON; - is stdout.")
    ] = None,
    to_redis: Annotated[
        bool, typer.Option("--to-redis", help="Append to the log instead of folding here.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="Who drives the fold: one of " + ", ".join(ENGINES) + ".")
    ] = "auto",
) -> int:
    """Feed recordings through the engine: same recording, same final rows, byte for byte."""
    for path in files:
        if str(path) != "-" and not path.is_file():
            raise ConfigError("files", str(path), "a file that exists")
    from stream.replay import replay_command

    return replay_command(
        files,
        fmt=_one_of("format", fmt, FORMATS),
        speed=_speed(speed),
        results=results,
        to_redis=to_redis,
        engine=_one_of("engine", engine, ENGINES),
        workers=settings.workers,
        processes=settings.processes,
        settings=settings,
    )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigError(name, value, "one of " + ", ".join(allowed))
    return value


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
