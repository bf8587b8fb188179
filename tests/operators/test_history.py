"""The charts' past is kept: bounded, packed, and the same after a snapshot."""

from operators.history import KEPT_MS, PACKED, Past
from operators.results import Output, Patch
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from stream.replay import version_of
from tests.operators.one_room import T0_MS, event, quiet_shard, tick

MINUTE_MS = 60_000


def history_of(patches: tuple[Patch, ...]) -> dict[str, dict[str, object]]:
    """Fields of the `hist:` channels."""
    return {p.channel: dict(p.fields) for p in patches if p.channel.startswith("hist:")}


def played(shard: Shard, minutes: int) -> dict[str, dict[str, object]]:
    """Fold a room with an event every 20 s; what was said of its past on the way."""
    said: dict[str, dict[str, object]] = {}
    for second in range(minutes * 60 + 10):
        lines = tick(second * 1_000)
        if second % 20 == 0:
            lines += event("enter", second * 1_000, second, second % 7)
        for output in shard.step([Record(version_of(second + 1), 0, lines)]):
            for channel, fields in history_of(output.patches).items():
                said.setdefault(channel, {}).update(fields)
    return said


def all_again(shard: Shard) -> Output:
    shard.forget_sent()
    return shard.flush(0)


def test_all_minutes_come_again_as_they_were_said() -> None:
    shard = quiet_shard()
    said = played(shard, 3 * PACKED)
    assert len(said["hist:t1/r1"]) > 2 * PACKED
    assert history_of(shard.flush(0).patches) == {}
    assert history_of(all_again(shard).patches) == said


def test_a_snapshot_keeps_them() -> None:
    shard, other = quiet_shard(), quiet_shard()
    said = played(shard, 2 * PACKED + 3)
    thaw(other, freeze(shard))
    assert history_of(other.flush(0).patches) == {}
    assert history_of(all_again(other).patches) == said


def test_a_correction_takes_the_place_of_its_minute() -> None:
    past = Past()
    for minute in range(40):
        past.put(minute, {f"{minute}.a": minute, f"{minute}.b": 0}, 100)
    past.put(39, {"39.a": 7}, 100)
    past.put(0, {"0.a": 9}, 100)
    fields = past.fields()
    assert len(fields) == 80
    assert (fields["39.a"], fields["39.b"], fields["0.a"], fields["1.a"]) == (7, 0, 9, 1)


def test_the_past_is_bounded_and_may_be_switched_off() -> None:
    past = Past()
    for minute in range(1_000):
        past.put(minute, {str(minute): minute}, 60)
    kept = past.fields()
    assert 60 - PACKED < len(kept) <= 60
    assert max(map(int, kept)) == 999
    shard = quiet_shard(history_minutes=0)
    assert played(shard, 3)
    assert history_of(all_again(shard).patches) == {}


def test_a_room_that_has_been_silent_for_a_day_is_forgotten() -> None:
    shard = quiet_shard()
    played(shard, 3)
    shard.step([Record(version_of(9_000), 0, event("enter", 200_000, 9_001, 1) + tick(200_000))])
    late = T0_MS + 200_000 + KEPT_MS + 40 * MINUTE_MS - T0_MS
    lines = tick(late) + event("enter", late, 9_002, 1, room_id="r2") + tick(late + 120_000)
    shard.step([Record(version_of(9_001), 0, lines)])
    shard.step([Record(version_of(9_002), 0, tick(late + 240_000))])
    assert set(history_of(all_again(shard).patches)) == {"hist:t1/r2"}


def test_what_is_said_again_of_a_sealed_room_expires_again() -> None:
    shard = quiet_shard()
    played(shard, 2)
    end = 3 * MINUTE_MS
    shard.step(
        [
            Record(
                version_of(9_000),
                0,
                event("room_status", end, 9_000, status="end") + tick(end) + tick(end + 400_000),
            )
        ]
    )
    assert shard.flush(0).retired == ()
    again = all_again(shard)
    assert {"room:t1/r1", "hist:t1/r1"} <= set(again.retired)
