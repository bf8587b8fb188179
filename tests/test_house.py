"""House rules that no linter knows: file length, no registry hosts, no machine paths."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
MAX_LINES: Final = 400
CODE_SUFFIXES: Final = frozenset({".py", ".js", ".css", ".html", ".lua", ".sh"})

# Spelled in pieces, so that this file does not name what it forbids.
_HOSTS: Final = (
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "registry.npm" + "js.org",
    "npm" + "js.com",
)
_PATHS: Final = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/")
FORBIDDEN: Final = re.compile("|".join(re.escape(text) for text in (*_HOSTS, *_PATHS)))
ENGINE: Final = re.compile(r"(LIVEROOM, |stream\.cli" + r"\", |_argv\()\"run\"")
EXEMPTIONS: Final = re.compile(r"#\s*(type:\s*ignore|no" + r"qa|pragma:\s*no cover)")


def tracked_files() -> list[Path]:
    """Files git knows, else (a source archive) all files outside the tools' folders."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: the house rules are checked where files are committed")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """Text of a file; empty for a binary one."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_of_code_is_longer_than_the_cap() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(text_of(path).splitlines())
        for path in tracked_files()
        if path.suffix in CODE_SUFFIXES
    }
    assert {name: count for name, count in lengths.items() if count > MAX_LINES} == {}


def test_no_tracked_file_names_a_registry_host_or_a_machine_path() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {match.group()}"
        for path in tracked_files()
        for match in FORBIDDEN.finditer(text_of(path))
    ]
    assert found == []


@pytest.mark.parametrize("sample", [f"https://{_HOSTS[0]}/simple", f"{_PATHS[0]}main/x.py"])
def test_a_forbidden_name_is_found(sample: str) -> None:
    assert FORBIDDEN.search(sample)


def test_no_code_is_exempt_from_the_checks() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix == ".py" and EXEMPTIONS.search(text_of(path))
    ]
    assert found == []


def test_every_engine_of_a_test_is_one_whose_lines_are_counted() -> None:
    # A rig asserts in = accepted + duplicates + dead letters at its end, for all its children.
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {line.strip()}"
        for path in tracked_files()
        if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")
        for line in text_of(path).splitlines()
        if ENGINE.search(line) and ".child(" not in line
    ]
    assert found == []


@pytest.mark.parametrize("call", ["[LIVEROOM, {}, x]", '"stream.cli", {})', "_argv({})"])
def test_an_engine_without_a_rig_is_found(call: str) -> None:
    assert ENGINE.search(call.format('"run"'))


def test_every_requirement_is_locked_with_a_hash() -> None:
    for name in ("requirements.txt", "requirements-node.txt"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert lines
        assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 250


def test_the_changelog_begins_with_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unreleased"
