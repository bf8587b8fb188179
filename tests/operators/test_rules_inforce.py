"""Which rules hold when: entries in the log, their place, their address, their survival."""

from collections.abc import Sequence

import msgspec
import pytest

from operators.plan import Plan
from operators.results import Output
from operators.rules.inforce import InForce, digest_of, pack, rule_events, unpack
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from stream.events import Event
from stream.ids import shard_of
from tests.operators.rules_facts import DEFAULT, rules_of, with_texts

T0 = 1_793_534_400_000
FEW = with_texts(
    """
[[rule]]
name = "few"
kind = "threshold"
metric = "online_now"
window = "session"
below = 5
"""
)
MANY = FEW.replace('"few"', '"many"').replace("below = 5", "above = 1")


def test_a_rule_file_survives_packing_and_a_broken_one_is_none() -> None:
    text = DEFAULT.read_text()
    packed = "".join(pack(text))
    assert unpack(packed) == text
    assert len(packed) < len(text)
    assert unpack(packed[:-8]) is None
    assert unpack("häh") is None
    assert unpack("AAAA") is None


def test_a_bomb_is_refused() -> None:
    assert unpack("".join(pack("#" * (1 << 20)))) is not None
    assert unpack("".join(pack("#" * ((1 << 20) + 1)))) is None


def test_a_long_file_comes_in_parts_and_holds_when_all_are_there() -> None:
    long = FEW + "".join(f"# {digest_of(str(n))}\n" for n in range(1_500))
    events = list(rule_events(long, T0))
    assert len(events) > 1
    force = InForce(rules_of(MANY))
    for event in events[:-1]:
        assert force.take(event)
    assert not force.turn()
    assert force.take(events[-1])
    assert force.of("t1", "t1").digest == rules_of(MANY).digest, "not before the next beat"
    assert force.turn()
    assert force.of("t1", "t1").digest == digest_of(long)
    again = InForce(rules_of(MANY))
    again.restore(force.snapshot())
    assert again.of("t1", "t1").digest == digest_of(long)


@pytest.mark.parametrize(
    "change",
    [
        {"target_id": "0" * 16},
        {"text": "AAAA"},
        {"qty": 0},
        {"value": 1},
        {"qty": 1_000_000},
        {"status": "8/8"},
        {"status": "x/y"},
    ],
)
def test_an_entry_that_makes_no_sense_changes_nothing(change: dict[str, object]) -> None:
    [event] = rule_events(FEW, T0)
    force = InForce(rules_of(MANY))
    bent = msgspec.convert({**msgspec.to_builtins(event), **change}, Event)
    assert not force.take(bent)
    assert not force.turn()


def test_an_entry_may_be_for_the_groups_of_one_shard() -> None:
    force = InForce(rules_of(MANY))
    for event in rule_events(FEW, T0, f"{shard_of('t1', 't1', 8)}/8"):
        assert force.take(event)
    assert force.turn()
    assert force.of("t1", "t1").digest == digest_of(FEW)
    other = next(
        f"t{n}" for n in range(99) if shard_of(f"t{n}", None, 8) != shard_of("t1", None, 8)
    )
    assert force.of(other, other).digest == rules_of(MANY).digest


def test_rules_that_are_tried_out_hold_whatever_the_log_says() -> None:
    force = InForce(rules_of(MANY), fixed=True)
    for event in rule_events(FEW, T0):
        assert force.take(event)
    assert not force.turn()
    assert force.of("t1", "t1").digest == rules_of(MANY).digest


def log() -> list[bytes]:
    """A room with three viewers; at second 20 other rules, at second 40 the first again."""
    lines = []
    for second in range(60):
        at_ms = T0 + second * 1_000
        tick = {"event_id": f"k{second}", "source": "c", "type": "tick", "event_time_ms": at_ms}
        lines.append(msgspec.json.encode(tick))
        enter = {
            "event_id": f"e{second}", "source": "/r", "type": "comment", "tenant": "t1",
            "room_id": "r1", "user_id": f"{second % 3:016x}", "event_time_ms": at_ms,
        }  # fmt: skip
        lines.append(msgspec.json.encode(enter))
        if second in (20, 40):
            text = MANY if second == 20 else FEW
            lines += [msgspec.json.encode(event) for event in rule_events(text, at_ms)]
    return lines


def told(outputs: Sequence[Output]) -> list[tuple[str, object, int]]:
    return [
        (row.dimension, row.body["state"], (row.end_ms - T0) // 1_000)
        for output in outputs
        for row in output.rows
        if row.kind == "alert"
    ]


def run(batch: int, *, kill: bool = False, fixed: bool = False) -> list[tuple[str, object, int]]:
    def fresh(text: str) -> Shard:
        return Shard(0, Plan(), rules_of(text), fixed_rules=fixed)

    shard, found, lines = fresh(FEW), list[Output](), log()
    for number, place in enumerate(range(0, len(lines), batch)):
        body = b"\n".join(lines[place : place + batch])
        found += shard.step([Record(f"{number:013d}-{0:020d}", 0, body)])
        if kill:
            # The successor was started with another file; the log decides all the same.
            again = fresh(MANY if number else FEW)
            thaw(again, freeze(shard))
            shard = again
    assert "rules_refused" not in shard.state.counters
    return told(found)


def test_a_reload_holds_from_the_next_beat_in_any_batches_and_after_a_kill() -> None:
    whole = run(10_000)
    assert whole == [
        ("few", "firing", 0),
        ("few", "resolved", 20),
        ("many", "firing", 20),
        ("many", "resolved", 40),
        ("few", "firing", 40),
    ]
    assert run(1) == run(7) == run(9, kill=True) == whole
    assert {rule for rule, _, _ in run(7, fixed=True)} == {"few"}


def test_rules_are_not_counted_as_events() -> None:
    shard = Shard(0, Plan(), rules_of(FEW))
    shard.step([Record(f"{1:013d}-{0:020d}", 0, b"\n".join(log()))])
    assert shard.state.counters["in"] == shard.state.counters["accepted"] == 60


SHOP = with_texts(
    """
[[rule]]
name = "shop"
kind = "threshold"
scope = "group"
metric = "comment_per_min"
window = "r5"
above = 0
"""
)


def test_a_rule_of_scope_group_sees_all_rooms_together() -> None:
    shard = Shard(0, Plan(), rules_of(SHOP))
    lines = [line for line in log() if b'"rules"' not in line]
    body = b"\n".join(
        lines + [line.replace(b'"r1"', b'"r2"').replace(b'"e', b'"f') for line in lines]
    )
    outputs = shard.step([Record(f"{1:013d}-{0:020d}", 0, body)])
    rows = [row for output in outputs for row in output.rows if row.kind == "alert"]
    assert [(row.room_id, row.key, row.body["state"]) for row in rows] == [(None, "t1", "firing")]
