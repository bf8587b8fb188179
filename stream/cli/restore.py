"""`liveroom restore`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import note
from stream.cli.options import with_settings
from stream.settings import Area, Settings


@with_settings(Area.ENGINE)
def command(
    settings: Settings,
    archive: Annotated[Path, typer.Argument(help="Archive that `liveroom backup` wrote.")],
) -> int:
    """Put a backup into the recovery directory, which must be empty. Stop the engine first."""
    from stream.recovery import restore

    mark = restore(archive, settings.recovery_dir)
    note(f"restored {settings.recovery_dir}: {mark.shards} shards, encoding {mark.encoding}")
    return 0
