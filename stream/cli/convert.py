"""`liveroom convert`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.cli.recordings import FORMATS, Files, Format, existing, one_of
from stream.settings import Area, Settings


@with_settings(Area.WATCH)
def command(
    settings: Settings,
    files: Files,
    out: Annotated[Path, typer.Option(help="File to write: .parquet, else NDJSON.")],
    fmt: Format = "auto",
) -> int:
    """Join recordings of any format into one of ours, with ticks.

    Parquet is about an eighth of NDJSON's size, replays faster and can be queried with SQL.
    """
    existing(files)
    from stream.convert import convert

    return convert(files, one_of("format", fmt, FORMATS), out, settings)
