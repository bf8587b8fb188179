"""Transcripts: facts in, alerts out; the wrong ones must not pass."""

from pathlib import Path

import pytest

from tests.operators.rules_facts import play

FOLDER = Path(__file__).parents[1] / "transcripts/alerts"
RIGHT = sorted(FOLDER.glob("*.toml"))
WRONG = sorted((FOLDER / "wrong").glob("*.toml"))


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_transcript_comes_true(path: Path) -> None:
    told, expected = play(path)
    assert told == expected


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_transcript_fails(path: Path) -> None:
    told, expected = play(path)
    assert told != expected


def test_there_are_transcripts_of_both_sorts() -> None:
    assert RIGHT
    assert WRONG
