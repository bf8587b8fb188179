"""`liveroom backtest`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.options import with_settings
from stream.cli.recordings import Files, existing
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.TIME, Area.WATCH)
def command(
    settings: Settings,
    files: Files,
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="Rule file; repeat to compare.", show_default="the built-in rules"),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a chart to this file.")] = None,
) -> int:
    """Replay recordings under one or more rule files: what would each rule have said?

    Files that end in `.toml` are rule files, too: `liveroom backtest a.toml b.toml x.ndjson`
    shows two of them side by side.

    A recording `x.ndjson` is scored against its labels when `x.truth.json` stands beside it, as
    `liveroom simulate --out x.ndjson --truth x.truth.json` writes them.
    """
    existing(files)
    from stream.backtest.command import backtest

    told = [path for path in files if path.suffix == ".toml"]
    recordings = [path for path in files if path.suffix != ".toml"]
    if not recordings:
        raise ConfigError("files", ", ".join(map(str, files)), "a recording, too")
    return backtest([*(rules or []), *told], recordings, settings, html)
