"""Settings for people: the printed list at start, and docs/settings.md."""

from pathlib import Path

from stream.settings.load import CONFIG_ENV, DEFAULT_ORIGIN, Loaded
from stream.settings.parse import HIDDEN, expected
from stream.settings.spec import AREA_TITLES, Setting, Value
from stream.settings.table import SETTINGS, Settings


def printable(loaded: Loaded) -> list[str]:
    """One line a setting that was set, `name = value  (origin)`; secrets are hidden."""
    return [
        f"{entry.name} = {show(entry, getattr(loaded.settings, entry.name))}"
        f"  ({loaded.origins[entry.name]})"
        for entry in SETTINGS
        if loaded.origins[entry.name] != DEFAULT_ORIGIN
    ]


def show(entry: Setting, value: Value) -> str:
    """A value as text; a secret that is set is `(hidden)`, None is `none`.

    The password inside a URL is hidden as well.
    """
    if value is None:
        return "none"
    if entry.secret:
        return HIDDEN
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    text = value.as_posix() if isinstance(value, Path) else str(value)
    return _without_password(text) if entry.bounds.schemes else text


def environ_of(settings: Settings) -> dict[str, str]:
    """Variables that make a child process load the same settings; None ones are left out.

    Secrets are among them: give it to a child, never to a log.
    """
    values = {entry.env: getattr(settings, entry.name) for entry in SETTINGS}
    return {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if value is not None and value != ()
    }


def settings_markdown() -> str:
    """The text of docs/settings.md. The empty default is written as `none`."""
    lines = [
        "# Settings",
        "",
        "<!-- Made from stream/settings/table.py by `make docs`; do not edit by hand. -->",
        "",
        "Later layers win: defaults < TOML file < environment < flags. The file is `--config`,",
        f"else `{CONFIG_ENV}`, else `liveroom.toml` in the current folder; its keys are the names",
        "below, at top level. An unknown key stops the start. What was set is printed at start,",
        "secrets hidden; secrets have no flag, because `ps` shows flags to everyone.",
    ]
    for area, title in AREA_TITLES.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| name | default | accepts | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_row(entry) for entry in SETTINGS if entry.area is area]
    lines += ["", "Environment variable: `LIVEROOM_` and the name in capitals.", ""]
    return "\n".join(lines)


def _row(entry: Setting) -> str:
    notes = f"{entry.help} (secret)" if entry.secret else entry.help
    default = show(entry, entry.default)
    return f"| `{entry.name}` | `{default}` | {expected(entry)} | {notes} |"


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at or ":" not in credentials:
        return url
    return f"{scheme}{mark}{credentials.split(':', 1)[0]}:{HIDDEN}@{host}"
