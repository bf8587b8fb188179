"""The rule file on its way into the log: at the engine's start, and whenever it changes.

Every shard's log gets the file, packed, with its hash; the fold lets it hold from the next beat.
So a recording knows which rules held when, and a replay needs no rule file.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from operators.rules.inforce import MAX_TEXT_BYTES, digest_of, rule_events, unpack
from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from sinks.log_writer import Appended, Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_keys import key
from sinks.redis_reply import pairs
from stream.errors import SinkError
from stream.options import rules_of
from stream.settings import Settings

POLL_S: Final = 1.0
PRODUCER: Final = "rules"
_LOG: Final = logging.getLogger("liveroom.rules")


class RulesWatch:
    """Puts rule files into the log of all shards. One thread.

    Args:
        link: the log's Redis.
        shards: how many shards it has.
        path: the file to watch; None: the built-in rules, which never change.
        rules: those the engine was started with.
    """

    def __init__(self, link: Link, shards: int, path: Path | None, rules: RuleSet) -> None:
        self._link = link
        self._writer = LogWriter(link, shards)
        self._shards = shards
        self._path = path
        self._text: str | None = rules.text
        self._seen = rules.digest

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set; survives a Redis that is away."""
        while not stop.is_set():
            try:
                self.look()
            except SinkError as error:
                _LOG.warning("rules: %s", error.why)
            stop.wait(POLL_S)
        self._link.close()

    def look(self) -> bool:
        """Read the file again and put it into the log if it is another one.

        A file with mistakes is told in the program's log once; the rules before it stay.

        Returns:
            Whether something was put into the log.

        Raises:
            SinkError: Redis is away or full; the next look tries again.
        """
        self._read()
        if self._text is None:
            return False
        self._put(self._text)
        _LOG.info("rules %s put into the log", digest_of(self._text))
        self._text = None
        return True

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if self._seen:
                _LOG.error(
                    "rules: %s cannot be read (%s); the rules before stay", self._path, error
                )
                self._seen = ""
            return
        digest = digest_of(text)
        if digest == self._seen:
            return
        self._seen = digest
        parsed = parse_rules(text)
        if isinstance(parsed, RuleSet) and len(text.encode()) <= MAX_TEXT_BYTES:
            self._text = text
            return
        first = "it is too long" if isinstance(parsed, RuleSet) else parsed[0].message
        line = 0 if isinstance(parsed, RuleSet) else parsed[0].line
        _LOG.error("rules: %s:%d: %s; the rules before stay", self._path, line, first)

    def _put(self, text: str) -> None:
        at_ms = int(time.time() * 1_000)
        packed = "".join(event.text or "" for event in rule_events(text, at_ms))
        entries = []
        for shard in range(self._shards):
            self._link.call("HSET", key(shard, "rules"), "digest", digest_of(text), "text", packed)
            address = f"{shard}/{self._shards}"
            body = b"".join(
                msgspec.json.encode(event) + b"\n" for event in rule_events(text, at_ms, address)
            )
            entries.append(Entry(shard, body, PRODUCER))
        # Entries that were appended before one had to wait change nothing when they come again.
        if not all(isinstance(one, Appended) for one in self._writer.append_many(entries)):
            raise SinkError("rules", "the log is full; is an engine folding it?", 1_000)


def watch_rules(settings: Settings, stop: threading.Event) -> threading.Thread | None:
    """Start the watch of an engine; None without a log.

    Raises:
        ConfigError: the rule file has mistakes.
    """
    if settings.redis_url is None:
        return None
    watch = RulesWatch(
        Link(settings.redis_url), settings.shards, settings.rules_file, rules_of(settings)
    )
    thread = threading.Thread(target=watch.run, args=(stop,), name="rules", daemon=True)
    thread.start()
    return thread


def rules_in_force(redis_url: str, shards: int) -> list[bytes]:
    """Lines that say which rules hold at the beginning of a recording; none if unknown.

    Raises:
        SinkError: Redis is away.
    """
    link = Link(redis_url)
    try:
        found = {
            shard: pairs(link.call("HGETALL", key(shard, "rules"))).get(b"text", b"")
            for shard in range(shards)
        }
    finally:
        link.close()
    same = len(set(found.values())) == 1
    lines: list[bytes] = []
    for shard, packed in found.items():
        text = unpack(packed.decode("ascii", "replace"))
        if text is None:
            continue
        address = "" if same else f"{shard}/{shards}"
        lines += [msgspec.json.encode(event) for event in rule_events(text, HEAD_MS, address)]
        if same:
            break
    return lines


HEAD_MS: Final = 946_684_800_000
"""Event time of the lines at a recording's head: before everything; nothing depends on it."""
