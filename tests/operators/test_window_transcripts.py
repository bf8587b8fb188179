"""Windows by transcript: a log and the rows it must give; those named bad must not pass."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.operators.one_room import Played, event, play, quiet_shard, tick, ticks

FOLDER = Path(__file__).parents[1] / "transcripts/windows"
BAD = sorted(FOLDER.glob("bad_*.toml"))
GOOD = sorted(set(FOLDER.glob("*.toml")) - set(BAD))


def lines_of(script: dict[str, Any]) -> list[bytes]:
    """The log: `{tick = ms}`, `{ticks = [from_s, to_s]}` or an event's fields, `at` in ms.

    A figure that has to be null is written "null", since TOML has none.
    """
    lines: list[bytes] = []
    for number, entry in enumerate(script["log"]):
        if "tick" in entry:
            lines.append(tick(entry["tick"]))
        elif "ticks" in entry:
            lines += ticks(*entry["ticks"])
        else:
            body = dict(entry)
            lines.append(event(body.pop("type"), body.pop("at"), number, **body))
    return lines


def differences(script: dict[str, Any], played: Played) -> list[str]:
    """What is not as the transcript says; rows of a window it names must be all there are."""
    wrong = []
    told = script.get("row", [])
    for window in script["windows"]:
        dimension = script.get("dimension", "room")
        got = sorted(played.metrics(window, dimension), key=_order)
        want = sorted((one for one in told if one["window"] == window), key=_order)
        shown = [(one["start"], one["end"], one["revision"], one["key"]) for one in got]
        expected = [
            (one["start"], one["end"], one.get("revision", 0), one.get("key")) for one in want
        ]
        if shown != expected:
            wrong.append(f"rows of {window}: {shown}, not {expected}")
            continue
        for row, one in zip(got, want, strict=True):
            metrics = row["metrics"]
            assert isinstance(metrics, dict)
            if one.get("session", row["session"]) != row["session"]:
                wrong.append(f"session of {window} to {one['end']}: {row['session']}")
            wrong += [
                f"{name} of {window} to {one['end']}: {metrics.get(name)}, not {value}"
                for name, value in one["metrics"].items()
                if name not in metrics or metrics[name] != (None if value == "null" else value)
            ]
            wrong += _nulls(window, row, one)
    if played.dead != script.get("dead", {}):
        wrong.append(f"dead letters: {dict(played.dead)}")
    wrong += [
        f"counter {name}: {played.counters.get(name, 0)}, not {value}"
        for name, value in script.get("counters", {}).items()
        if played.counters.get(name, 0) != value
    ]
    return wrong


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    """By time, key and correction; of sessions that read alike, the earlier first."""
    return (
        row["end"],
        row["start"],
        row.get("key") or "",
        row.get("revision", 0),
        row.get("session", 0) or 0,
    )


def _nulls(window: str, row: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """Differences in why figures are null, of those the transcript names; {}: none has to be."""
    if "nulls" not in told:
        return []
    got = {name: why for name, why in row["nulls"].items() if name in told["metrics"]}
    if got == told["nulls"]:
        return []
    return [f"nulls of {window} to {told['end']}: {got}, not {told['nulls']}"]


def run(path: Path, size: int) -> list[str]:
    script = tomllib.loads(path.read_text(encoding="utf-8"))
    shard = quiet_shard(**script.get("options", {}))
    closes = script.get("close", False)
    return differences(script, play(lines_of(script), shard, size=size, close=closes))


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_transcript_comes_true_in_any_batches(path: Path, size: int) -> None:
    assert run(path, size) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_transcript_fails_for_the_reason_it_names(path: Path) -> None:
    wrong = run(path, 0)
    assert len(wrong) == 1
    assert tomllib.loads(path.read_text(encoding="utf-8"))["because"] in wrong[0]


def test_there_are_transcripts_of_both_sorts() -> None:
    assert len(GOOD) >= 8
    assert BAD
