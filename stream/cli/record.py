"""`liveroom record`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.cli.recordings import WRITTEN, one_of
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.REDIS, Area.WATCH, announce=True)
def command(
    settings: Settings,
    out: Annotated[Path, typer.Option(help="File to write.")],
    fmt: Annotated[
        str, typer.Option("--format", help="One of " + ", ".join(WRITTEN) + ".")
    ] = "ndjson",
) -> int:
    """Write the log, events and ticks, to a file until Ctrl-C.

    `liveroom replay` of that file gives the same final figures again.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. --redis-url redis://127.0.0.1")
    from stream.record import record

    return record(settings, out, fmt=one_of("format", fmt, WRITTEN))
