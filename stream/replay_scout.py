"""Goes ahead on a tape: knows the alerts to come, and keeps places from which to go on.

A jump starts from the nearest place kept, so it takes at most a stretch of the tape, wherever it
leads.
"""

import time
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stream.replay_machine import Machine, alerts_of
from stream.replay_tape import Tape
from stream.settings import Settings

MINUTE_MS: Final = 60_000
KEPT_BYTES: Final = 1 << 30
"""Size of all places kept; beyond it every second one is given up."""
STEP_BYTES: Final = 128 * 1024


class Scout:
    """A machine ahead of the one on screens. `alerts`: id to (recorded ms, entry), as found."""

    def __init__(self, tape: Tape, settings: Settings, folder: Path) -> None:
        self.alerts: dict[str, tuple[int, dict[str, object]]] = {}
        self._tape = tape
        self._settings = settings
        self._folder = folder
        self._machine = Machine(tape, settings)
        self._kept: dict[int, int] = {}
        self._every_ms = MINUTE_MS
        self._next_ms = tape.from_ms

    @property
    def at_ms(self) -> int:
        """How far it has come, recorded ms."""
        return self._tape.tick_ms(self._machine.ticks)

    @property
    def done(self) -> bool:
        """Whether it has seen the whole tape."""
        return self._machine.closed

    def advance(self, for_s: float, until: int | None = None) -> None:
        """Go on for some time, at most to `until` ticks; then `done` may be true."""
        deadline_s = time.monotonic() + for_s
        last = self._tape.count if until is None else min(until, self._tape.count)
        while not self.done and self._machine.ticks < last:
            self._step(last)
            if time.monotonic() >= deadline_s:
                return

    def machine_at(self, ticks: int) -> Machine:
        """A machine that has folded so many ticks and said what it found.

        What lies ahead of the scout is folded by it first.
        """
        self.advance(float("inf"), ticks)
        places = sorted(self._kept)
        nearest = bisect_right(places, ticks) - 1
        frozen = self._path(places[nearest]).read_bytes() if nearest >= 0 else None
        machine = Machine(self._tape, self._settings, frozen)
        machine.play(self._tape.end(ticks), _now_ms())
        machine.flush(_now_ms())
        return machine

    def _step(self, last: int) -> None:
        """Fold some ticks, never beyond the next place to keep."""
        machine, tape = self._machine, self._tape
        first = machine.ticks
        reach = max(first + 1, tape.before(machine.at + STEP_BYTES))
        number = min(reach, last, max(first + 1, tape.reached(self._next_ms)))
        for entry in alerts_of(machine.play(tape.end(number), _now_ms())):
            self.alerts.setdefault(str(entry["id"]), (self._said_ms(entry), dict(entry)))
        if tape.tick_ms(number) >= self._next_ms and not machine.closed:
            self._keep(number)
            self._next_ms = tape.tick_ms(number) // self._every_ms * self._every_ms
            self._next_ms += self._every_ms

    def _said_ms(self, entry: Mapping[str, object]) -> int:
        """The tick that said an alert: the first that took the watermark to where it fires."""
        at_ms = entry.get("at_ms")
        watermark_ms = at_ms if isinstance(at_ms, int) else 0
        due_ms = watermark_ms + self._settings.max_out_of_orderness_ms
        return self._tape.tick_ms(min(self._tape.count, self._tape.reached(due_ms - 1) + 1))

    def _keep(self, number: int) -> None:
        self._machine.flush(_now_ms())
        frozen = self._machine.freeze()
        self._path(number).write_bytes(frozen)
        self._kept[number] = len(frozen)
        if sum(self._kept.values()) > KEPT_BYTES:
            self._every_ms *= 2
            for place in sorted(self._kept)[1::2]:
                del self._kept[place]
                self._path(place).unlink()

    def _path(self, number: int) -> Path:
        return self._folder / f"place-{number}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
