"""`liveroom metrics`."""

import json
from typing import Annotated

import typer

from stream.cli.console import write
from stream.cli.options import with_settings
from stream.settings import Settings


@with_settings()
def command(
    settings: Settings,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of Markdown.")] = False,
) -> int:
    """Print the catalogue: every metric with its formula, unit, windows and dimensions."""
    from operators import catalogue

    if as_json:
        write(json.dumps(catalogue.as_json(), indent=2, ensure_ascii=False))
    else:
        write(catalogue.as_markdown().removesuffix("\n"))
    return 0
