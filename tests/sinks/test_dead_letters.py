from collections.abc import Iterator

import pytest

from operators.results import DeadLetter, Output
from sinks.dead_letters import Retried, counts, letter, letters, retry
from sinks.log_writer import LogWriter
from sinks.redis_client import Link
from sinks.redis_pending import Limits
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from stream.errors import SinkError
from tests.sinks.outputs import BASE_MS, stream, version

SHARDS = 2


@pytest.fixture
def writer(redis_server: RedisServer) -> Iterator[LogWriter]:
    writer = LogWriter(Link(redis_server.url), SHARDS, limit_bytes=100_000)
    yield writer
    writer.close()


def keep(server: RedisServer, shard: int, *found: DeadLetter, maxlen: int = 10_000) -> None:
    """Store letters as the engine does."""
    totals = {"dead": len(found)}
    for one in found:
        totals[f"dead.{one.reason}"] = totals.get(f"dead.{one.reason}", 0) + 1
    sink = RedisSink(server.url, shard, limits=Limits(dead_maxlen=maxlen))
    sink.claim()
    assert sink.write([Output(shard, version(1), BASE_MS, dead=found, counters=totals)]).done
    sink.close()


def test_letters_of_all_shards_are_listed_newest_first_and_by_reason(
    redis_server: RedisServer, link: Link
) -> None:
    keep(redis_server, 0, DeadLetter("bad_json", b"{", "cut"), DeadLetter("too_late", b"{}"))
    keep(redis_server, 1, DeadLetter("bad_json", b"\x00\xff"))
    found = letters(link, SHARDS)
    assert [one.kept_ms for one in found] == sorted((o.kept_ms for o in found), reverse=True)
    assert {(one.shard, one.reason, one.raw, one.detail) for one in found} == {
        (0, "bad_json", b"{", "cut"),
        (0, "too_late", b"{}", ""),
        (1, "bad_json", b"\x00\xff", ""),
    }
    assert [one.reason for one in letters(link, SHARDS, reason="too_late")] == ["too_late"]
    assert len(letters(link, SHARDS, limit=1)) == 1
    assert counts(link, SHARDS) == {"bad_json": 2, "too_late": 1}
    assert letters(link, SHARDS, reason="unheard of") == []


def test_one_letter_is_found_by_its_id(redis_server: RedisServer, link: Link) -> None:
    keep(redis_server, 1, DeadLetter("bad_json", b"{"))
    (kept,) = letters(link, SHARDS)
    assert letter(link, 1, kept.id) == kept
    assert letter(link, 0, kept.id) is None
    with pytest.raises(SinkError):
        letter(link, 0, "no id")


def test_more_letters_than_a_page_are_all_found(redis_server: RedisServer, link: Link) -> None:
    many = [DeadLetter("bad_json", b"%d" % i) for i in range(1_203)]
    keep(redis_server, 0, *many)
    assert [one.raw for one in letters(link, SHARDS)] == [one.raw for one in reversed(many)]


def test_only_the_newest_letters_are_kept(redis_server: RedisServer, link: Link) -> None:
    many = [DeadLetter("bad_json", b"%d" % i * 1_000) for i in range(300)]
    keep(redis_server, 0, *many, maxlen=100)
    kept = letters(link, SHARDS)
    assert 100 <= len(kept) < 200
    assert kept[0].raw == many[-1].raw[:4_096]
    assert counts(link, SHARDS) == {"bad_json": 300}, "the totals go on"


def test_a_retry_appends_the_raw_lines_to_their_shards_and_removes_the_letters(
    redis_server: RedisServer, link: Link, writer: LogWriter
) -> None:
    keep(redis_server, 0, DeadLetter("x", b'{"a":1}'), DeadLetter("x", b'{"a":2}\n'))
    keep(redis_server, 1, DeadLetter("x", b'{"a":3}'), DeadLetter("x", b"y" * 9_000))
    assert retry(link, writer, letters(link, SHARDS)) == Retried(3, 1, 0)
    (entry,) = stream(link, "in")
    assert sorted(entry["b"].splitlines()) == ['{"a":1}', '{"a":2}']
    assert entry["g"] == "deadletters"
    (left,) = letters(link, SHARDS)
    assert left.cut and left.shard == 1


def test_a_retry_of_many_letters_keeps_entries_bounded(
    redis_server: RedisServer, link: Link, writer: LogWriter
) -> None:
    keep(redis_server, 0, *(DeadLetter("x", b"%d" % i) for i in range(1_100)))
    assert retry(link, writer, letters(link, SHARDS)).sent_count == 1_100
    assert max(entry["b"].count("\n") for entry in stream(link, "in")) == 500


def test_a_retry_into_a_full_shard_leaves_the_letters(
    redis_server: RedisServer, link: Link, writer: LogWriter
) -> None:
    keep(redis_server, 0, DeadLetter("x", b"{}"))
    writer.append(0, b"x" * 200_000)
    assert retry(link, writer, letters(link, SHARDS)) == Retried(0, 0, 1)
    assert len(letters(link, SHARDS)) == 1
