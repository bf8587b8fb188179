"""`liveroom record`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.REDIS, Area.WATCH, announce=True)
def command(
    settings: Settings,
    out: Annotated[Path, typer.Option(help="NDJSON file to write.")],
) -> int:
    """Write the log, events and ticks, to an NDJSON file until Ctrl-C.

    `liveroom replay` of that file gives the same final figures again.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. --redis-url redis://127.0.0.1")
    from stream.record import record

    return record(settings, out)
