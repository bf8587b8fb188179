"""Entry point of `liveroom`.

To add a command: write `stream/cli/<file>.py` with a function `command`, add a line here.
"""

import importlib
import importlib.metadata
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from typer.exceptions import Abort, TyperException

from stream.cli.console import note, write
from stream.cli.options import reflowed
from stream.errors import LiveroomError, SinkError

COMMANDS: Final[tuple[tuple[str, str], ...]] = (
    ("demo", "demo"),
    ("run", "run"),
    ("serve", "serve"),
    ("simulate", "simulate"),
    ("replay", "replay"),
    ("record", "record"),
    ("convert", "convert"),
    ("results", "results"),
    ("backup", "backup"),
    ("restore", "restore"),
    ("reset", "reset"),
    ("verify", "verify"),
    ("backtest", "backtest"),
    ("deadletters", "deadletters"),
    ("token", "access_token"),
    ("metrics", "metrics"),
    ("schema", "schema"),
    ("check", "check"),
    ("docs", "docs"),
)
"""(name, module of stream.cli), in the order of the help. Modules are light: heavy imports
happen inside a command, so that `--help` is fast."""

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_MISUSE: Final = 2
EXIT_INTERRUPTED: Final = 130

_HELP: Final = """Real-time analytics for live-commerce rooms.

`liveroom demo` shows everything at once: a Redis, the engine, the gateway and three simulated
rooms. In production `run` (engine) and `serve` (pages and WebSocket) share a Redis; shops append
events to its log. Settings: defaults < liveroom.toml < LIVEROOM_… < flags.
"""


def build_app() -> typer.Typer:
    """The typer application with every command of `COMMANDS`."""
    app = typer.Typer(
        name="liveroom",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, module in COMMANDS:
        body = importlib.import_module(f"stream.cli.{module}").command
        app.command(name, no_args_is_help=False)(body)
    app.callback(help=reflowed(_HELP))(_before_any_command)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"liveroom {importlib.metadata.version('liveroom')}")
        raise typer.Exit


def _before_any_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that stand before the command."""


def run_cli(args: Sequence[str]) -> int:
    """Run one command line; return its exit code. Errors are one line, never a traceback."""
    debug = "--debug" in args
    try:
        result = typer.main.get_command(build_app())(
            list(args), prog_name="liveroom", standalone_mode=False
        )
        return result if isinstance(result, int) else EXIT_OK
    except (LiveroomError, TyperException) as error:
        _explain(error, debug=debug)
        return EXIT_FAILED if _may_pass(error) else EXIT_MISUSE
    except (KeyboardInterrupt, Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_FAILED
    except OSError as error:
        _explain(error, debug=debug)
        return EXIT_FAILED
    except Exception as error:  # the last resort: a bug of ours
        _explain(error, debug=debug)
        note("liveroom: this is a bug; run it again with --debug for the traceback")
        return EXIT_FAILED


def _may_pass(error: Exception) -> bool:
    """Whether the same command can succeed later: supervisors restart it then."""
    return isinstance(error, SinkError) and error.retry_after_ms is not None


def _explain(error: Exception, *, debug: bool) -> None:
    if debug:
        logging.getLogger("liveroom").error("command failed", exc_info=error)
    if isinstance(error, TyperException):
        text = error.format_message()  # empty when the help was shown instead
    elif isinstance(error, LiveroomError):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    if text:
        note(f"liveroom: {' '.join(text.split())}")


def main() -> None:
    """Console script."""
    sys.exit(run_cli(sys.argv[1:]))
