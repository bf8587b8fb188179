"""Rules change while the engine runs; the recording replays the same alerts without the file."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sinks.log_writer import LogWriter
from sinks.results import sorted_lines
from stream.formats import closing_tick_ms, read_events
from stream.replay import run_replay
from stream.replay_log import append_chunks
from stream.settings import Settings
from stream.supervisor import liveroom_argv
from tests.chaos.rig import Rig
from tests.operators.rules_facts import with_texts

T0 = 1_793_534_400_000
SHARDS = 2


def rules(name: str) -> str:
    text = '\n[[rule]]\nname = "NAME"\nkind = "threshold"\nmetric = "comments"\nwindow = "r1"\n'
    return with_texts(text.replace("NAME", name) + "above = 0\n")


def lines(second: int) -> bytes:
    """One second of two shops, its tick first."""
    at_ms = T0 + second * 1_000
    tick = {"event_id": str(at_ms), "source": "clock", "type": "tick", "event_time_ms": at_ms}
    comments = [
        {
            "event_id": f"{tenant}-{second}", "source": "/r", "type": "comment", "text": "hi",
            "tenant": tenant, "room_id": "r1", "user_id": "0" * 16, "event_time_ms": at_ms,
        }
        for tenant in ("t1", "t2")
    ]  # fmt: skip
    return b"".join(json.dumps(one).encode() + b"\n" for one in (tick, *comments))


def test_a_reload_is_in_the_recording_and_survives_a_kill(tmp_path: Path) -> None:
    path, taped = tmp_path / "rules.toml", tmp_path / "taped.ndjson"
    path.write_text(rules("first"))
    rig = Rig(tmp_path / "rig", shards=SHARDS)
    rig.settings = replace(rig.settings, rules_file=path)
    with rig:
        writer = LogWriter(rig.link, SHARDS)
        rig.wait_until("the first rules are in the log", told(rig, 1))
        tape = rig.child("record", liveroom_argv("record", "--out", str(taped)))
        append_chunks((lines(second) for second in range(20)), writer)
        rig.wait_until("all is durable", rig.caught_up)
        path.write_text(rules("second"))
        rig.wait_until("the second rules are in the log", told(rig, 2))
        append_chunks((lines(second) for second in range(20, 40)), writer)
        rig.kill_engine()
        rig.start_engine()
        append_chunks((lines(second) for second in range(40, 60)), writer)
        writer.tick(closing_tick_ms(T0 + 59_000))
        rig.wait_until("all is durable", rig.caught_up)
        tape.signal(signal.SIGTERM)
        assert tape.wait(20.0)
        assert tape.exit_code() == 0, tape.log_tail()
        rig.stop_engine()
        live = alerts(rig.outcome().results.splitlines(keepends=True))
    states = sorted((row["dimension"], row["state"]) for row in map(json.loads, live))
    expected = [
        ("first", "firing"),
        ("first", "resolved"),
        ("second", "firing"),
        ("second", "resolved"),
    ]
    assert states == sorted(expected * 2)
    # Without the rule file: what held when is in the recording.
    replayed = run_replay(read_events(taped, "ndjson", b""), settings=Settings())
    assert alerts(list(sorted_lines(replayed))) == live


def told(rig: Rig, times: int) -> Callable[[], bool]:
    """Whether every shard has been told rules so many times."""

    def check() -> bool:
        found = [rig.link.call("XRANGE", f"{{{n}}}:in", "-", "+") for n in range(SHARDS)]
        return all(isinstance(one, list) and str(one).count('"rules"') >= times for one in found)

    return check


def alerts(rows: list[bytes]) -> list[str]:
    """Alert rows as text, in order of time."""
    found = [row.decode() for row in rows if b'"kind":"alert"' in row]
    return sorted(found, key=lambda row: (json.loads(row)["end_ms"], row))
