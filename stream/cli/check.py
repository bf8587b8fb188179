"""`liveroom check`."""

from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import note, write
from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.RULES, announce=True)
def command(
    settings: Settings,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files; else the setting rules_file.")
    ] = None,
) -> int:
    """Check settings and rule files without starting anything; exit code 2 on a problem.

    The settings have been checked when this runs; each problem of a rule file is one line,
    FILE:LINE: what is wrong.
    """
    chosen = files or ([settings.rules_file] if settings.rules_file else [])
    problems = [line for path in chosen for line in _problems(path)]
    for line in problems:
        note(line)
    if not problems:
        write(f"ok: settings and {len(chosen)} rule file(s)")
    return 2 if problems else 0


def _problems(path: Path) -> list[str]:
    from operators.rules.parse import parse_rules

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("rules_file", str(path), f"a readable text file ({error})") from error
    outcome = parse_rules(text)
    if not isinstance(outcome, list):
        return []
    return [f"{path}:{problem.line}: {problem.message}" for problem in outcome]
