"""A simulated incident through the real engine and gateway, held where its alerts fire.

The log is fed from here, tick by tick, so nothing depends on how fast the machine is.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulators.api import write_recording
from simulators.plan import SimulationPlan
from sinks.gateway.auth import mint_token
from sinks.log_writer import Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from stream.replay_log import append_patiently, pieces
from stream.replay_tape import Tape, make_tape
from stream.settings.table import Settings
from tests.web.stage import SECRET, Gateway

LIVEROOM = str(Path(sys.executable).with_name("liveroom"))
LAG_MS = 2_000
BEGAN_S = 300
PATIENT = ("--allowed-lateness-ms", "1200000")


@dataclass
class Live:
    """A broadcast as far as `play_to` has fed it."""

    tape: Tape
    writer: LogWriter
    port: int
    token: str
    alerts: list[dict[str, Any]]
    at: int = 0

    def url(self, path: str, query: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}?{query}#token={self.token}"

    def play_to(self, at_ms: int) -> None:
        """Feed the log up to the last tick until then."""
        end = self.tape.end(self.tape.reached(at_ms))
        for body in pieces(self.tape.read(self.at, end)):
            append_patiently(self.writer, [Entry(0, body, "live")])
        self.at = end


@contextmanager
def broadcast(folder: Path, plan: SimulationPlan, assets: Path | None) -> Iterator[Live]:
    """Simulate, learn from a replay which alerts will fire, start everything, feed nothing yet.

    It has begun some minutes ago by the wall clock, which is an operator's: an answer must not
    be late or from the future however long the browser takes.
    """
    recording, rows = folder / "recording.ndjson", folder / "rows.ndjson"
    began_ms = (int(time.time()) - BEGAN_S) // 60 * 60_000
    write_recording(replace(plan, start_ms=began_ms), recording)
    replay = [LIVEROOM, "replay", str(recording), "--results", str(rows), *PATIENT]
    subprocess.run(replay, check=True, timeout=300, capture_output=True)
    made = [json.loads(line) for line in rows.read_bytes().splitlines()]
    alerts = [row for row in made if row["kind"] == "alert"]
    tape = make_tape([recording.read_bytes()], folder / "tape.ndjson")
    with RedisServer.start(folder) as redis:
        run = [LIVEROOM, "run", *PATIENT, "--redis-url", redis.url, "--shards", "1"]
        run += ["--recovery-dir", str(folder / "recovery")]
        with (folder / "engine.log").open("wb") as log:
            engine = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder)
        settings = Settings(
            redis_url=redis.url, shards=1, port=0, token_secret=SECRET, assets_dir=assets
        )
        gateway, link = Gateway(settings), Link(redis.url)
        try:
            token = mint_token(settings, ["t1"], ["*"], "operator", 3_600)
            yield Live(tape, LogWriter(link, 1), gateway.start(), token, alerts)
        finally:
            link.close()
            gateway.stop()
            engine.terminate()
            engine.wait(20)
            tape.close()
