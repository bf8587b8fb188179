"""`liveroom deadletters`."""

from typing import TYPE_CHECKING, Annotated, Final

import orjson
import typer

from stream.cli.console import note, write
from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings

if TYPE_CHECKING:
    from sinks.dead_letters import StoredLetter

ACTIONS: Final = ("list", "show", "retry")
_SHOWN_BYTES: Final = 80


@with_settings(Area.REDIS, Area.WATCH)
def command(
    settings: Settings,
    action: Annotated[str, typer.Argument(help="One of " + ", ".join(ACTIONS) + ".")] = "list",
    letter: Annotated[
        str | None, typer.Argument(help="SHARD/ID as `list` prints it, for show and retry.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Only those of this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> int:
    """List rejected records by reason, show one whole, or send some through the log again.

    `retry` appends the raw lines to the log and removes the letters; what is rejected again
    comes back as a new letter. Without SHARD/ID it takes those of --reason, newest first.
    """
    if action not in ACTIONS:
        raise ConfigError("action", action, "one of " + ", ".join(ACTIONS))
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "the address of the Redis that holds the letters")
    if action == "retry" and letter is None and reason is None:
        raise ConfigError("letter", None, "SHARD/ID, or --reason, so that not all are sent again")
    if action == "show" and letter is None:
        raise ConfigError("letter", None, "SHARD/ID as `liveroom deadletters list` prints it")
    return _run(settings, settings.redis_url, action, letter, reason, limit, as_json=as_json)


def _run(
    settings: Settings,
    url: str,
    action: str,
    letter: str | None,
    reason: str | None,
    limit: int,
    *,
    as_json: bool,
) -> int:
    from sinks import dead_letters
    from sinks.log_writer import LogWriter
    from sinks.redis_client import Link

    link = Link(url)
    try:
        if letter is None:
            found = dead_letters.letters(link, settings.shards, reason=reason, limit=limit)
        else:
            one = dead_letters.letter(link, *_parse(letter, settings.shards))
            if one is None:
                note(f"{letter} is not kept (any more)")
                return 1
            found = [one]
        if action == "retry":
            writer = LogWriter(link, settings.shards, limit_bytes=settings.backpressure_bytes)
            done = dead_letters.retry(link, writer, found)
            note(
                f"sent {done.sent_count} again; {done.cut_count} are cut and"
                f" {done.waiting_count} wait because their shard is full"
            )
            return 0 if done.sent_count == len(found) else 1
        if action == "list" and letter is None and not as_json:
            for name, count in dead_letters.counts(link, settings.shards).items():
                note(f"{count:>10} {name}")
        for kept in found:
            write(_whole(kept) if as_json or action == "show" else _line(kept))
        return 0
    finally:
        link.close()


def _parse(text: str, shards: int) -> tuple[int, str]:
    shard, slash, letter_id = text.partition("/")
    ms, dash, seq = letter_id.partition("-")
    known = slash and dash and all(part.isascii() and part.isdigit() for part in (shard, ms, seq))
    if not known or int(shard) >= shards:
        raise ConfigError("letter", text, "SHARD/ID, e.g. 3/1700000000000-0")
    return int(shard), letter_id


def _line(kept: "StoredLetter") -> str:
    """One letter on one line; the bytes escaped, since they are hostile."""
    raw = ascii(kept.raw[:_SHOWN_BYTES])[2:-1]
    return f"{kept.shard}/{kept.id}  {kept.reason}  {ascii(kept.detail)[1:-1]}  {raw}"


def _whole(kept: "StoredLetter") -> str:
    fields = {
        "letter": f"{kept.shard}/{kept.id}",
        "reason": kept.reason,
        "detail": kept.detail,
        "kept_ms": kept.kept_ms,
        "version": kept.version,
        "cut": kept.cut,
        "raw": kept.raw.decode(errors="backslashreplace"),
    }
    return orjson.dumps(fields).decode()
