from pathlib import Path

import pytest

from simulators.api import SimulationPlan, write_recording
from stream.cli.main import run_cli


def test_there_and_back_the_results_stay(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, columns, back = (tmp_path / name for name in ("a.ndjson", "b.parquet", "c.ndjson"))
    write_recording(SimulationPlan("flash_sale", rooms=1, minutes=2), first)
    assert run_cli(["convert", str(first), "--out", str(columns)]) == 0
    assert run_cli(["convert", str(columns), "--out", str(back)]) == 0
    count = len(first.read_bytes().splitlines())
    assert capfd.readouterr().err.count(f"wrote {count} lines") == 2
    assert columns.stat().st_size < first.stat().st_size / 4
    results = []
    for path in (first, columns, back):
        assert run_cli(["replay", str(path), "--results", "-"]) == 0
        results.append(capfd.readouterr().out)
    assert results[0] == results[1] == results[2]
    assert len(results[0]) > 1_000


def test_a_file_that_exists_is_not_overwritten(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.ndjson"
    write_recording(SimulationPlan("flash_sale", rooms=1, minutes=2), source)
    for name in ("old.ndjson", "old.parquet"):
        out = tmp_path / name
        out.write_text("precious")
        assert run_cli(["convert", str(source), "--out", str(out)]) == 2
        assert "a new file" in capfd.readouterr().err
        assert out.read_text() == "precious"
