"""Names of the Redis keys: one table, from which docs/redis.md and its test derive.

Every key of shard p carries the hash tag `{p}`, so that one script may touch any of them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of key: pattern after the tag, Redis type, its fields, what it is for."""

    name: str
    pattern: str
    type: str
    fields: tuple[str, ...]
    help: str


KEY_KINDS: Final = (
    KeyKind("in", "in", "stream", ("n", "b", "o", "g"), "the log: batches of NDJSON events"),
    KeyKind(
        "meta",
        "meta",
        "hash",
        ("n", "bytes", "bytes_un", "durable", "fence", "marker", "epoch", "writes", "wm", "dead"),
        "positions, claim and run marker of the shard",
    ),
    KeyKind("state", "<channel>", "hash", ("<field>", "_v", "_s", "_p"), "a state channel"),
    KeyKind("log", "log:<channel>", "stream", ("s", "d"), "a log channel"),
    KeyKind("logseq", "logseq", "hash", ("<channel>",), "last sequence number of each log channel"),
    KeyKind("out", "out", "stream", ("c", "k", "e", "s", "d", "t"), "changes, for gateways"),
    KeyKind("channels", "channels", "hash", ("<channel>",), "directory of the shard's channels"),
    KeyKind(
        "watched",
        "watched",
        "zset",
        ("<channel>",),
        "channels that gateways have readers of, and until when (ms)",
    ),
    KeyKind("dead", "dead", "stream", ("reason", "raw", "detail", "v"), "dead letters"),
    KeyKind(
        "rules", "rules", "hash", ("digest", "text"), "the rule file last put into the log, packed"
    ),
    KeyKind("counters", "counters", "hash", ("<counter>", "_v"), "absolute totals"),
    KeyKind(
        "hook",
        "hook:<name>",
        "hash",
        ("<channel>", "_delivered", "_given_up"),
        "how far a webhook has delivered each alert channel",
    ),
)
KEY_BY_NAME: Final = {kind.name: kind for kind in KEY_KINDS}
_FIXED: Final = {kind.name: kind.pattern.partition("<")[0] for kind in KEY_KINDS}


def key(shard: int, name: str, variable: str = "") -> str:
    """Key of a shard, e.g. `key(3, "state", "room:t/r")` is `{3}:room:t/r`."""
    return f"{{{shard}}}:{_FIXED[name]}{variable}"
