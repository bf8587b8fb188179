"""The results file: order and bytes follow from the rows alone."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from operators.results import Row
from sinks.results import encode_row, sort_key, sorted_lines
from sinks.results_file import ResultsFile, merged_lines, shard_file
from stream.errors import StateError

BASE = Row(
    "metric", "t1", "t1", "r1", "room", None, "1m", 0, 60_000, True, 0, {"metrics": {"view_pv": 1}}
)
ORDERED = [
    replace(BASE, end_ms=0),
    replace(BASE, kind="alert"),
    replace(BASE, kind="board"),
    replace(BASE, room_id=None),
    BASE,
    replace(BASE, revision=1),
    replace(BASE, window="r1"),
    replace(BASE, dimension="zone"),
    replace(BASE, dimension="zone", key="a"),
    replace(BASE, room_id="r2"),
    replace(BASE, group="t9"),
    replace(BASE, tenant="t2"),
    replace(BASE, end_ms=60_001),
]


def test_lines_are_ordered_by_time_then_place_then_revision_with_null_first() -> None:
    wanted = [encode_row(row) for row in ORDERED]
    for seed in range(5):
        mixed = Random(seed).sample(ORDERED, len(ORDERED))
        assert list(sorted_lines(mixed)) == wanted
    assert list(sorted_lines([])) == []


def test_rows_with_one_key_are_ordered_by_their_bytes() -> None:
    rows = [replace(BASE, body={"metrics": {"view_pv": value}}) for value in (3, 1, 2)]
    assert len({sort_key(row) for row in rows}) == 1
    assert list(sorted_lines(rows)) == list(sorted_lines(rows[::-1]))


def test_a_line_has_the_fields_of_the_row_and_of_its_body_keys_sorted() -> None:
    row = replace(
        BASE, body={"z": 1, "metrics": {"b": None, "a": {"num": 1, "den": 0}}}, key="商品"
    )
    line = encode_row(row)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    body = json.loads(line)
    assert list(body) == sorted(body)
    assert list(body["metrics"]) == ["a", "b"]
    assert (body["key"], body["room_id"], body["final"], body["z"]) == ("商品", "r1", True, 1)
    assert encode_row(replace(row, body=dict(reversed(list(row.body.items()))))) == line


def test_a_file_is_cut_to_what_the_snapshot_knows(tmp_path: Path) -> None:
    path = shard_file(tmp_path / "results", 3)
    file = ResultsFile(path, None)
    file.append([BASE])
    length = file.sync()
    file.append([replace(BASE, revision=1)])
    file.close()
    again = ResultsFile(path, length)
    again.append([replace(BASE, revision=7)])
    assert again.sync() == path.stat().st_size
    again.close()
    assert path.read_bytes() == encode_row(BASE) + encode_row(replace(BASE, revision=7))


def test_a_file_that_is_there_is_kept_when_one_begins_anew(tmp_path: Path) -> None:
    path = shard_file(tmp_path, 0)
    path.write_bytes(b"old\n")
    ResultsFile(path, None).close()
    assert path.read_bytes() == b""
    (kept,) = set(tmp_path.iterdir()) - {path}
    assert kept.read_bytes() == b"old\n"


def test_a_file_shorter_than_the_snapshot_knows_is_refused(tmp_path: Path) -> None:
    path = shard_file(tmp_path, 0)
    path.write_bytes(b"x")
    with pytest.raises(StateError, match="has 1 bytes"):
        ResultsFile(path, 2)


def test_files_of_shards_merge_into_the_order_of_one(tmp_path: Path) -> None:
    random = Random(2)
    rows = random.sample(ORDERED, len(ORDERED))
    for shard in range(3):
        file = ResultsFile(shard_file(tmp_path, shard), None)
        file.append(rows[shard::3])
        file.close()
    assert list(merged_lines(tmp_path)) == list(sorted_lines(rows))
    assert list(merged_lines(tmp_path / "none")) == []
