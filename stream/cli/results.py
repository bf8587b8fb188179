"""`liveroom results`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.ENGINE)
def command(
    settings: Settings,
    out: Annotated[str, typer.Option(help="File to write; - is stdout.")] = "-",
) -> int:
    """Merge the engine's results files, one a shard, into one in the order of `replay`."""
    from sinks.results_file import merged_lines

    if settings.results_dir is None or not settings.results_dir.is_dir():
        raise ConfigError("results_dir", settings.results_dir, "the engine's folder of results")
    lines = merged_lines(settings.results_dir)
    if out == "-":
        sys.stdout.buffer.writelines(lines)
        sys.stdout.buffer.flush()
        return 0
    with Path(out).open("wb") as file:
        file.writelines(lines)
    return 0
