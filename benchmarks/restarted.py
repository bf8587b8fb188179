"""Kill -9 to the first fresh figure: the engine's processes, its recovery store and a Redis."""

import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.found import Found
from benchmarks.inputs import recording, scaled
from benchmarks.measure import Figures, Row, middle, run_child
from simulators.bulk_blocks import BulkPlan
from sinks.log_writer import Appended, LogWriter
from stream.errors import InvariantError
from stream.ids import shard_of
from stream.replay_log import append_files
from tests.chaos.rig import POLL_S, Rig

PLAN: Final = BulkPlan(
    scaled(600_000), rooms=200, tenants=8, viewers=scaled(1_000_000), products=100, minutes=4
)
KILLS: Final = 5
TENANT: Final = "t1"


def restarted(path: str) -> Figures:
    """Seconds from the start of a new engine to output that reflects an event appended then."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        live = folder / "live.ndjson"
        last_ms = _before_the_end(Path(path), live)
        with Rig(folder / "rig", epoch_ms=1_000) as rig:
            append_files([live], "ndjson", b"", None, rig.settings)
            rig.wait_until("the engine has it all", rig.caught_up, 600)
            taken = []
            for number in range(KILLS):
                rig.kill_engine()
                started = time.monotonic()
                rig.start_engine()
                _fresh(rig, number, last_ms)
                taken.append(time.monotonic() - started)
            store = sum(path.stat().st_size for path in (folder / "rig" / "recovery").rglob("*.*"))
    return {"first_s": min(taken), "middle_s": middle(taken), "last_s": max(taken), "bytes": store}


def _before_the_end(whole: Path, live: Path) -> int:
    """The lines before the rooms close; the time of the last tick among them."""
    data = whole.read_bytes()
    data = data[: data.rindex(b"\n", 0, data.index(b'"status":"end"')) + 1]
    live.write_bytes(data)
    tick = data.rindex(b'"type":"tick","event_time_ms":')
    return int(data[tick:].split(b":", 2)[2].split(b"}", 1)[0])


def _fresh(rig: Rig, number: int, at_ms: int) -> None:
    """Append an event; wait until what the shard says reflects it."""
    shard = shard_of(TENANT, None, rig.settings.shards)
    line = (
        f'{{"event_id":"fresh{number}","source":"/bench","type":"enter","event_time_ms":{at_ms},'
        f'"tenant":"{TENANT}","room_id":"r1","user_id":"{number:016x}"}}\n'
    )
    appended = LogWriter(rig.link, rig.settings.shards).append(shard, line.encode())
    if not isinstance(appended, Appended):
        raise InvariantError("the log refused an entry")
    ms, _, seq = appended.id.partition("-")
    wanted = (int(ms), int(seq))

    def said() -> bool:
        found = rig.link.call("XREVRANGE", f"{{{shard}}}:out", "+", "-", "COUNT", "1")
        entry = found[0] if isinstance(found, list) and found else None
        number = entry[0] if isinstance(entry, list) else None
        if not isinstance(number, bytes):
            return False
        last_ms, _, last = number.partition(b"-")
        return (int(last_ms), int(last) >> 20) >= wanted

    rig.wait_until("a fresh figure", said)


def restart(rounds: int) -> Found:
    """Restart to first fresh row."""
    found = run_child("restarted", recording(PLAN), timeout_s=1_800)
    row = Row(
        f"restart of a killed engine to the first fresh figure, of {PLAN.viewers:,} viewers",
        f"{found['middle_s']:.2f} s ({found['first_s']:.2f}–{found['last_s']:.2f})",
        "",
        None,
        None,
        note="wall clock",
    )
    words = [
        f"Restart: {PLAN.events:,} events of {PLAN.rooms} live rooms, viewers drawn from "
        f"{PLAN.viewers:,}, then {KILLS} times SIGKILL. The clock runs from the start of the new "
        "process to the entry of the out log that reflects an event appended after it. Python's "
        f"imports are in it; the recovery store holds {found['bytes'] / 1e6:,.0f} MB. Polled each "
        f"{POLL_S * 1e3:.0f} ms."
    ]
    return Found([row], words, once=True)
