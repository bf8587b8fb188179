"""A shard's results file: cut where its snapshot says, merged in one order."""

import random
from pathlib import Path

import pytest

from operators.results import Row
from sinks.results import sorted_lines
from sinks.results_file import ResultsFile, merged_lines, shard_file
from stream.errors import StateError


def row(number: int, *, room: str | None = "r1", key: str | None = None) -> Row:
    """Return a metric row that ends at that minute."""
    end_ms = number * 60_000
    body = {"metrics": {"gmv_paid": number}}
    return Row(
        "metric", "t1", "t1", room, "room", key, "1m", end_ms - 60_000, end_ms, True, 0, body
    )


def test_a_successor_cuts_what_was_not_in_the_snapshot(tmp_path: Path) -> None:
    path = shard_file(tmp_path / "results", 3)
    first = ResultsFile(path, None)
    first.append([row(1), row(2)])
    length = first.sync()
    first.append([row(3)])
    first.close()
    second = ResultsFile(path, length)
    second.append([row(3), row(4)])
    second.close()
    assert list(merged_lines(path.parent)) == list(sorted_lines(map(row, (1, 2, 3, 4))))


def test_a_start_without_a_snapshot_keeps_the_earlier_file_aside(tmp_path: Path) -> None:
    path = shard_file(tmp_path, 0)
    first = ResultsFile(path, None)
    first.append([row(1)])
    first.close()
    ResultsFile(path, None).close()
    assert path.read_bytes() == b""
    (aside,) = [other for other in tmp_path.iterdir() if other != path]
    assert aside.read_bytes() == b"".join(sorted_lines([row(1)]))
    assert list(merged_lines(tmp_path)) == []


def test_a_file_shorter_than_its_snapshot_is_refused(tmp_path: Path) -> None:
    path = shard_file(tmp_path, 0)
    path.write_bytes(b"short\n")
    with pytest.raises(StateError, match="recovery directory says 100"):
        ResultsFile(path, 100)


def test_merged_shards_stand_in_the_order_of_one_file(tmp_path: Path) -> None:
    rows = [row(n, room=room, key=key) for n in range(9) for room in (None, "r2") for key in "ab"]
    random.Random(1).shuffle(rows)
    for shard in range(3):
        file = ResultsFile(shard_file(tmp_path, shard), None)
        file.append(rows[shard::3])
        file.close()
    assert list(merged_lines(tmp_path)) == list(sorted_lines(rows))
