from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson
import pytest

from operators.results import DeadLetter, Patch
from sinks.redis_client import Link
from sinks.redis_pending import Limits
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from stream.errors import FencedError, InvariantError, SinkError
from tests.sinks.outputs import ALERTS, BASE_MS, ROOM, alerts, output, state, stream, version

MakeSink = Callable[..., RedisSink]


@pytest.fixture
def make_sink(redis_server: RedisServer) -> Iterator[MakeSink]:
    sinks: list[RedisSink] = []

    def make(snapshot: bytes | None = None, limits: Limits | None = None) -> RedisSink:
        sinks.append(RedisSink(redis_server.url, 0, snapshot=snapshot, limits=limits))
        sinks[-1].claim()
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


def test_a_patch_lands_in_its_hash_the_directory_and_the_out_log(
    make_sink: MakeSink, link: Link
) -> None:
    sink = make_sink()
    written = sink.write([output(1, {"session.gmv_paid": 5, "r5.aov": None})])
    assert written.done
    guard = f"{version(1)}/{sink.fence}/000000000001"
    assert state(link, guards=True) == {"session.gmv_paid": "5", "_v": guard, "_s": "1"}
    entry = stream(link, "out")[-1]
    assert orjson.loads(entry.pop("d")) == {"session.gmv_paid": 5, "r5.aov": None}
    entry.pop("id")
    assert entry == {"c": ROOM, "k": "state", "e": sink.epoch, "s": "1", "t": str(BASE_MS + 1)}
    listed = link.call("HGET", "{0}:channels", ROOM)
    assert isinstance(listed, bytes)
    assert orjson.loads(listed) == {"kind": "state", "tenant": "t1"}


def test_each_out_entry_of_a_channel_has_the_next_sequence(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    for n in range(1, 6):
        sink.write([output(n, {"a": n}, alerts=(n,))])
    out = stream(link, "out")
    assert [e["s"] for e in out if e["k"] == "state"] == ["1", "2", "3", "4", "5"]
    assert [e["s"] for e in out if e["k"] == "log"] == ["1", "2", "3", "4", "5"]
    assert state(link, guards=True)["_s"] == "5"


def test_a_replay_cut_into_other_batches_changes_nothing(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    for n in range(1, 5):
        sink.write([output(n, {"a": n}, alerts=(n,), counters={"in": n})])
    before = {name: stream(link, name) for name in ("out", f"log:{ALERTS}")}
    again = sink.write([output(n, {"a": n}, alerts=(n,), counters={"in": n}) for n in range(1, 5)])
    # The state at the newest position is written once more, as by a successor; the rest is old.
    assert (again.done, again.old_count) == (True, 1)
    before["out"].append(stream(link, "out")[-1])
    assert orjson.loads(before["out"][-1]["d"]) == {"a": 4}
    assert {name: stream(link, name) for name in before} == before
    assert state(link) == {"a": "4"}


def test_two_writes_at_one_log_position_both_stand(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1}, counters={"in": 1})])
    sink.write([output(1, {"b": 2}, counters={"in": 2})])
    assert state(link) == {"a": "1", "b": "2"}
    assert link.call("HGET", "{0}:counters", "in") == b"2"


def test_a_successor_may_write_at_the_position_its_predecessor_died_at(
    make_sink: MakeSink, link: Link
) -> None:
    first = make_sink()
    for _ in range(3):
        first.write([output(1, {"a": 1})])
    successor = make_sink(first.snapshot())
    successor.write([output(1, {"b": 1})])
    assert successor.write([output(0, {"a": 0})]).old_count == 1
    assert state(link) == {"a": "1", "b": "1"}


def test_alerts_beyond_the_replayed_ones_are_appended_once(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(1, alerts=(10, 11)), output(2, alerts=(20,))])
    sink.write([output(2, alerts=(20, 21)), output(3, alerts=(30,))])
    assert alerts(link) == [f'{{"alert":{n}}}' for n in (10, 11, 20, 21, 30)]
    assert link.call("HGET", "{0}:logseq", ALERTS) == b"5"


def test_a_patch_of_many_parts_moves_the_guard_with_its_last(
    make_sink: MakeSink, link: Link
) -> None:
    fields = {f"f{i}": i for i in range(1_234)}
    make_sink().write([output(1, fields)])
    found = state(link, guards=True)
    assert found.pop("_v").startswith(version(1))
    assert found.pop("_s") == "3"
    assert found == {name: str(value) for name, value in fields.items()}


def test_dead_letters_are_kept_once_however_they_are_batched(
    make_sink: MakeSink, link: Link
) -> None:
    sink = make_sink()
    one, two, three = (DeadLetter("bad_json", b"{%d" % i, "why") for i in range(3))
    sink.write([output(1, dead=(one, two), counters={"dead": 2})])
    sink.write([output(2, dead=(two, three), counters={"dead": 3})])
    kept = stream(link, "dead")
    assert [letter["raw"] for letter in kept] == ["{0", "{1", "{2"]
    assert (kept[0]["reason"], kept[0]["detail"], kept[0]["v"]) == ("bad_json", "why", version(1))


def test_counters_are_absolute_and_never_go_back(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(5, counters={"in": 5, "wm_ms": 77})])
    sink.write([output(4, counters={"in": 4, "wm_ms": 66})])
    assert link.call("HMGET", "{0}:counters", "in", "wm_ms") == [b"5", b"77"]
    assert link.call("HGET", "{0}:meta", "wm") == b"77"


def test_a_sealed_channel_expires_and_a_late_patch_extends_its_life(
    make_sink: MakeSink, link: Link
) -> None:
    sink = make_sink(limits=Limits(sealed_ttl_ms=100_000))
    sink.write([output(1, {"a": 1}, retired=(ROOM,))])
    ttl_ms = link.call("PTTL", "{0}:" + ROOM)
    assert isinstance(ttl_ms, int) and 0 < ttl_ms <= 100_000
    listed = link.call("HGET", "{0}:channels", ROOM)
    assert isinstance(listed, bytes)
    assert orjson.loads(listed)["expires_ms"] == BASE_MS + 1 + 100_000
    link.call("PEXPIRE", "{0}:" + ROOM, 50_000)
    sink.write([output(2, {"a": 2})])
    ttl_ms = link.call("PTTL", "{0}:" + ROOM)
    assert isinstance(ttl_ms, int) and ttl_ms > 50_000


def test_expired_channels_leave_the_directory(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1}, channel=f"room:t1/r{i}") for i in range(3)])
    sink.write([output(2, retired=("room:t1/r0", "room:t1/r1"))])
    link.call("DEL", "{0}:room:t1/r0")
    assert sink.sweep() == 1
    names = link.call("HKEYS", "{0}:channels")
    assert isinstance(names, list)
    assert set(names) == {b"room:t1/r1", b"room:t1/r2"}


def test_what_no_gateway_needs_any_more_leaves_the_out_log(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink(limits=Limits(out_age_ms=3_600_000))
    sink.write([output(n, {"a": n}) for n in range(1, 4)])
    length = link.call("XLEN", "{0}:out")
    assert isinstance(length, int) and length > 0 and sink.trim() == 0
    link.call("DEL", "{0}:out")
    link.call("XADD", "{0}:out", "1-1", "c", "of 1970")
    sink.write([output(4, {"a": 4})])
    assert sink.trim() == 1
    assert link.call("XLEN", "{0}:out") == 1


def test_the_out_log_stays_near_its_length(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink(limits=Limits(out_maxlen=100))
    for n in range(1, 600):
        sink.write([output(n, {"a": n})])
    length = link.call("XLEN", "{0}:out")
    assert isinstance(length, int) and 100 <= length < 300


def test_an_older_claim_is_fenced(make_sink: MakeSink, link: Link) -> None:
    old = make_sink()
    old.write([output(1, {"a": 1})])
    new = make_sink()
    assert new.fence > old.fence
    with pytest.raises(FencedError):
        old.write([output(2, {"a": 2}, alerts=(2,), counters={"in": 2})])
    with pytest.raises(FencedError):
        old.new_epoch()
    assert state(link) == {"a": "1"}
    assert new.write([output(3, {"a": 3})]).done


def test_a_claim_after_a_wipe_is_above_every_claim_before_it(
    make_sink: MakeSink, link: Link
) -> None:
    old = make_sink()
    link.call("FLUSHALL")
    new = make_sink()
    assert new.fence > old.fence
    with pytest.raises(FencedError):
        old.write([output(1, {"a": 1})])


def test_the_epoch_outlives_the_engine_that_made_it(make_sink: MakeSink, link: Link) -> None:
    first = make_sink()
    second = make_sink()
    assert first.epoch == second.epoch
    assert [e["e"] for e in stream(link, "out") if e["k"] == "epoch"] == [first.epoch]


def test_writing_without_a_claim_is_a_bug(redis_server: RedisServer) -> None:
    sink = RedisSink(redis_server.url, 0)
    with pytest.raises(InvariantError):
        sink.write([output(1, {"a": 1})])
    sink.close()


def test_a_flushed_redis_is_a_lost_state_until_all_is_rewritten(
    make_sink: MakeSink, link: Link
) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1, "b": 1})])
    link.call("FLUSHALL")
    assert sink.write([output(2, {"b": 2})]).lost_state
    assert sink.write([output(3, {"b": 3})]).lost_state
    assert link.call("DBSIZE") == 0, "nothing is written on lost guards"
    old_epoch = sink.epoch
    epoch = sink.new_epoch()
    assert sink.rewrite([output(3, {"a": 1, "b": 3})]).done
    assert epoch != old_epoch
    assert state(link) == {"a": "1", "b": "3"}
    out = stream(link, "out")
    assert [(e["k"], e["e"]) for e in out] == [("epoch", epoch), ("state", epoch)]


def test_a_redis_that_went_back_in_time_is_a_lost_state(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1, "stale": 1})])
    link.call("HINCRBY", "{0}:meta", "writes", -1)  # as a replica that missed the last write
    assert sink.write([output(2, {"a": 2})]).lost_state
    sink.new_epoch()
    sink.rewrite([output(2, {"a": 2})])
    assert state(link) == {"a": "2"}, "fields that are gone do not survive a rewrite"
    assert state(link, guards=True)["_s"] == "3", "the sequence goes on, so that gaps show"


def test_a_channel_rewritten_in_several_patches_is_all_of_them(
    make_sink: MakeSink, link: Link
) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1, "gone": 1})])
    whole = output(2, {"a": 2})
    sink.rewrite([replace(whole, patches=(*whole.patches, Patch(ROOM, {"mark": 3})))])
    assert state(link) == {"a": "2", "mark": "3"}


def test_a_successor_learns_from_the_snapshot_that_redis_lost_its_state(
    make_sink: MakeSink, redis_server: RedisServer, link: Link
) -> None:
    first = make_sink()
    first.write([output(1, {"a": 1})])
    snapshot = first.snapshot()
    for lose, lost in (("PING", False), ("FLUSHALL", True)):
        link.call(lose)
        with_snapshot = RedisSink(redis_server.url, 0, snapshot=snapshot)
        assert with_snapshot.claim().lost_state is lost
        with_snapshot.close()


def test_an_engine_without_a_snapshot_starts_over_what_stands(
    make_sink: MakeSink, link: Link
) -> None:
    old = make_sink()
    old.write(
        [output(9, {"a": 9}, alerts=(9,), counters={"dead": 1}, dead=(DeadLetter("x", b""),))]
    )
    new = make_sink()
    epoch = new.reset()
    assert epoch != old.epoch
    new.write([output(1, {"b": 1}, alerts=(1,))])
    assert state(link) == {"b": "1"}
    assert alerts(link) == ['{"alert":1}']
    assert link.call("EXISTS", "{0}:counters") == 0


def test_pending_writes_of_a_killed_engine_are_written_by_its_successor(
    make_sink: MakeSink, redis_server: RedisServer, link: Link
) -> None:
    lonely = RedisSink("redis://127.0.0.1:1/0", 0)
    lonely._pending.add(output(1, {"a": 1}, alerts=(1,)))
    successor = make_sink(lonely.snapshot())
    assert successor.write().done
    assert state(link) == {"a": "1"} and alerts(link) == ['{"alert":1}']
    lonely.close()


def test_a_wrong_type_in_redis_stops_with_the_reason(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    link.call("SET", "{0}:" + ROOM, "not ours")
    with pytest.raises(SinkError, match="WRONGTYPE") as caught:
        sink.write([output(1, {"a": 1})])
    assert caught.value.retry_after_ms is None


def test_a_redis_that_may_evict_our_keys_is_warned_of(
    make_sink: MakeSink, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    make_sink()
    assert "evict" not in caplog.text
    link.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        make_sink()
    finally:
        link.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert "may evict our keys (maxmemory-policy allkeys-lru)" in caplog.text


def test_scripts_that_the_server_forgot_are_loaded_again(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.write([output(1, {"a": 1})])
    link.call("SCRIPT", "FLUSH")
    assert sink.write([output(2, {"a": 2}, alerts=(2,), counters={"in": 1})]).done
    assert state(link) == {"a": "2"}


def test_what_is_posted_is_as_what_is_written(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    for n in range(1, 4):
        assert not sink.post([output(n, {"a": n, f"b{n}": n}, alerts=(n,))]).done
    sink.post([output(4, {"c": 4})], replace=True)
    sink.land()
    assert sink.pending_count == 0
    assert state(link) == {"c": "4"}
    assert len(alerts(link)) == 3
    assert [e["s"] for e in stream(link, "out") if e["k"] == "state"] == ["1", "2", "3", "4"]


def test_what_is_posted_waits_for_the_answer_in_a_snapshot(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.post([output(1, {"a": 1}, alerts=(1,))])
    successor = make_sink(snapshot=sink.snapshot())
    assert successor.pending_count == 2
    assert successor.write().done
    assert len(alerts(link)) == 1
    assert state(link) == {"a": "1"}


def test_the_answer_to_a_post_is_heard_by_the_next_call(make_sink: MakeSink, link: Link) -> None:
    old = make_sink()
    old.write([output(1, {"a": 1})])
    link.call("FLUSHALL")
    assert not old.post([output(1, {"a": 1})]).lost_state
    assert old.post([output(2, {"a": 2})]).lost_state
    old.new_epoch()
    make_sink()
    old.post([output(3, {"a": 3})])
    with pytest.raises(FencedError):
        old.land()


def test_nothing_comes_between_a_post_and_its_answer(make_sink: MakeSink, link: Link) -> None:
    sink = make_sink()
    sink.post([output(1, {"a": 1})])
    sink.sweep()
    sink.post([output(2, {"a": 2})])
    sink.new_epoch()
    assert sink.write([output(3, {"a": 3})]).done
    assert state(link) == {"a": "3"}
