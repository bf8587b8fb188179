"""A simulated incident through the real engine and gateway, held where its alerts fire.

The log is fed from here, tick by tick, so nothing depends on how fast the machine is.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from simulators.api import write_recording
from simulators.plan import SimulationPlan
from sinks.gateway.auth import mint_token
from sinks.log_writer import Entry, LogWriter
from sinks.redis_client import Link
from sinks.redis_keys import key
from stream.replay_log import append_patiently, pieces
from stream.replay_scout import Scout
from stream.replay_tape import Tape, make_tape
from stream.settings.table import Settings
from tests.chaos.rig import Rig
from tests.web.stage import Gateway

LIVEROOM = str(Path(sys.executable).with_name("liveroom"))
AHEAD_MS = 60_000
LAG_MS = 2_000
PLAN = SimulationPlan(scenario="stock_out", rooms=2, minutes=12, rate=20, seed=5)


@dataclass
class Live:
    """A broadcast as far as `play_to` has fed it; `play` feeds a recorded second each second."""

    writer: LogWriter
    link: Link
    port: int
    token: str
    at: int = 0
    _tape: Tape | None = None
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def url(self, path: str, query: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}?{query}#token={self.token}"

    @property
    def tape(self) -> Tape:
        """What is fed."""
        if self._tape is None:
            raise RuntimeError("load a tape first")
        return self._tape

    def load(self, tape: Tape) -> None:
        """Take the tape that will be fed."""
        self._tape = tape

    def play_to(self, at_ms: int) -> None:
        """Feed the log up to the last tick until then."""
        self._feed(self.tape.end(self.tape.reached(at_ms)))

    def play(self) -> None:
        """Go on by itself, at the recorded pace."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """Wait until the engine has shown what was fed."""
        wanted_ms = self.tape.tick_ms(self.tape.before(self.at)) - LAG_MS
        deadline_s = time.monotonic() + 300
        while True:
            reply = self.link.call("HGET", key(0, "counters"), "wm_ms")
            if isinstance(reply, bytes) and int(reply) >= wanted_ms:
                return
            if time.monotonic() > deadline_s:
                raise TimeoutError("the engine does not keep up")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop what `play` began."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(10)
        if self._tape is not None:
            self._tape.close()

    def _run(self) -> None:
        while not self._end.wait(1.0):
            self._feed(self.tape.end(min(self.tape.count, self.tape.before(self.at) + 1)))

    def _feed(self, end: int) -> None:
        for body in pieces(self.tape.read(self.at, end)):
            append_patiently(self.writer, [Entry(0, body, "live")])
        self.at = end


def draw(plan: SimulationPlan, began_ms: int, folder: Path) -> Tape:
    """Simulate a broadcast that began then."""
    recording = folder / "recording.ndjson"
    write_recording(replace(plan, start_ms=began_ms // 60_000 * 60_000), recording)
    return make_tape([recording.read_bytes()], folder / "tape.ndjson")


def first_alert(tape: Tape, folder: Path) -> tuple[int, str]:
    """The tick that tells the first alert, ms, and the alert's id."""
    with tempfile.TemporaryDirectory(dir=folder) as places:
        scout = Scout(tape, Settings(), Path(places))
        while not scout.alerts and not scout.done:
            scout.advance(0.0)
        id_, (at_ms, _) = next(iter(scout.alerts.items()))
    return at_ms, id_


def draw_with_alert(plan: SimulationPlan, folder: Path) -> tuple[Tape, int, str]:
    """A broadcast whose first alert fires now: its tape, that tick, the alert's id.

    An operator's answer has the wall clock's time, which must not be a minute away from the
    log's: it is a little ahead, so there are one or two minutes for a slow machine.
    """
    began_ms = int(time.time()) * 1_000
    while True:
        tape = draw(plan, began_ms, folder)
        at_ms, id_ = first_alert(tape, folder)
        ahead_ms = at_ms - int(time.time()) * 1_000
        if 0 <= ahead_ms < AHEAD_MS:
            return tape, at_ms, id_
        tape.close()
        # Another start is another broadcast: its alert may fire somewhat earlier or later.
        began_ms += AHEAD_MS - ahead_ms


@contextmanager
def broadcast(folder: Path, assets: Path | None) -> Iterator[Live]:
    """Start everything; `load` a tape before anything is fed."""
    with Rig(folder / "rig", shards=1, epoch_ms=Settings().epoch_ms) as rig:
        gateway = Gateway(replace(rig.settings, assets_dir=assets))
        live = None
        try:
            token = mint_token(rig.settings, ["t1"], ["*"], "operator", 3_600)
            live = Live(LogWriter(rig.link, 1), rig.link, gateway.start(), token)
            yield live
        finally:
            if live is not None:
                live.stop()
            gateway.stop()
