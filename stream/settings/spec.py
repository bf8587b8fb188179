"""What one setting is, and how it is declared.

A setting is declared once, as a field of `stream.settings.table.Settings`; its environment
variable, flag, TOML key, documentation and checks are derived from that entry.
"""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar, cast, get_args, get_origin, get_type_hints

ENV_PREFIX: Final = "LIVEROOM_"

Value = str | int | float | bool | Path | tuple[str, ...] | None
V = TypeVar("V")


class Area(StrEnum):
    """Which part a setting belongs to: commands offer flags by area, docs have a table each."""

    REDIS = "redis"
    ENGINE = "engine"
    TIME = "time"
    RULES = "rules"
    GATEWAY = "gateway"
    EDGE = "edge"
    WATCH = "watch"


AREA_TITLES: Final[Mapping[Area, str]] = {
    Area.REDIS: "Redis and the log",
    Area.ENGINE: "Engine",
    Area.TIME: "Time and sessions",
    Area.RULES: "Rules and notices",
    Area.GATEWAY: "Gateway",
    Area.EDGE: "Edge",
    Area.WATCH: "Logging and metrics",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a value must satisfy. `minimum` and `maximum` are inclusive; None: no bound."""

    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    min_chars: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, complete. `type` is one of str, int, float, bool, Path, tuple."""

    name: str
    type: type
    optional: bool
    default: Value
    help: str
    area: Area
    bounds: Bounds
    secret: bool

    @property
    def env(self) -> str:
        """Name of the environment variable."""
        return ENV_PREFIX + self.name.upper()

    @property
    def flag(self) -> str | None:
        """The command-line flag; None for a secret, which `ps` would show to everyone."""
        return None if self.secret else "--" + self.name.replace("_", "-")


def setting(
    default: V, area: Area, help_text: str, bounds: Bounds | None = None, *, secret: bool = False
) -> V:
    """Declare a setting as the default of a dataclass field.

    The declared type is the default's, so that the fields of `Settings` stay checked by mypy;
    at run time this is a `dataclasses.field` carrying the rest as metadata.
    """
    metadata = {"area": area, "help": help_text, "bounds": bounds or Bounds(), "secret": secret}
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(table: type) -> tuple[Setting, ...]:
    """Read the table: one `Setting` per field of the dataclass, in order."""
    hints = get_type_hints(table)
    return tuple(_setting(field, hints[field.name]) for field in dataclasses.fields(table))


def _setting(field: "dataclasses.Field[Value]", hint: object) -> Setting:
    optional = get_origin(hint) in {types.UnionType} and type(None) in get_args(hint)
    if optional:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    kind = get_origin(hint) or hint
    if not isinstance(kind, type):
        msg = f"setting {field.name}: the type {hint!r} is not supported"
        raise TypeError(msg)
    return Setting(
        name=field.name,
        type=kind,
        optional=optional,
        default=cast(Value, field.default),
        help=field.metadata["help"],
        area=field.metadata["area"],
        bounds=field.metadata["bounds"],
        secret=field.metadata["secret"],
    )
