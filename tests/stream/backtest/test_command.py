"""The back-test on simulated recordings, through the engine's own shard."""

import json
from pathlib import Path

import pytest

from simulators.api import HARD_DISORDER, Disorder, SimulationPlan, write_recording
from stream.backtest.command import backtest, shipped_rules
from stream.backtest.eta import EtaCase, eta_cases, eta_table, stock_events
from stream.backtest.evaluate import MARKS, into_document, report, run_session
from stream.backtest.labels import read_truth
from stream.backtest.play import alert_rows, read_rules
from stream.errors import ConfigError
from stream.formats import read_events
from stream.options import make_shard
from stream.replay import outputs
from stream.settings import Settings
from tests.operators.rules_facts import with_texts

NERVOUS = """
[[rule]]
name = "violation"
kind = "event"
metric = "violations"
window = "session"
incidents = ["violation"]

[[rule]]
name = "anyone"
kind = "threshold"
metric = "online_now"
window = "session"
above = 0
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "calls.ndjson"
    plan = SimulationPlan(scenario="violation", rooms=2, tenants=2, minutes=6, seed=4)
    write_recording(plan, path, path.with_name("calls.truth.json"))
    return path


def test_two_rule_files_stand_side_by_side(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nervous, calm = tmp_path / "nervous.toml", tmp_path / "calm.toml"
    nervous.write_text(with_texts(NERVOUS))
    calm.write_text(with_texts(NERVOUS.replace("above = 0", "above = 1000000")))
    page = tmp_path / "out.html"
    assert backtest([nervous, calm], [recording], Settings(), page) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert table["violation"][:5] == ["2", "2", "0", "0", "0"]
    assert table["violation"][:7] == table["violation"][7:]
    assert table["anyone"][:4] == ["2", "0", "0", "2"]
    assert table["anyone"][7:8] == ["–"]
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 1
    assert "violation" in html
    assert "<script" not in html


def test_without_labels_alerts_are_counted_and_nothing_is_judged(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.ndjson"
    bare.write_bytes(recording.read_bytes())
    assert backtest([], [bare], Settings()) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("violation"))
    assert line.split()[1:] == ["2", "–", "–", "–", "–", "–", "–"]


def test_mistakes_are_told_by_name(recording: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[[rule]]\nname = 1\n")
    with pytest.raises(ConfigError, match="line 2"):
        read_rules(bad)
    with pytest.raises(ConfigError, match="recordings"):
        backtest([], [tmp_path / "none.ndjson"], Settings())
    recording.with_name("odd.truth.json").write_text("[]")
    with pytest.raises(ConfigError, match="truth"):
        read_truth(recording.with_name("odd.ndjson"))


def test_alerts_do_not_depend_on_batches_or_on_what_overtook_what(tmp_path: Path) -> None:
    found = []
    for delay_ms in (0, 1_900):
        path = tmp_path / f"{delay_ms}.ndjson"
        plan = SimulationPlan(
            scenario="negative_comments", rooms=1, tenants=1, minutes=20, seed=3,
            disorder=Disorder(max_delay_ms=delay_ms),
        )  # fmt: skip
        write_recording(plan, path)
        rules, settings = shipped_rules(), Settings()
        rows = alert_rows(read_events(path, "ndjson", b""), rules, settings)
        again = alert_rows(_pieces(path), rules, settings)
        assert rows == again
        found.append(rows)
    assert found[0] == found[1]
    assert "negative_comments" in {row.dimension for row in found[0]}


def _pieces(path: Path) -> list[bytes]:
    lines = path.read_bytes().splitlines(keepends=True)
    return [b"".join(lines[place : place + 997]) for place in range(0, len(lines), 997)]


def test_ten_rooms_drain_one_pool_and_every_oversold_order_is_named(tmp_path: Path) -> None:
    path = tmp_path / "race.ndjson"
    plan = SimulationPlan(
        scenario="oversell_race", rooms=10, tenants=1, minutes=4, seed=5, disorder=HARD_DISORDER
    )
    truth = path.with_name("race.truth.json")
    write_recording(plan, path, truth)
    shard = make_shard(0, Settings())
    for _ in outputs(read_events(path, "ndjson", b""), [shard]):
        pass
    ledger = shard.groups["t1", "t1"].stock
    now_ms = shard.state.clock.watermark_ms()
    assert now_ms is not None
    pools = _stock(truth)
    oversold = 0
    for pool in pools:
        name = str(pool["pool"])
        for figures in (ledger.live(name, now_ms), ledger.figures(name, now_ms)):
            keys = ("on_hand", "reserved", "sold", "returned", "available")
            assert {key: figures[key] for key in keys} == {key: pool[key] for key in keys}
            assert figures["oversell_units"] == pool["oversold"]
            orders, expected = figures["oversell_orders"], pool["oversold_orders"]
            assert isinstance(orders, list)
            assert isinstance(expected, list)
            assert sorted(orders) == sorted(expected)
        oversold += int(str(pool["oversold"]))
    assert oversold > 0


def _stock(truth: Path) -> list[dict[str, object]]:

    data: dict[str, list[dict[str, object]]] = json.loads(truth.read_text(encoding="utf-8"))
    return data["stock"]


def test_a_session_of_the_evaluation_has_recall_and_intervals() -> None:
    session = run_session("stock_out", 11, 1, 12)
    assert session.scores.kinds["stock_out"].recall == 1
    text = report([session], 1, 12, 11)
    assert "| stock_out |" in text
    assert "| all |" in text


def test_an_eta_case_holds_when_the_moment_lies_in_its_interval() -> None:
    inside, before = EtaCase(300, 250, 100, 400, 100.0), EtaCase(300, 250, 100, 400, 99.0)
    assert inside.held
    assert not before.held
    assert "| 5 min | 2 | 50.0 % | 0 | 1 |" in eta_table([inside, before])


def test_no_sell_out_gives_no_case(recording: Path) -> None:
    truth = read_truth(recording)
    assert truth is not None
    events = stock_events(read_events(recording, "ndjson", b""))
    assert eta_cases(events, truth.incidents) == []


def test_the_tables_replace_what_stood_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"a\n{MARKS[0]}\nold\n{MARKS[1]}\nb\n")
    into_document(page, "new\n")
    assert page.read_text() == f"a\n{MARKS[0]}\nnew\n{MARKS[1]}\nb\n"
