"""Where the pages' libraries lie: npm put them there at set-up; none is committed or fetched."""

from pathlib import Path
from typing import Final

from stream.errors import ConfigError

ASSETS: Final[dict[str, str]] = {"echarts.min.js": "echarts/dist/echarts.min.js"}
"""File name that a page asks for, to its path inside `node_modules`."""


def asset_path(name: str, assets_dir: Path | None = None) -> Path:
    """Path of a library file of the pages.

    Args:
        name: a key of `ASSETS`.
        assets_dir: the setting of that name: a folder that holds the files flat or as npm lays
            them; None: `node_modules` beside the package, where `make venv` put them.

    Raises:
        ConfigError: the file is not there; says which command brings it.
        KeyError: `name` is not in the table.
    """
    inside = ASSETS[name]
    folder = assets_dir or Path(__file__).resolve().parent.parent / "node_modules"
    for candidate in (folder / inside, folder / name):
        if candidate.is_file():
            return candidate
    raise ConfigError("assets_dir", str(folder), f"a folder with {name}; `make venv` fetches it")
