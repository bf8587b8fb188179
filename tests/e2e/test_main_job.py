"""Events go in at one end, figures move on a screen at the other: all parts real."""

import json
import secrets
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sinks.gateway.auth import mint_token
from sinks.log_writer import LogWriter, tick_line
from sinks.redis_reply import pairs
from sinks.results import sorted_lines
from stream.agreement import Difference, differences
from stream.demo import usable_port
from stream.demo_screen import HeadlessScreen
from stream.demo_status import counted, fetch
from stream.formats import read_events
from stream.replay import run_replay
from stream.settings import Settings
from stream.supervisor import Child, liveroom_argv
from tests.chaos.rig import Rig

SIMULATED = ("--rooms", "3", "--tenants", "2", "--minutes", "3", "--rate", "40", "--speed", "15")
MINUTE_MS = 60_000
START_MS = 1_793_534_400_000


class Stage(Rig):
    """A rig with a gateway."""

    def serve(self) -> str:
        """Start a gateway; its address without the scheme."""
        port = usable_port("127.0.0.1", 0)
        self.settings = replace(self.settings, port=port, token_secret=secrets.token_hex(32))
        ready = f"http://127.0.0.1:{port}/ready"
        self.child("gateway", liveroom_argv("serve"))
        self.wait_until("the gateway is up", lambda: bool(fetch(ready)))
        return f"127.0.0.1:{port}"


def ended(child: Child) -> bool:
    """Return whether a process has ended; it must not have failed."""
    code = child.exit_code()
    assert code in (None, 0), child.log_tail()
    return code == 0


def test_the_screen_shows_the_truth_and_the_recording_replays_alike(tmp_path: Path) -> None:
    truth_file, taped = tmp_path / "truth.json", tmp_path / "taped.ndjson"
    with Stage(tmp_path / "rig") as stage:
        address = stage.serve()
        token = mint_token(stage.settings, ["*"], ["*"], "operator", 3_600)
        tape = stage.child("record", liveroom_argv("record", "--out", str(taped)))
        with HeadlessScreen(f"ws://{address}/ws", token) as screen:
            options = ("--out", "redis", "--truth", str(truth_file), "--disorder", *SIMULATED)
            simulator = stage.child("simulate", liveroom_argv("simulate", *options))
            stage.wait_until("the session ends", lambda: ended(simulator))
            truth = json.loads(truth_file.read_text())
            wrong: list[Difference] = []

            def agrees() -> bool:
                wrong[:] = differences(truth, shown(stage, screen))
                return not wrong

            try:
                stage.wait_until("the screen agrees", agrees)
            finally:
                assert wrong == []
        stage.wait_until("the engine has everything", stage.caught_up)
        tape.signal(signal.SIGTERM)
        assert tape.wait(20.0)
        assert tape.exit_code() == 0, tape.log_tail()
        stage.stop_engine()
        outcome = stage.outcome()
    assert outcome.counters["duplicates"] > 0
    replayed = run_replay(read_events(taped, "ndjson", b"key"), settings=Settings())
    assert list(sorted_lines(replayed)) == outcome.results.splitlines(keepends=True)


def shown(stage: Rig, screen: HeadlessScreen) -> Mapping[str, Mapping[str, Any]]:
    """Return what the screen holds, and the engine's totals beside it."""
    return {**screen.channels(), "counters": counted(stage.link, stage.settings.shards)}


def event(number: int, **fields: object) -> bytes:
    """Return a usable line: someone enters the room."""
    base: dict[str, object] = {
        "event_id": f"e{number}",
        "source": "/test",
        "type": "enter",
        "event_time_ms": START_MS + 1_000 + number,
        "tenant": "t1",
        "room_id": "r1",
        "user_id": f"{number:016x}",
    }
    return json.dumps({**base, **fields}).encode()


MALFORMED: list[tuple[str, bytes]] = [
    ("malformed_json", event(900)[:40]),
    ("wrong_type", event(901, event_time_ms="soon")),
    ("unknown_type", event(902, type="teleport")),
    ("missing:tenant", event(903, tenant=None)),
    ("wrong_type", b'{"source":"/test","type":"enter","event_time_ms":1}'),
    ("too_long", event(904, text="x" * 20_000)),
    ("malformed_json", b"\x00\x00" + event(905)),
    ("invalid_utf8", event(906).replace(b'"t1"', b'"\xff\xfe"')),
    ("bad:qty", event(907, type="like", qty=2**63)),
    ("event_time_out_of_range", event(908, event_time_ms=32_503_680_000_000)),
]


@pytest.mark.parametrize("together", [True, False], ids=["one entry", "an entry a line"])
def test_malformed_lines_become_dead_letters_and_harm_no_other(
    together: bool, tmp_path: Path
) -> None:
    good = [event(number) for number in range(50)]
    lines = [*good[:25], *(line for _, line in MALFORMED), *good[25:]]
    closing = START_MS + 5 * MINUTE_MS
    with Rig(tmp_path / "rig", shards=1) as rig:
        writer = LogWriter(rig.link, 1)
        writer.tick(START_MS)
        for body in [b"\n".join(lines)] if together else lines:
            writer.append(0, body)
        writer.append(0, tick_line(closing))
        rig.wait_until("all is folded", rig.caught_up)
        rig.stop_engine()
        outcome = rig.outcome()
        letters = [pairs(entry[1]) for entry in _entries(rig)]
    assert outcome.counters["accepted"] == len(good)
    assert outcome.counters["dead"] == len(MALFORMED)
    kept = sorted((letter[b"reason"].decode(), letter[b"raw"]) for letter in letters)
    assert kept == sorted((reason, raw[:4096]) for reason, raw in MALFORMED)
    assert outcome.redis is not None
    room = outcome.redis["{0}:room:t1/r1"]
    assert room["session.view_pv"] == str(len(good))


def _entries(rig: Rig) -> list[Any]:
    found = rig.link.call("XRANGE", "{0}:dead", "-", "+")
    assert isinstance(found, list)
    return found
