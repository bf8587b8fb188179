"""docs/redis.md, the table of keys and a live server say the same."""

import asyncio
import re
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from operators.results import CHANNELS, DeadLetter, LogEntry, Output, Patch
from sinks.gateway.demand import tell
from sinks.log_reader import LogReader
from sinks.log_writer import Appended, LogWriter
from sinks.redis_client import Link, Reply
from sinks.redis_keys import KEY_KINDS, KeyKind
from sinks.redis_plan import CALL_FIELDS, plan
from sinks.redis_reply import pairs
from sinks.redis_scripts import run_call
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from sinks.webhook import Webhook
from stream.options import rules_of
from stream.rules_watch import RulesWatch
from stream.settings import Settings
from tests.sinks.outputs import BASE_MS, version
from tests.sinks.test_log_reader import await_meta

DOCS: Final = Path(__file__).resolve().parents[2] / "docs" / "redis.md"
ROW: Final = re.compile(
    r"^\| `\{p\}:([^`]+)` \| (\w+) \| ((?:`[^`]+` ?)+)\| (.+) \|$", re.MULTILINE
)


def test_the_page_lists_exactly_the_kinds_of_keys() -> None:
    listed = [
        (pattern, kind, tuple(re.findall(r"`([^`]+)`", fields)), text)
        for pattern, kind, fields, text in ROW.findall(DOCS.read_text())
    ]
    assert listed == [(k.pattern, k.type, k.fields, k.help) for k in KEY_KINDS]


def test_the_page_lists_exactly_the_kinds_of_channels() -> None:
    page = DOCS.read_text()
    for kind, (behaviour, content) in CHANNELS.items():
        assert f"| `{kind}` | {behaviour} | {content} |" in page
    section = page.partition("## Channels")[2].partition("##")[0]
    assert len(re.findall(r"^\| `", section, re.MULTILINE)) == len(CHANNELS)


def test_a_live_server_holds_exactly_what_the_page_says(
    redis_server: RedisServer, link: Link
) -> None:
    _write_everything(redis_server, link)
    seen: dict[str, set[str]] = {}
    keys = link.call("KEYS", "*")
    assert isinstance(keys, list)
    for raw in keys:
        assert isinstance(raw, bytes)
        name = raw.decode()
        kind = _kind_of(name)
        kept_as = link.call("TYPE", name)
        assert kept_as == kind.type.encode(), name
        seen.setdefault(kind.name, set()).update(_pattern(kind, f) for f in _fields(link, name))
    assert seen == {kind.name: set(kind.fields) for kind in KEY_KINDS}


def _write_everything(server: RedisServer, link: Link) -> None:
    """Use every part that writes, so that every field turns up."""
    writer = LogWriter(Link(server.url), 1)
    first = writer.append(0, b"{}\n", producer="p")
    assert isinstance(first, Appended)
    writer.close()
    with LogReader(server.url, [0]) as reader:
        reader.trim(0, first.id, 0, 0)
        await_meta(link, b"durable", first.id.encode())
    sink = RedisSink(server.url, 0)
    sink.claim()
    states = [kind for kind, (behaviour, _) in CHANNELS.items() if behaviour == "state"]
    logs = [kind for kind, (behaviour, _) in CHANNELS.items() if behaviour == "log"]
    counters = {"in": 1, "dead": 1, "wm_ms": 5}
    everything = Output(
        0,
        version(1),
        BASE_MS,
        patches=tuple(Patch(f"{kind}:t1/r1", {"field": 1}) for kind in states),
        entries=tuple(LogEntry(f"{kind}:t1/t1", i, {}) for i, kind in enumerate(logs)),
        dead=(DeadLetter("bad_json", b"{"),),
        counters=counters,
        retired=("hist:t1/r1",),
    )
    assert sink.write([everything]).done
    # A first part of two whose second never came.
    assert CALL_FIELDS == 500, "as docs/redis.md says"
    large = Patch("room:t1/r1", {f"f{i}": i for i in range(CALL_FIELDS + 1)})
    first_part, _ = plan(Output(0, version(2), BASE_MS, patches=(large,)))
    run_call(link, first_part, sink._lead())
    hook = Webhook(server.url, [0], lambda _body, _headers: 204, "secret")
    hook.deliver()
    hook.close()
    sink.close()
    RulesWatch(link, 1, None, rules_of(Settings())).look()
    asyncio.run(_say_what_is_watched(server.url))


async def _say_what_is_watched(url: str) -> None:
    redis = Redis.from_url(url, protocol=2)
    await tell(redis, {0: frozenset({"room:t1/r1"})}, 1)
    await redis.aclose()


def _kind_of(name: str) -> KeyKind:
    tag, _, rest = name.partition(":")
    assert tag == "{0}", name
    fixed = {kind.pattern: kind for kind in KEY_KINDS if "<" not in kind.pattern}
    if rest in fixed:
        return fixed[rest]
    for kind in KEY_KINDS:
        prefix = kind.pattern.partition("<")[0]
        if prefix and "<" in kind.pattern and rest.startswith(prefix):
            return kind
    assert rest.partition(":")[0] in CHANNELS, f"{name} is not documented"
    return next(kind for kind in KEY_KINDS if kind.name == "state")


def _fields(link: Link, name: str) -> set[str]:
    kept_as = link.call("TYPE", name)
    if kept_as == b"hash":
        return {field.decode() for field in pairs(link.call("HGETALL", name))}
    if kept_as == b"zset":
        members = link.call("ZRANGE", name, 0, -1)
        assert isinstance(members, list)
        return {member.decode() for member in members if isinstance(member, bytes)}
    entries = link.call("XRANGE", name, "-", "+")
    assert isinstance(entries, list)
    return {field for entry in entries for field in _of_entry(entry)}


def _of_entry(entry: Reply) -> set[str]:
    assert isinstance(entry, list)
    return {field.decode() for field in pairs(entry[1])}


def _pattern(kind: KeyKind, field: str) -> str:
    """The documented name of a field: itself, or the one placeholder of its kind."""
    if field in kind.fields:
        return field
    placeholders = [name for name in kind.fields if name.startswith("<")]
    assert len(placeholders) == 1, f"{field} of {kind.pattern} is not documented"
    return placeholders[0]
