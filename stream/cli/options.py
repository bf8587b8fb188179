"""Flags made from the settings table, so that a setting is named in one place only.

A command is a function whose first parameter is `settings: Settings` and which returns its
exit code. `with_settings` turns it into what typer wants: the function's own options, one flag
a setting of the areas it names, and `--config` and `--debug`. Every option shows its
environment variable.
"""

import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer
from typer.models import OptionInfo

from stream.cli.console import note, start_logging
from stream.settings import SETTINGS, Area, Setting, Settings, load_settings, printable
from stream.settings.load import CONFIG_ENV, near_misses
from stream.settings.render import show
from stream.settings.spec import AREA_TITLES, ENV_PREFIX

Body = Callable[..., int]
DEBUG_ENV: Final = ENV_PREFIX + "DEBUG"
_PANEL: Final = "Common"

_CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar=CONFIG_ENV,
        metavar="FILE",
        rich_help_panel=_PANEL,
        help="TOML file of settings; else `liveroom.toml` here, if there is one.",
    ),
]
_DEBUG = Annotated[
    bool,
    typer.Option(
        "--debug",
        envvar=DEBUG_ENV,
        rich_help_panel=_PANEL,
        help="Show tracebacks, log everything.",
    ),
]


def with_settings(*areas: Area, announce: bool = False) -> Callable[[Body], Callable[..., None]]:
    """Give a command the flags of these areas and call it with the merged settings.

    Args:
        areas: whose settings become flags; all other settings still come from file and
            environment.
        announce: print the settings that were set, to stderr, before the body runs.
    """
    offered = [entry for entry in SETTINGS if entry.area in areas and entry.flag is not None]

    def decorate(body: Body) -> Callable[..., None]:
        own = _own_parameters(body)

        @functools.wraps(body)
        def command(**given: Any) -> None:
            config, debug = given.pop("config"), given.pop("debug")
            flags = {entry.name: _text(given.pop(entry.name)) for entry in offered}
            loaded = load_settings(config, os.environ, flags)
            start_logging("debug" if debug else loaded.settings.log_level)
            for variable, nearest in near_misses(os.environ):
                logging.getLogger(__name__).warning(
                    "%s is no setting; did you mean %s?", variable, nearest
                )
            if announce:
                for line in printable(loaded):
                    note(line)
            raise typer.Exit(body(loaded.settings, **given))

        parameters = [*own, *(_flag(entry) for entry in offered), *_common()]
        command.__dict__["__signature__"] = inspect.Signature(parameters)
        command.__doc__ = reflowed(body.__doc__ or "")
        command.__annotations__ = {entry.name: entry.annotation for entry in parameters}
        return command

    return decorate


def reflowed(text: str) -> str:
    """Join the lines of each paragraph, so that the terminal's width decides, not ours."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _common() -> Iterator[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    yield inspect.Parameter("config", keyword, default=None, annotation=_CONFIG)
    yield inspect.Parameter("debug", keyword, default=False, annotation=_DEBUG)


def _text(given: str | bool | None) -> str | None:
    """What the settings table parses."""
    if isinstance(given, bool):
        return "true" if given else None
    return given


def _flag(entry: Setting) -> inspect.Parameter:
    """A text option: the settings table parses it, so that all layers fail alike.

    One of true or false is a switch without a value.
    """
    switch = entry.type is bool
    option = typer.Option(
        entry.flag,
        metavar=None if switch else _metavar(entry),
        help=f"{_sentence(entry.help)} [dim]\\[env: {entry.env}] "
        f"\\[default: {show(entry, entry.default)}][/dim]",
        show_default=False,
        rich_help_panel=AREA_TITLES[entry.area],
    )
    return inspect.Parameter(
        entry.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[bool | None if switch else str | None, option],
    )


def _metavar(entry: Setting) -> str:
    if entry.bounds.choices:
        return "|".join(entry.bounds.choices)
    if entry.bounds.schemes:
        return "URL"
    return {int: "NUMBER", float: "NUMBER", tuple: "A,B,...", Path: "PATH"}.get(entry.type, "TEXT")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _own_parameters(body: Body) -> list[inspect.Parameter]:
    """The body's parameters after `settings`, its options given an environment variable each."""
    signature = inspect.signature(body, eval_str=True)
    first, *rest = signature.parameters.values()
    if first.annotation is not Settings:
        msg = f"{body.__name__}: the first parameter must be `settings: Settings`"
        raise TypeError(msg)
    prefix = ENV_PREFIX + body.__module__.rpartition(".")[2].upper() + "_"
    for entry in rest:
        for part in get_args(entry.annotation)[1:]:
            if isinstance(part, OptionInfo) and part.envvar is None:
                part.envvar = prefix + _option_name(part, entry.name)
    return [entry.replace(kind=inspect.Parameter.KEYWORD_ONLY) for entry in rest]


def _option_name(option: OptionInfo, parameter: str) -> str:
    """`TO_REDIS` from `--to-redis`; from the parameter where no flag is spelled out."""
    flags = [option.default, *(option.param_decls or ())]
    long = [flag for flag in flags if isinstance(flag, str) and flag.startswith("--")]
    name = long[0].split("/")[0].removeprefix("--") if long else parameter
    return name.replace("-", "_").upper()
