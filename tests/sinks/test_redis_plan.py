import tracemalloc

import orjson
import pytest

from operators.results import DeadLetter, LogEntry, Output, Patch
from sinks.redis_pending import Limits, Pending, explicit_id, freeze, thaw
from sinks.redis_plan import CALL_FIELDS, directory_entry, plan, settle, steps
from stream.errors import InvariantError, StateError
from tests.sinks.outputs import ALERTS, BASE_MS, ROOM, output, version


def test_an_empty_output_plans_nothing() -> None:
    assert plan(Output(0, version(1), BASE_MS)) == []


def test_every_key_of_a_plan_carries_the_tag_of_its_shard() -> None:
    everything = output(
        1,
        {"a": 1},
        alerts=(1,),
        dead=(DeadLetter("bad", b"x"),),
        counters={"dead": 1},
        retired=(ROOM, ALERTS),
        shard=7,
    )
    calls = plan(everything)
    assert {call.script for call in calls} == {"patch", "append_log", "dead", "counters", "retire"}
    assert all(key.startswith("{7}:") for call in calls for key in call.keys)


def test_a_patch_is_encoded_once_and_the_same_bytes_go_to_the_out_log() -> None:
    (call,) = plan(output(1, {"b": {"num": 1, "den": 2, "value": 0.5}, "a": None, "c": "é"}))
    encoded = call.args[9]
    assert isinstance(encoded, bytes)
    assert orjson.loads(encoded) == {
        "b": {"num": 1, "den": 2, "value": 0.5},
        "a": None,
        "c": "é",
    }
    assert call.args[10] == 2
    assert call.args[12:] == ("b", b'{"num":1,"den":2,"value":0.5}', "c", '"é"'.encode(), "a")


def test_a_large_patch_is_cut_into_bounded_calls_of_one_version() -> None:
    calls = plan(output(1, {f"f{i}": i for i in range(2 * CALL_FIELDS + 1)}))
    assert [call.args[10] for call in calls] == [CALL_FIELDS, CALL_FIELDS, 1]
    assert [call.args[1:4] for call in calls] == [(version(1), part, 3) for part in (1, 2, 3)]


def test_log_ids_follow_the_log_position_and_the_ordinal() -> None:
    assert explicit_id("0000000000005-00000000000000000002", 3) == f"5-{2 * 2**20 + 3}"
    # Beyond the 53 bits in which a double (a Lua number) is exact.
    assert explicit_id("0000000000005-00000000017179869183", 1) == f"5-{17179869183 * 2**20 + 1}"
    with pytest.raises(InvariantError):
        explicit_id(version(1), 2**20)


def test_pending_patches_coalesce_to_the_newest_value_and_version() -> None:
    pending = Pending(0)
    pending.add(output(1, {"a": 1, "b": 1}))
    pending.add(output(2, {"b": None, "c": 3}))
    (call,) = [step.call for step in steps(pending)]
    assert call.args[1] == version(2)
    assert call.args[9] == b'{"a":1,"b":null,"c":3}'


def test_what_waits_and_what_is_remembered_takes_what_it_is_long() -> None:
    """Redis may be away for long: orjson, for one, leaves 4 KiB behind each value it encoded."""
    pending, count = Pending(0), 1_000
    tracemalloc.start()
    pending.add(output(1, {f"f{n}": n for n in range(count)}, alerts=tuple(range(count))))
    kept = [directory_entry(f"room:t1/{n}") for n in range(count)]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept) == len(pending.entries) == count
    assert size < 3 * count * 512


def test_a_rewrite_replaces_what_was_pending_of_the_channel() -> None:
    pending = Pending(0)
    pending.add(output(1, {"gone": 1}))
    pending.add(output(2, {"a": 2}), replace=True)
    pending.add(output(3, {"b": 3}))
    (call,) = [step.call for step in steps(pending)]
    assert (call.args[4], call.args[9]) == (1, b'{"a":2,"b":3}')


def test_entries_beyond_the_bound_are_dropped_oldest_first_and_counted() -> None:
    pending = Pending(0, Limits(pending_entries=3, dead_maxlen=2))
    for n in range(5):
        pending.add(output(n, alerts=(n,), dead=(DeadLetter("bad", b"x"),)))
    assert [entry.data for entry in pending.entries] == [b'{"alert":%d}' % n for n in (2, 3, 4)]
    assert (pending.dropped_entries_count, pending.dropped_letters_count) == (2, 3)


def test_only_what_was_written_is_settled() -> None:
    pending = Pending(0)
    pending.add(output(1, {f"f{i}": i for i in range(CALL_FIELDS + 1)}, counters={"in": 1}))
    pending.add(output(2, {"a": 1}, channel="room:t1/r2", alerts=(1, 2)))
    planned = steps(pending)
    assert [step.call.script for step in planned] == ["patch"] * 3 + ["append_log", "counters"]
    settle(pending, planned, [True, False, True, False, True])
    assert list(pending.patches) == [ROOM]
    assert [len(pending.entries), pending.totals] == [2, None]
    again = steps(pending)
    settle(pending, again, [True] * len(again))
    assert not pending


def test_dead_letters_are_numbered_by_the_total_so_that_batches_do_not_matter() -> None:
    letters = tuple(DeadLetter("bad", b"%d" % i) for i in range(3))
    (call, _counters) = plan(output(1, dead=letters, counters={"dead": 10}))
    assert call.args[1::5] == (8, 9, 10)


@pytest.mark.parametrize(
    "bad",
    [
        Output(1, version(1), 0),
        Output(0, version(1), 0, patches=(Patch("nonsense:t/r", {}),)),
        Output(0, version(1), 0, patches=(Patch(ALERTS, {}),)),
        Output(0, version(1), 0, patches=(Patch("room:", {}),)),
        Output(0, version(1), 0, patches=(Patch(ROOM, {"_v": 1}),)),
        Output(0, version(1), 0, entries=(LogEntry(ROOM, 0, {}),)),
    ],
)
def test_an_output_that_cannot_be_is_a_broken_invariant(bad: Output) -> None:
    with pytest.raises(InvariantError):
        Pending(0).add(bad)


def test_pending_writes_survive_the_recovery_store() -> None:
    pending = Pending(0)
    letters = (DeadLetter("bad", b"\xff\x00"),)
    pending.add(output(1, {"a": None}, alerts=(1,), dead=letters, counters={"in": 1}))
    pending.add(output(2, retired=(ROOM,)))
    frozen = thaw(freeze(pending, "epoch", 42))
    assert (frozen.epoch, frozen.writes) == ("epoch", 42)
    again = frozen.pending(0, Limits())
    assert [step.call for step in steps(again)] == [step.call for step in steps(pending)]


def test_a_foreign_snapshot_is_refused_with_a_remedy() -> None:
    with pytest.raises(StateError, match="recovery"):
        thaw(b"nonsense")
