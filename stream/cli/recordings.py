"""What the commands that read recordings have in common."""

from pathlib import Path
from typing import Annotated, Final

import typer

from stream.errors import ConfigError

FORMATS: Final = (
    "auto",
    "cloudevents",
    "parquet",
    "ndjson",
    "uci",
    "otto",
    "bilibili-xml",
    "doudian",
)
"""Names of `stream.formats`, and `auto`; spelled out so that `--help` need not import them."""

WRITTEN: Final = ("ndjson", "parquet")
"""Formats that we also write."""

Files = Annotated[list[Path], typer.Argument(help="Recordings.")]
Format = Annotated[str, typer.Option("--format", help="One of " + ", ".join(FORMATS) + ".")]


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is allowed.

    Raises:
        ConfigError: it is not; names the option and what is allowed.
    """
    if value not in allowed:
        raise ConfigError(name, value, "one of " + ", ".join(allowed))
    return value


def existing(files: list[Path]) -> list[Path]:
    """The files, if all are there.

    Raises:
        ConfigError: one is not.
    """
    for path in files:
        if str(path) != "-" and not path.exists():
            raise ConfigError("files", str(path), "a file that exists")
    return files
