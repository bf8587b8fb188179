"""Text and TOML values to typed, checked setting values. Pure."""

import math
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from stream.errors import ConfigError
from stream.settings.spec import Setting, Value

HIDDEN: Final = "(hidden)"

_BOOLS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_EXPECTED: Final[dict[type, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    tuple: "a list of texts",
}


def parse_value(entry: Setting, raw: object, origin: str) -> Value:
    """Turn a raw value into the setting's type and check its bounds.

    Args:
        entry: the setting.
        raw: text from the environment or a flag, or what TOML gave.
        origin: where it came from, for the error, e.g. `LIVEROOM_PORT`.

    Raises:
        ConfigError: it is not usable; names the setting and the origin, hides a secret.
    """
    value = _from_text(entry, raw) if isinstance(raw, str) else _from_toml(entry, raw)
    if value is None or not _within(entry, value):
        shown = HIDDEN if entry.secret else raw
        raise ConfigError(entry.name, shown, f"{expected(entry)} (it came from {origin})")
    return value


def expected(entry: Setting) -> str:
    """What the setting accepts, in words, e.g. `a whole number from 1 to 1024`."""
    bounds = entry.bounds
    if bounds.choices:
        return ("any of " if entry.type is tuple else "one of ") + ", ".join(bounds.choices)
    if bounds.schemes:
        return "an address like " + " or ".join(_EXAMPLE.get(s, s) for s in bounds.schemes)
    text = _EXPECTED[entry.type]
    if bounds.min_chars:
        return f"{text} of at least {bounds.min_chars} characters"
    if bounds.minimum is not None and bounds.maximum is not None:
        return f"{text} from {bounds.minimum} to {bounds.maximum}"
    return text if bounds.minimum is None else f"{text}, at least {bounds.minimum}"


_EXAMPLE: Final = {
    "redis": "redis://127.0.0.1:6379/0",
    "rediss": "rediss://host:6380/0",
    "unix": "unix:///run/redis.sock",
    "http": "http://host/path",
    "https": "https://host/path",
}


def _from_text(entry: Setting, raw: str) -> Value:
    text = raw.strip()
    if entry.type is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if not text:
        return None
    if entry.type is bool:
        return _BOOLS.get(text.lower())
    if entry.type is Path:
        return Path(text).expanduser()
    if entry.type is str:
        return text
    return _number(entry, text)


def _number(entry: Setting, text: str) -> Value:
    try:
        return int(text) if entry.type is int else float(text)
    except ValueError:
        return None


def _from_toml(entry: Setting, raw: object) -> Value:
    if entry.type is tuple:
        if not isinstance(raw, list) or not all(isinstance(part, str) for part in raw):
            return None
        return tuple(raw)
    if isinstance(raw, bool):
        return raw if entry.type is bool else None
    if entry.type is float and isinstance(raw, int | float):
        return float(raw)
    return raw if entry.type is int and isinstance(raw, int) else None


def _within(entry: Setting, value: Value) -> bool:
    bounds = entry.bounds
    if isinstance(value, int | float):
        low, high = bounds.minimum, bounds.maximum
        finite = math.isfinite(value)
        return finite and (low is None or value >= low) and (high is None or value <= high)
    if isinstance(value, tuple) and bounds.choices:
        return set(value) <= set(bounds.choices)
    if isinstance(value, str):
        if bounds.choices and value not in bounds.choices:
            return False
        if bounds.schemes and not _address(value, bounds.schemes):
            return False
        return len(value) >= bounds.min_chars
    return True


def _address(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.netloc or parts.path.strip("/"))
