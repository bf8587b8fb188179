"""A jump ends where playing straight would have come to, wherever it starts from."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from simulators.api import write_recording
from simulators.plan import SimulationPlan
from stream import replay_scout
from stream.formats import read_events
from stream.replay_machine import Machine, Shown
from stream.replay_scout import Scout
from stream.replay_tape import Tape, make_tape
from stream.settings import Settings

SETTINGS = Settings()
SECONDS = (0, 67, 307, 427, 700)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    folder = tmp_path_factory.mktemp("tape")
    plan = SimulationPlan(scenario="stock_out", rooms=2, minutes=14, rate=20, seed=5, late_rooms=1)
    write_recording(plan, folder / "recording")
    tape = make_tape(read_events(folder / "recording", "auto", b"key"), folder / "tape")
    yield tape
    tape.close()


@pytest.fixture(scope="module")
def straight(tape: Tape) -> dict[int, Shown]:
    """What is shown at some places of a tape that was never wound."""
    found = {}
    machine = Machine(tape, SETTINGS)
    for number in [*places(tape), tape.count]:
        machine.play(tape.end(number), 0)
        machine.flush(0)
        found[number] = Machine(tape, SETTINGS, machine.freeze()).shown
    return found


def places(tape: Tape) -> list[int]:
    return [tape.reached(tape.from_ms + 1_000 * second) for second in SECONDS]


def plain(value: object) -> object:
    return orjson.loads(value) if isinstance(value, bytes) else value


def number(value: object) -> object:
    return value.get("num") if isinstance(value, dict) else value


def something(shown: Shown) -> dict[str, dict[str, object]]:
    """States without zeros: a key that came and went again is 0 only where somebody looked."""
    return {
        channel: {name: plain(one) for name, one in fields.items() if number(plain(one)) != 0}
        for channel, fields in shown.states.items()
    }


def test_every_place_is_the_same_from_wherever_one_jumps(
    tape: Tape, straight: dict[int, Shown], tmp_path: Path
) -> None:
    scout = Scout(tape, SETTINGS, tmp_path)
    order = places(tape)
    for number in (order[3], order[1], order[4], order[0], order[2], tape.count):
        machine = scout.machine_at(number)
        assert machine.ticks == number
        assert machine.shown.logs == straight[number].logs
        assert something(machine.shown) == something(straight[number])
    assert machine.closed
    assert len(straight[tape.count].states) > 10


def test_fewer_places_are_kept_when_they_grow_too_large(
    tape: Tape, straight: dict[int, Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_scout, "KEPT_BYTES", 1)
    scout = Scout(tape, SETTINGS, tmp_path)
    machine = scout.machine_at(places(tape)[3])
    assert len(list(tmp_path.iterdir())) < 5
    assert something(machine.shown) == something(straight[places(tape)[3]])


def test_the_scout_finds_the_alerts_and_when_they_show(tape: Tape, tmp_path: Path) -> None:
    scout = Scout(tape, SETTINGS, tmp_path)
    scout.advance(float("inf"))
    assert scout.done
    assert scout.at_ms == tape.to_ms
    assert scout.alerts
    id_, (at_ms, entry) = next(iter(scout.alerts.items()))
    assert entry["state"] == "firing"

    def firing(at_ms: int) -> list[object]:
        logs = scout.machine_at(tape.reached(at_ms)).shown.logs
        return [one["id"] for log in logs.values() for one in log]

    assert id_ in firing(at_ms)
    assert id_ not in firing(at_ms - 1)
