"""`python -m stream.backtest [--html FILE] [--rules FILE]… RECORDING…`: see `backtest`."""

import argparse
from pathlib import Path

from stream.backtest.command import backtest
from stream.settings import Settings


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m stream.backtest")
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--rules", action="append", default=[], type=Path)
    parser.add_argument("--html", type=Path)
    given = parser.parse_args()
    return backtest(given.rules, given.recordings, Settings(), given.html)


if __name__ == "__main__":
    raise SystemExit(main())
