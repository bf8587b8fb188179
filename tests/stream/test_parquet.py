"""A Parquet recording is the NDJSON recording it was made of, to the fold and to everybody."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operators.columns import ColumnReader
from operators.intake import Intake, Record, RowsRecord, take_in
from operators.profiles import Names
from operators.shard import Shard
from simulators.api import HARD_DISORDER, SimulationPlan, simulate_lines
from sinks.results import sorted_lines
from stream.codec import encode
from stream.errors import ConfigError
from stream.formats import read_events
from stream.options import make_shard
from stream.parquet.read import row_groups
from stream.parquet.schema import LAYOUT, arrow
from stream.parquet.write import write_parquet
from stream.replay import Piece, outputs, pieces, run_replay
from stream.settings import Settings
from tests.operators.test_columns import events

SETTINGS = Settings(shards=2)
pa = arrow()


def parquet_of(lines: Iterable[bytes], folder: Path) -> Path:
    """Return a Parquet recording of lines."""
    out = folder / "made.parquet"
    out.unlink(missing_ok=True)
    write_parquet([b"\n".join(lines) + b"\n"], out)
    return out


def told(taken: Intake, reader: ColumnReader) -> list[tuple[object, ...]]:
    """Return all that the fold sees of the usable events."""
    columns = taken.columns
    if columns is None:
        return []
    names, profiles = reader.names, list(reader.profiles.number)
    return [
        (
            profiles[columns.profile[place]],
            *(getattr(columns, name)[place].item() for name in ("type", "time_ms", "user")),
            *(getattr(columns, name)[place].item() for name in ("has_user", "qty", "key")),
            names.text(int(columns.product[place])),
            columns.objects.get(place),
        )
        for place in range(columns.n)
    ]


ODD = st.sampled_from(
    [
        b"{",
        b'{"event_id":1}',
        b"\xff",
        b'{"event_id":"a","source":"s","type":"nonsense","event_time_ms":1793534400000}',
        b'{"event_id":"a","source":"s","type":"tick","event_time_ms":1793534400000,"qty":99999999999999999999}',
    ]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(events().map(encode), ODD), min_size=1, max_size=12))
def test_both_readers_say_the_same(tmp_path: Path, lines: list[bytes]) -> None:
    plain, columnar = ColumnReader(Names()), ColumnReader(Names())
    from_lines = take_in([Record("1", 0, b"\n".join(lines))], plain)
    groups = list(row_groups(parquet_of(lines, tmp_path)))
    from_rows = take_in([RowsRecord("1", 0, group) for group in groups], columnar)
    assert told(from_rows, columnar) == told(from_lines, plain)
    assert Counter(from_rows.dead) == Counter(from_lines.dead)
    assert from_rows.seen == from_lines.seen
    # No original lines of common events are kept; what they say is.
    for place in range(from_lines.columns.n if from_lines.columns is not None else 0):
        assert json.loads(from_rows.line_at(place)) == json.loads(from_lines.line_at(place))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a disorderly session as NDJSON, bad lines in it, and as Parquet."""
    folder = tmp_path_factory.mktemp("recordings")
    plan = SimulationPlan(
        scenario="flash_sale", rooms=3, tenants=2, minutes=4, rate=20, disorder=HARD_DISORDER
    )
    lines = folder / "session.ndjson"
    lines.write_bytes(b"".join(chunk.lines for chunk in simulate_lines(plan)))
    columns = folder / "session.parquet"
    write_parquet(read_events(lines, "ndjson", b""), columns)
    return lines, columns


def results(found: Iterable[Piece], shards: int = 1) -> list[bytes]:
    """Return the results file."""
    return list(sorted_lines(run_replay(found, settings=SETTINGS, shards=shards)))


def test_the_same_bytes_of_results(recording: tuple[Path, Path]) -> None:
    lines, columns = recording
    plain = results(read_events(lines, "auto", b""))
    assert len(plain) > 100
    assert results(pieces(columns, "auto", b"")) == plain
    assert results(pieces(columns, "parquet", b""), shards=3) == plain
    assert results(read_events(columns, "auto", b"")) == plain


def test_the_same_counters_and_dead_letters(recording: tuple[Path, Path]) -> None:
    def replayed(path: Path) -> tuple[Shard, Counter[str]]:
        shard = make_shard(0, SETTINGS)
        made = list(outputs(pieces(path, "auto", b""), [shard]))
        return shard, Counter(letter.reason for output in made for letter in output.dead)

    plain, columnar = map(replayed, recording)
    assert columnar[0].state.counters == plain[0].state.counters
    assert columnar[1] == plain[1]
    assert plain[1]


def test_small_row_groups_do_not_show(
    recording: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.parquet.write.ROWS_A_GROUP", 97)
    out = tmp_path / "small.parquet"
    write_parquet(read_events(recording[0], "ndjson", b""), out)
    assert len(list(row_groups(out))) > 50
    assert results(pieces(out, "auto", b"")) == results(pieces(recording[1], "auto", b""))


def test_a_hostile_file_is_judged_row_by_row(tmp_path: Path) -> None:
    """Rows that only look checked: a rare type without its line, a missing viewer, no time."""
    good = {"event_id": "a", "source": "s", "event_time_ms": 1_793_534_400_000, "tenant": "t"}
    place = {"room_id": "r", "user_id": "00000000000000ff"}
    types = ("enter", "comment", "room_status", "product_click", "enter")
    rows = [json.dumps({**good, **place, "type": name}).encode() for name in types]
    table = pa.parquet.read_table(
        parquet_of([json.dumps({**good, **place, "type": "enter"}).encode()] * 5, tmp_path)
    )
    profile = [
        json.dumps(["s", name, "t", None, "r", *[None] * 6], separators=(",", ":"))
        for name in types
    ]
    at = table.column_names.index
    table = table.set_column(at("profile"), "profile", pa.array(profile))
    table = table.set_column(at("type"), "type", pa.array(list(types)))
    table = table.set_column(
        at("event_time_ms"), "event_time_ms", pa.array([*[good["event_time_ms"]] * 4, 5])
    )
    hostile = tmp_path / "hostile.parquet"
    pa.parquet.write_table(table, hostile)
    (group,) = row_groups(hostile)
    taken = take_in([RowsRecord("1", 0, group)], ColumnReader(Names()))
    assert taken.columns is not None
    assert taken.columns.objects.keys() == {1}
    assert Counter(letter.reason for letter in taken.dead) == Counter(
        ["missing:status", "missing:product_id", "event_time_out_of_range"]
    )
    assert json.loads(taken.line_at(1)) == json.loads(rows[1])


def test_a_file_of_another_layout_is_told_by_its_lines(
    recording: tuple[Path, Path], tmp_path: Path
) -> None:
    """As after a version that knew other traits and fewer fields."""
    table = pa.parquet.read_table(recording[1]).drop_columns(["unit_cost_minor"])
    old = tmp_path / "old.parquet"
    metadata = {**table.schema.metadata, LAYOUT: b"type,source"}
    pa.parquet.write_table(table.replace_schema_metadata(metadata), old)
    assert results(pieces(old, "auto", b"")) == results(pieces(recording[1], "auto", b""))


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    pa.parquet.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(ConfigError, match="liveroom convert"):
        list(pieces(other, "auto", b""))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ConfigError, match="readable Parquet"):
        list(pieces(broken, "auto", b""))
    with pytest.raises(ConfigError, match="a new file"):
        write_parquet([], other)
