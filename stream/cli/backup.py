"""`liveroom backup`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import note
from stream.cli.options import with_settings
from stream.settings import Area, Settings


@with_settings(Area.ENGINE)
def command(
    settings: Settings,
    out: Annotated[Path, typer.Option(help="Archive to write, e.g. state.tar.gz.")],
) -> int:
    """Save the engine's recovery directory into one file; the engine may run meanwhile.

    Restored later, the engine goes on from there, as far as the log still holds what came since.
    """
    from stream.recovery import backup

    note(f"{backup(settings.recovery_dir, out)} bytes: {out}")
    return 0
