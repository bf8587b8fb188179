"""What the commands write: results to stdout, notes and logs to stderr. Nothing else prints."""

import logging
import sys
from typing import Final

from rich.console import Console

OUT: Final = Console(soft_wrap=True, highlight=False)
ERR: Final = Console(stderr=True, soft_wrap=True, highlight=False)

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def write(text: str) -> None:
    """A result, as it is, to stdout, with a line end."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for people, to stderr; never markup, so hostile text stays text."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def start_logging(level: str) -> None:
    """Log lines of at least `level` to stderr; calling it again only changes the level."""
    logging.basicConfig(format=_FORMAT, stream=sys.stderr)
    logging.getLogger().setLevel(level.upper())
