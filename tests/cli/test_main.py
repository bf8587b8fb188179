"""The command line as a person meets it: help, exit codes, one clear line, never a traceback."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from sinks.gateway.auth import Claims, verify_token
from stream.cli import recordings
from stream.cli.main import COMMANDS, build_app, run_cli
from stream.formats import FORMAT_BY_NAME
from stream.settings import SETTINGS, Settings

ROOT = Path(__file__).resolve().parent.parent.parent
Capture = pytest.CaptureFixture[str]
NAMES = [name for name, _ in COMMANDS]


@pytest.fixture(autouse=True)
def _clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    for name in [name for name in os.environ if name.startswith("LIVEROOM_")]:
        monkeypatch.delenv(name)


def test_the_help_names_every_command(capsys: Capture) -> None:
    assert run_cli(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in NAMES if f" {name} " not in shown] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_command_has_an_environment_variable_and_a_help(name: str) -> None:
    group = typer.main.get_command(build_app())
    assert isinstance(group, TyperGroup)
    options = [p for p in group.commands[name].params if isinstance(p, TyperOption)]
    assert options
    shown = {p.name: p.envvar or "[env: " in (p.help or "") for p in options if p.name != "help"}
    assert [option for option, has_variable in shown.items() if not has_variable] == []
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_can_be_shown(name: str, capsys: Capture) -> None:
    assert run_cli([name, "--help"]) == 0
    assert f"liveroom {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["serve", "--prot", "1"],
        ["serve", "--port", "x"],
        ["serve", "--port", "99999"],
        ["run"],
        ["run", "--redis-url", "http://x"],
        ["replay"],
        ["replay", "no-such-file"],
        ["schema", "--config", "no-such-file"],
        ["check", "no-such-file"],
    ],
)
def test_misuse_is_one_line_and_exit_code_2(args: list[str], capsys: Capture) -> None:
    assert run_cli(args) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line for line in lines if line.startswith("liveroom: ")] == lines[-1:]
    assert "Traceback" not in "".join(lines)


def test_a_mistyped_option_is_answered_with_the_right_one(capsys: Capture) -> None:
    assert run_cli(["serve", "--prot", "1"]) == 2
    assert "--port" in capsys.readouterr().err


def test_the_schema_is_json(capsys: Capture) -> None:
    assert run_cli(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_the_catalogue_comes_as_markdown_or_json(capsys: Capture) -> None:
    assert run_cli(["metrics"]) == 0
    assert "`gmv_paid`" in capsys.readouterr().out
    assert run_cli(["metrics", "--json"]) == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)["metrics"]]
    assert "gmv_paid" in names


def test_check_prints_what_was_set_and_hides_secrets(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEROOM_TOKEN_SECRET", "s" * 40)
    assert run_cli(["check"]) == 0
    shown = capsys.readouterr()
    assert "token_secret = (hidden)" in shown.err
    assert "sss" not in shown.err + shown.out


def test_check_finds_a_bad_rule_with_its_line(capsys: Capture, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("this is no rule file [[[", encoding="utf-8")
    assert run_cli(["check", str(rules)]) == 2
    assert "rules.toml:" in capsys.readouterr().err


def test_docs_writes_the_pages(tmp_path: Path) -> None:
    assert run_cli(["docs", "--out", str(tmp_path / "docs")]) == 0
    assert (tmp_path / "docs" / "settings.md").read_text().startswith("# Settings")


def test_a_bug_is_one_line_too(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, object]:
        msg = "boom"
        raise RuntimeError(msg)

    monkeypatch.setattr("stream.schema.json_schema", broken)
    assert run_cli(["schema"]) == 1
    shown = capsys.readouterr().err
    assert "RuntimeError: boom" in shown
    assert "Traceback" not in shown


def test_the_modules_of_the_commands_import_nothing_heavy() -> None:
    heavy = ("bytewax", "numpy", "redis", "websockets", "operators", "sinks", "simulators")
    code = (
        "import sys\n"
        "from stream.cli.main import build_app\n"
        "build_app()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "module"), COMMANDS)
def test_a_command_teaches_with_its_docstring(name: str, module: str) -> None:
    body = importlib.import_module(f"stream.cli.{module}").command
    assert len((body.__doc__ or "").split()) > 8


def test_settings_reach_a_command_as_flags(capsys: Capture) -> None:
    assert run_cli(["check", "--stock-low-units", "3"]) == 0
    assert "stock_low_units = 3  (--stock-low-units)" in capsys.readouterr().err


def test_every_setting_without_a_secret_is_a_flag_of_some_command(capsys: Capture) -> None:
    shown = ""
    for name in NAMES:
        run_cli([name, "--help"])
        shown += capsys.readouterr().out
    assert [entry.flag for entry in SETTINGS if entry.flag and f"{entry.flag} " not in shown] == []


def test_a_token_is_made_for_a_role_and_verified_by_the_gateways_own_check(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEROOM_TOKEN_SECRET", "s" * 40)
    assert run_cli(["token", "--role", "screen", "--tenants", "t1", "--rooms", "r1,r2"]) == 0
    claims = verify_token(Settings(token_secret="s" * 40), capsys.readouterr().out.strip())
    assert isinstance(claims, Claims)
    assert (claims.role, claims.tenants, claims.rooms) == ("screen", ["t1"], ["r1", "r2"])


@pytest.mark.parametrize("args", [["--role", "king"], ["--token-ttl-s", "0"], []])
def test_a_token_needs_a_key_a_known_role_and_a_life_time(args: list[str], capsys: Capture) -> None:
    assert run_cli(["token", *args]) == 2
    assert "liveroom: " in capsys.readouterr().err


def test_the_version_is_the_one_of_the_project(capsys: Capture) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert run_cli(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"liveroom {project['version']}"


def test_the_formats_of_the_help_are_those_of_the_readers() -> None:
    assert ("auto", *(name for name in FORMAT_BY_NAME if name != "auto")) == recordings.FORMATS


def test_a_simulated_recording_is_replayed_verified_and_back_tested(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    recording, truth = tmp_path / "x.ndjson", tmp_path / "x.truth.json"
    made = ["simulate", "--out", str(recording), "--truth", str(truth), "--minutes", "2"]
    assert run_cli([*made, "--rooms", "1"]) == 0
    assert run_cli(["replay", str(recording), "--results", "-"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["kind"] for row in rows} >= {"metric", "board"}
    assert run_cli(["verify", str(recording)]) == 0
    assert run_cli(["backtest", str(recording)]) == 0
    assert "default rules" in capfd.readouterr().out
    rules = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path in rules:
        path.write_text("")
    assert run_cli(["backtest", *map(str, rules), str(recording)]) == 0
    out = capfd.readouterr().out
    assert all(f"{path}: 0 alerts" in out for path in rules)
    assert run_cli(["backtest", str(rules[0])]) == 2
