"""Done-when B.1: engine and oracle agree on every figure the catalogue promises."""

from pathlib import Path

import pytest

from operators.catalogue import METRICS
from operators.catalogue.boards import BOARDS, TALK_BOARDS
from simulators.api import HARD_DISORDER, SimulationPlan, write_recording
from stream.oracle.verify import check_file, promised, verify
from stream.settings import Settings
from tests.stream.formats.support import shared_data

TWENTY_SESSIONS = SimulationPlan(
    "refund_surge",
    rooms=18,
    tenants=3,
    minutes=7,
    rate=60,
    seed=11,
    disorder=HARD_DISORDER,
    restart_rooms=4,
    endless_rooms=2,
    late_rooms=2,
)


A_CAMPAIGN = SimulationPlan(
    "flash_sale", rooms=3, minutes=7, rate=20, seed=4, disorder=HARD_DISORDER, restart_rooms=1
)


def test_twenty_sessions_with_everything_that_goes_wrong_agree(tmp_path: Path) -> None:
    path, with_campaign = tmp_path / "a.ndjson", tmp_path / "b.ndjson"
    write_recording(TWENTY_SESSIONS, path)
    write_recording(A_CAMPAIGN, with_campaign)
    report = check_file(path, "auto", Settings())
    assert report.mismatches == []
    other = check_file(with_campaign, "auto", Settings())
    assert other.mismatches == []
    assert report.unchecked == set()
    assert set(report.metrics) == {metric.name for metric in METRICS}
    assert set(report.compared) | set(other.compared) == set(promised())
    assert {name for name, _ in report.boards} == {
        *(board.name for board in BOARDS),
        *(board.name for board in TALK_BOARDS),
    }
    assert report.total > 20_000
    assert report.boards.total() > 1_000


@pytest.mark.parametrize(
    "parts",
    [
        ("uci_online_retail", "2010-12-01.csv"),
        ("otto", "train.jsonl"),
        ("bilibili_xml", "sample.xml"),
    ],
)
def test_recorded_files_agree(parts: tuple[str, ...]) -> None:
    report = check_file(shared_data(*parts), "auto", Settings())
    assert report.mismatches == []
    assert report.total > 100


def test_the_command_says_what_it_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ndjson"
    write_recording(SimulationPlan("calm", minutes=2, rate=5), path)
    assert verify([path], "ndjson", Settings()) == 0
    out = capsys.readouterr().out
    assert "values compared, 0 mismatches" in out
    path.write_bytes(b'{"event_time_ms":"none"}\n')
    assert verify([path], "ndjson", Settings()) == 1
