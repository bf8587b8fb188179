"""The Lua scripts of `sinks/lua/`, and running them by digest.

A script sees one shard: all its keys carry the shard's hash tag, so that a Redis Cluster can
follow. Scripts of the sink share `prelude.lua`, which checks the fence before anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final

from sinks.redis_client import Arg, Command, Link, Refusal, Reply
from stream.errors import SinkError

PRELUDED: Final = frozenset(("patch", "append_log", "counters", "dead", "retire", "check", "reset"))
"""Scripts that only the engine that owns the shard may run."""


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call: script name, its keys (all of one shard), its arguments."""

    script: str
    keys: tuple[str, ...]
    args: tuple[Arg, ...]


@cache
def source(script: str) -> str:
    """Text of a script as the server gets it."""
    folder = files("sinks") / "lua"
    text = (folder / f"{script}.lua").read_text()
    if script in PRELUDED:
        text = (folder / "prelude.lua").read_text() + text
    return text


@cache
def digest(script: str) -> str:
    """SHA-1 of a script: the name under which the server keeps it."""
    return sha1(source(script).encode(), usedforsecurity=False).hexdigest()


def command(call: ScriptCall, lead: Sequence[Arg] = ()) -> Command:
    """EVALSHA of a call; `lead` goes before its arguments."""
    return ("EVALSHA", digest(call.script), len(call.keys), *call.keys, *lead, *call.args)


def run_calls(
    link: Link, calls: Sequence[ScriptCall], lead: Sequence[Arg] = ()
) -> list[Reply | Refusal]:
    """Send calls in one pipeline; scripts the server does not know are loaded first.

    Order among the calls is kept: when one is unknown, all unknown ones failed before anything
    ran on their behalf, and the script's own guards catch what came after them.

    Raises:
        SinkError: the connection broke; any number of the calls may have been executed.
    """
    send_calls(link, calls, lead)
    return receive_calls(link, calls, lead)


def send_calls(link: Link, calls: Sequence[ScriptCall], lead: Sequence[Arg] = ()) -> None:
    """The first half of `run_calls`.

    Raises:
        SinkError: as `run_calls`.
    """
    large = any(call.script == "append" for call in calls)
    link.send([command(call, lead) for call in calls], large=large)


def receive_calls(
    link: Link, calls: Sequence[ScriptCall], lead: Sequence[Arg] = ()
) -> list[Reply | Refusal]:
    """The second half of `run_calls`, of the calls that were sent last.

    Raises:
        SinkError: as `run_calls`.
    """
    replies = link.receive(len(calls))
    missing = [i for i, reply in enumerate(replies) if _unknown(reply)]
    if missing:
        load(link, sorted({calls[i].script for i in missing}))
        again = link.run([command(calls[i], lead) for i in missing])
        for i, reply in zip(missing, again, strict=True):
            replies[i] = reply
    return replies


def run_call(link: Link, call: ScriptCall, lead: Sequence[Arg] = ()) -> Reply:
    """Send one call.

    Raises:
        SinkError: the connection broke, or the server refused.
    """
    reply = run_calls(link, [call], lead)[0]
    if isinstance(reply, Refusal):
        raise SinkError("redis", reply.text, 50 if reply.may_pass else None)
    return reply


def load(link: Link, scripts: Sequence[str]) -> None:
    """Load scripts into the server.

    Raises:
        SinkError: the connection broke, or the server refused.
    """
    for reply in link.run([("SCRIPT", "LOAD", source(script)) for script in scripts]):
        if isinstance(reply, Refusal):
            raise SinkError("redis", reply.text, 50 if reply.may_pass else None)


def _unknown(reply: Reply | Refusal) -> bool:
    return isinstance(reply, Refusal) and reply.kind == "NOSCRIPT"
