"""`liveroom docs`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import write
from stream.cli.options import with_settings
from stream.settings import Settings


@with_settings()
def command(
    settings: Settings,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs"),
) -> int:
    """Write the pages that are made from the code: events.md, settings.md.

    For developers of liveroom: a test compares them with the code.
    """
    from stream.pages import PAGES

    out.mkdir(parents=True, exist_ok=True)
    for name, text in PAGES.items():
        (out / name).write_text(text(), encoding="utf-8")
        write(str(out / name))
    return 0
