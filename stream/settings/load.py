"""Layers of settings: defaults < TOML file < environment < flags. Read once, at start."""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from stream.errors import ConfigError
from stream.settings.parse import parse_value
from stream.settings.spec import ENV_PREFIX
from stream.settings.table import SETTING_BY_NAME, SETTINGS, Settings

DEFAULT_FILE: Final = Path("liveroom.toml")
CONFIG_ENV: Final = ENV_PREFIX + "CONFIG"
DEFAULT_ORIGIN: Final = "default"


@dataclasses.dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each came from: `default`, a file, a variable or a flag."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str | None] | None = None,
) -> Loaded:
    """Merge the layers and check every value.

    Args:
        config: TOML file; None: `LIVEROOM_CONFIG`, else `liveroom.toml` here if it is there.
        environ: the environment; None: empty. An empty variable counts as not set.
        flags: setting name to text; None values are flags that were not given.

    Raises:
        ConfigError: an unknown key, an unreadable file or an unusable value.
    """
    env = {key: value for key, value in (environ or {}).items() if value != ""}
    path = _config_path(config, env)
    values: dict[str, Any] = {}
    origins = {entry.name: DEFAULT_ORIGIN for entry in SETTINGS}
    for name, raw in (_read_toml(path) if path is not None else {}).items():
        origins[name] = str(path)
        values[name] = parse_value(SETTING_BY_NAME[name], raw, origins[name])
    for entry in SETTINGS:
        if entry.env in env:
            origins[entry.name] = entry.env
            values[entry.name] = parse_value(entry, env[entry.env], entry.env)
    for name, text in (flags or {}).items():
        if text is not None:
            entry = SETTING_BY_NAME[name]
            origins[name] = entry.flag or entry.env
            values[name] = parse_value(entry, text, origins[name])
    return Loaded(Settings(**values), origins)


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the nearest known name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _config_path(config: Path | None, env: Mapping[str, str]) -> Path | None:
    if config is None and CONFIG_ENV in env:
        config = Path(env[CONFIG_ENV])
    if config is not None:
        if not config.is_file():
            raise ConfigError("config", str(config), "a TOML file that exists")
        return config
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def _read_toml(path: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("config", str(path), f"a readable TOML file ({error})") from error
    for key, value in content.items():
        if key not in SETTING_BY_NAME:
            hint = suggest(key, SETTING_BY_NAME)
            shown = "(not shown)" if isinstance(value, str) else value
            raise ConfigError(key, shown, f"a setting named in docs/settings.md, in {path}{hint}")
    return content


def near_misses(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that look like a mistyped setting, each with the name it resembles."""
    known = [entry.env for entry in SETTINGS]
    close = {
        key: difflib.get_close_matches(key, known, n=1, cutoff=0.85)
        for key in environ
        if key.startswith(ENV_PREFIX) and key not in known
    }
    return [(key, found[0]) for key, found in sorted(close.items()) if found]
