"""The shard as a whole: final rows depend on the log alone."""

import orjson
import pytest

from operators.results import Row
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from sinks.results import sorted_lines
from stream.errors import StateError
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from tests.operators.recordings import pieces, recording, result_bytes, rows_of, shuffled


def last_revisions(rows: list[Row]) -> dict[tuple[object, ...], object]:
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


@pytest.mark.parametrize("size", [1, 17, 400, 100_000])
def test_bytes_do_not_depend_on_the_batch_size(size: int) -> None:
    data = recording(1, hard=True, minutes=2)
    whole = result_bytes([data])
    assert whole
    assert result_bytes(pieces(data, size), size=1) == whole


@pytest.mark.parametrize("shards", [2, 5])
def test_bytes_do_not_depend_on_the_number_of_shards(shards: int) -> None:
    data = recording(2, hard=True)
    assert result_bytes([data], shards=shards) == result_bytes([data])


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
    assert list(sorted_lines(rows)) == list(sorted_lines(rows_of([data])))


@pytest.mark.parametrize("seed", range(3))
def test_arrival_order_within_the_bound_changes_nothing(seed: int) -> None:
    data = recording(5)
    assert shuffled(data, seed, 1) != data
    metric_rows = [row for row in rows_of([data]) if row.kind != "alert"]
    other = [row for row in rows_of([shuffled(data, seed, 1)]) if row.kind != "alert"]
    assert sorted(map(str, other)) == sorted(map(str, metric_rows))


@pytest.mark.parametrize("seed", range(3))
def test_late_arrival_ends_in_the_same_last_revisions(seed: int) -> None:
    data = recording(6)
    late = rows_of([shuffled(data, seed, 40)])
    assert any(row.revision for row in late)
    assert last_revisions(late) == last_revisions(rows_of([data]))


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


def screen_of(shard: Shard, data: bytes, step: int, size: int) -> dict[str, dict[str, object]]:
    """All fields a screen would hold after a recording flushed every `step` records."""
    fields: dict[str, dict[str, object]] = {}
    for number, piece in enumerate(pieces(data, size), 1):
        outputs = shard.step([Record(version_of(number), 0, piece)])
        if number % step == 0:
            outputs.append(shard.flush(0))
        for output in outputs:
            for patch in output.patches:
                channel = fields.setdefault(patch.channel, {})
                channel.update(
                    (name, orjson.loads(value) if isinstance(value, bytes) else value)
                    for name, value in patch.fields.items()
                )
    return {
        name: {k: v for k, v in channel.items() if v is not None}
        for name, channel in fields.items()
    }


def test_a_screen_ends_the_same_however_often_it_was_flushed() -> None:
    data = recording(9)
    often = screen_of(make_shard(0, Settings()), data, 1, 20)
    total = len(pieces(data, 20))
    once = screen_of(make_shard(0, Settings()), data, total, 20)
    for channel, fields in once.items():
        if channel.startswith("stock:"):
            continue  # velocities fade with time: they are as of the last change or beat
        for field, value in fields.items():
            if "prev_rank" not in orjson.dumps(value).decode():
                assert often[channel].get(field) == value, (channel, field)
