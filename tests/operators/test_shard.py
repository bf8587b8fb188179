"""The shard as a whole: final rows depend on the log alone."""

from collections.abc import Iterable
from functools import cache
from random import Random

import orjson
import pytest

from operators.results import Output, Row
from operators.shard import Record
from operators.snapshot import freeze, thaw
from sinks.results import sorted_lines
from stream.errors import StateError
from stream.formats import tick_line
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from tests.operators.recordings import TICK, pieces, recording, result_bytes, rows_of, shuffled


def last_revisions(rows: Iterable[Row]) -> dict[tuple[object, ...], object]:
    """Newest body of every row but alerts, by its identity."""
    newest: dict[tuple[object, ...], tuple[int, object]] = {}
    for row in rows:
        if row.kind == "metric":
            where = (row.tenant, row.room_id, row.dimension, row.key, row.window)
            identity = (*where, row.start_ms, row.end_ms, row.body["session_number"])
            newest[identity] = max(
                newest.get(identity, (-1, None)), (row.revision, row.body), key=lambda x: x[0]
            )
    return {identity: body for identity, (_, body) in newest.items()}


@cache
def plain_rows(seed: int, *, hard: bool = False, minutes: int = 4) -> tuple[Row, ...]:
    """Rows of a recording that nothing was done to."""
    return tuple(rows_of([recording(seed, hard=hard, minutes=minutes)]))


def plain_bytes(seed: int, *, hard: bool = False, minutes: int = 4) -> bytes:
    """Its results file."""
    return b"".join(sorted_lines(plain_rows(seed, hard=hard, minutes=minutes)))


@pytest.mark.parametrize("size", [1, 17, 400, 100_000])
def test_bytes_do_not_depend_on_the_batch_size(size: int) -> None:
    data = recording(1, hard=True, minutes=2)
    whole = plain_bytes(1, hard=True, minutes=2)
    assert whole
    assert result_bytes(pieces(data, size), size=1) == whole


@pytest.mark.parametrize("shards", [2, 5])
def test_bytes_do_not_depend_on_the_number_of_shards(shards: int) -> None:
    data = recording(2, hard=True)
    assert result_bytes([data], shards=shards) == plain_bytes(2, hard=True)


def test_a_snapshot_in_the_middle_changes_nothing() -> None:
    records = [
        Record(version_of(number), 0, piece)
        for number, piece in enumerate(pieces(recording(3, hard=True), 300), 1)
    ]
    straight = make_shard(0, Settings())
    want = [output.rows for record in records for output in straight.step([record])]
    want += [output.rows for output in straight.close()]
    shard = make_shard(0, Settings())
    got = []
    for record in records:
        got += [output.rows for output in shard.step([record])]
        successor = make_shard(0, Settings())
        thaw(successor, freeze(shard))
        shard = successor
    got += [output.rows for output in shard.close()]
    assert got == want


def test_flushing_changes_no_final_row() -> None:
    data = recording(4)
    shard = make_shard(0, Settings())
    rows: list[Row] = []
    for number, piece in enumerate(pieces(data, 50), 1):
        for output in shard.step([Record(version_of(number), 0, piece)]):
            rows += output.rows
        shard.flush(0)
    rows += [row for output in shard.close() for row in output.rows]
    assert list(sorted_lines(rows)) == list(sorted_lines(plain_rows(4)))


@pytest.mark.parametrize("seed", range(3))
def test_arrival_order_within_the_bound_changes_nothing(seed: int) -> None:
    data = recording(5)
    assert shuffled(data, seed, 1) != data
    metric_rows = [row for row in plain_rows(5) if row.kind != "alert"]
    other = [row for row in rows_of([shuffled(data, seed, 1)]) if row.kind != "alert"]
    assert sorted(map(str, other)) == sorted(map(str, metric_rows))


@pytest.mark.parametrize("seed", range(3))
def test_late_arrival_ends_in_the_same_last_revisions(seed: int) -> None:
    data = recording(6)
    late = rows_of([shuffled(data, seed, 40)])
    assert any(row.revision for row in late)
    assert last_revisions(late) == last_revisions(plain_rows(6))


def test_every_event_is_accounted_for() -> None:
    shard = make_shard(0, Settings())
    data = recording(7, hard=True)
    dead = [
        letter for output in shard.step([Record(version_of(1), 0, data)]) for letter in output.dead
    ]
    counters = shard.state.counters
    lines = [line for line in data.split(b"\n") if line.strip() and b'"type":"tick"' not in line]
    assert counters["in"] == len(lines)
    assert counters["in"] == counters["accepted"] + counters["duplicates"] + counters["dead"]
    assert counters["dead"] == len(dead)
    assert all(letter.raw[:4096] in data for letter in dead)


def test_rows_say_null_for_no_data_and_carry_their_terms() -> None:
    # Stock rows have texts and lists: tests of their own.
    for row in (one for one in rows_of([recording(8)]) if one.kind != "stock"):
        metrics = row.body.get("metrics", {})
        assert isinstance(metrics, dict)
        for name, value in metrics.items():
            if isinstance(value, dict):
                assert set(value) == {"num", "den", "value"}, name
                unknown = not value["den"] or value["num"] is None
                assert (value["value"] is None) == unknown, name
            else:
                assert value is None or isinstance(value, int), name


def test_a_snapshot_of_another_encoding_is_refused() -> None:
    import pickle

    with pytest.raises(StateError, match="encoding 99"):
        thaw(make_shard(0, Settings()), pickle.dumps({"encoding": 99}))


Screen = dict[str, dict[str, object]]
LINES_A_PART = 60


def put(screen: Screen, output: Output) -> None:
    """Take an output's patches in as Redis does: what is null goes."""
    for patch in output.patches:
        channel = screen.setdefault(patch.channel, {})
        for name, value in patch.fields.items():
            raw = value if isinstance(value, bytes) else orjson.dumps(value)
            channel[name] = orjson.loads(raw)
            if channel[name] is None:
                del channel[name]


def screen_of(parts: list[bytes], seed: int | None) -> Screen:
    """What stands in the end if it is flushed once; with a seed: if it is quick, full or in slices
    now and then, and if the shard dies and a successor folds again what it had said."""
    random = Random(seed)
    often = 0.0 if seed is None else 0.3
    shard, screen = make_shard(0, Settings()), Screen()
    saved, place, said = (0, freeze(shard)), 0, 0
    while place < len(parts):
        outputs = shard.step([Record(version_of(place + 1), 0, parts[place])])
        place += 1
        if random.random() < often:
            outputs.append(
                shard.flush(0, full=random.random() < 0.6, most=random.choice([20, None]))
            )
        for output in outputs:
            if place > said:  # Redis refuses what is older.
                put(screen, output)
        if place == said:
            shard.forget_sent()
        if random.random() < often / 3:
            saved = place, freeze(shard)
        if place > said and random.random() < often / 10:
            said, place = place, saved[0]
            shard = make_shard(0, Settings())
            thaw(shard, saved[1])
            if place == said:
                shard.forget_sent()
    put(screen, shard.flush(0))
    return {channel: fields for channel, fields in screen.items() if fields}


@cache
def _flushed_once(log: bytes) -> Screen:
    return screen_of(pieces(log, LINES_A_PART), None)


def screen_flushed_once(log: bytes) -> Screen:
    """What stands in the end if it is flushed once: a copy."""
    return {channel: dict(fields) for channel, fields in _flushed_once(log).items()}


@pytest.mark.parametrize("more_s", [-100, 0, 30, 400])
@pytest.mark.parametrize("seed", range(2))
def test_a_screen_ends_the_same_however_often_it_was_flushed_and_resumed(
    seed: int, more_s: int
) -> None:
    """While rooms are live, when they have ended, and when they are forgotten."""
    log = pieces(recording(9, hard=True), 1)
    ticked = [n for n, line in enumerate(log) if TICK in line]
    last_ms = int(orjson.loads(log[ticked[-1]])["event_time_ms"])
    log = log[: ticked[min(more_s, 0) - 1] + 1]
    log += [tick_line(last_ms + s * 1000) + b"\n" for s in range(1, more_s + 1)]
    parts = pieces(b"".join(log), LINES_A_PART)
    once, other = screen_flushed_once(b"".join(log)), screen_of(parts, seed)
    assert any("/keywords@" in channel for channel in once)
    assert sorted(once) == sorted(other)
    for channel, fields in once.items():
        # It is as of the last change or resend of the room's figures.
        for screen in (fields, other[channel]):
            screen.pop("meta.wm_ms", None)
        assert other[channel] == fields, channel
