"""What runs first: a service that is told to stop while it still starts ends in good order.

Loading the commands takes a second on a busy machine. Until a service has taken over the
signals itself it has begun nothing, so leaving at once loses nothing.
"""

import os
import signal
import sys
from types import FrameType
from typing import Final

SERVICES: Final = ("run", "serve")
"""Commands whose stop is an orderly end, exit code 0; all others are interrupted by it."""


def main() -> None:
    """Console script."""
    if sys.argv[1:2] and sys.argv[1] in SERVICES:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)
    from stream.cli.main import main as run_command

    run_command()


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(0)
