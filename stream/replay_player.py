"""Plays a tape onto screens: pace, pause, jumps. One thread owns shard and sink."""

import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from operators.results import Output, Patch
from sinks.gateway.protocol import Steer
from sinks.redis_sink import RedisSink
from stream.replay import version_of
from stream.replay_machine import Machine
from stream.replay_scout import Scout
from stream.replay_tape import Tape
from stream.settings import Settings

CHANNEL: Final = "replay:tape/tape"
FASTEST: Final = 10_000.0
FLUSH_S: Final = 0.05
FLUSH_DUTY: Final = 0.25
SLICE_S: Final = 0.02
SLICE_BYTES: Final = 64 * 1024
BEHIND_S: Final = 1.0
"""Further behind its pace than this, the tape does not try to catch up."""
_IDLE_S: Final = 0.02


class Player:
    """A tape on the screens of one Redis. `run` in a thread of its own; `steer` from any.

    Args:
        tape: what is played.
        settings: those of the engine; `redis_url` is where the screens look.
        folder: an empty one, for the places jumps start from.
        speed: times recorded time; None: as fast as it goes.
    """

    channel: Final = CHANNEL

    def __init__(self, tape: Tape, settings: Settings, folder: Path, speed: float | None) -> None:
        self._tape = tape
        self._orders: queue.SimpleQueue[Steer] = queue.SimpleQueue()
        self._sink = RedisSink(str(settings.redis_url), 0)
        self._scout = Scout(tape, settings, folder)
        self._machine = Machine(tape, settings)
        self._speed = speed
        self._playing = True
        self._since_s, self._since_ms = time.monotonic(), float(tape.from_ms)
        self._next_flush_s = 0.0
        self._told: dict[str, object] = {}
        self._jumps = 0

    def steer(self, order: Steer) -> str | None:
        """Take an order; what is wrong with it, or None: it is carried out within a moment."""
        if order.do == "speed" and order.speed is not None and not 0 < order.speed <= FASTEST:
            return f"speed must be above 0 and at most {FASTEST:g}"
        if order.do == "seek" and order.to_ms is None:
            return "to_ms must say where to"
        self._orders.put(order)
        return None

    def run(self, stop: threading.Event) -> None:
        """Play until `stop`.

        Raises:
            SinkError: Redis is out of reach.
        """
        self._sink.claim()
        while not stop.is_set():
            idle = not self._play()
            self._show()
            self._scout.advance(SLICE_S if idle else 0.0)
            self._obey(_IDLE_S if idle and self._scout.done else 0.0)
        self._sink.close()
        self._tape.close()

    @property
    def counters(self) -> Mapping[str, int]:
        """Totals of what lies before the place where the tape stands."""
        return self._machine.counters

    @property
    def _ended(self) -> bool:
        return self._machine.closed

    def _play(self) -> bool:
        """Fold what is due; whether there may be more at once."""
        if not self._playing or self._ended:
            return False
        end, behind = self._due()
        if end == self._machine.at and not self._ends_now(end):
            return False
        outputs = self._machine.play(end, _now_ms())
        self._sink.write(outputs)
        # Whoever winds back from the end wants to look first.
        self._playing = not self._ended
        return behind

    def _ends_now(self, end: int) -> bool:
        return end >= self._tape.end(self._tape.count)

    def _due(self) -> tuple[int, bool]:
        """The byte up to which the tape should have run, at most a slice away; more behind it?"""
        tape, at = self._tape, self._machine.at
        slice_end = max(
            tape.end(min(tape.count, tape.before(at) + 1)), tape.end(tape.before(at + SLICE_BYTES))
        )
        if self._speed is None:
            return slice_end, True
        passed_s = time.monotonic() - self._since_s
        due_ms = self._since_ms + passed_s * 1_000 * self._speed
        number = tape.reached(int(due_ms))
        whole = tape.end(number)
        if whole > slice_end:
            if due_ms - tape.tick_ms(tape.before(slice_end)) > BEHIND_S * 1_000 * self._speed:
                self._anchor(tape.tick_ms(tape.before(slice_end)))
            return slice_end, True
        return max(at, self._within(number, whole, due_ms)), False

    def _within(self, number: int, whole: int, due_ms: float) -> int:
        """Between two ticks lines come one after the other, not all with the tick."""
        tape = self._tape
        if number >= tape.count:
            return whole
        start_ms, end_ms = tape.tick_ms(number), tape.tick_ms(number + 1)
        share = (due_ms - start_ms) / (end_ms - start_ms) if number and end_ms > start_ms else 0.0
        return tape.cut(whole, share)

    def _obey(self, wait_s: float) -> None:
        """Carry out the orders that are there; wait for one otherwise."""
        try:
            order = self._orders.get(timeout=wait_s) if wait_s else self._orders.get_nowait()
        except queue.Empty:
            return
        now_ms = self._tape.tick_ms(self._machine.ticks)
        match order.do:
            case "play" | "pause":
                self._playing = order.do == "play"
            case "speed":
                self._speed = order.speed
            case "seek":
                now_ms = self._jump(order.to_ms or 0)
        self._anchor(now_ms)
        self._next_flush_s = 0.0

    def _anchor(self, at_ms: int) -> None:
        """Count the pace from here."""
        self._since_s, self._since_ms = time.monotonic(), float(at_ms)

    def _jump(self, to_ms: int) -> int:
        """Show another place: everything is taken away and said anew under a new epoch."""
        at_ms = min(max(to_ms, self._tape.from_ms), self._tape.to_ms)
        self._tell({"seeking_ms": at_ms})
        machine = self._scout.machine_at(self._tape.reached(at_ms))
        self._machine = machine
        self._jumps += 1
        self._sink.drain(1.0)
        self._sink.reset()
        self._told.clear()
        self._sink.rewrite([machine.whole(_now_ms())])
        self._tell(self._state())
        return self._tape.tick_ms(machine.ticks)

    def _show(self) -> None:
        """Flush what changed, and where the tape stands."""
        started_s = time.monotonic()
        if started_s < self._next_flush_s:
            return
        output = self._machine.flush(_now_ms())
        self._sink.write([output] if output.patches else [])
        self._tell(self._state())
        took_s = time.monotonic() - started_s
        self._next_flush_s = started_s + max(FLUSH_S, took_s / FLUSH_DUTY)

    def _state(self) -> dict[str, object]:
        fields: dict[str, object] = {
            "from_ms": self._tape.from_ms,
            "to_ms": self._tape.to_ms,
            "at_ms": self._tape.tick_ms(self._machine.ticks),
            "speed": self._speed,
            "state": "ended" if self._ended else "playing" if self._playing else "paused",
            "seeking_ms": None,
            "jumps": self._jumps,
            "known_ms": self._scout.at_ms,
        }
        for id_, (at_ms, entry) in self._scout.alerts.items():
            name = f"alert.{id_}"
            if name not in self._told:
                keys = ("severity", "title_en", "title_zh", "subject", "room_id")
                fields[name] = {"at_ms": at_ms} | {key: entry.get(key) for key in keys}
        return fields

    def _tell(self, fields: dict[str, object]) -> None:
        changed = {name: value for name, value in fields.items() if self._is_news(name, value)}
        if not changed:
            return
        self._told.update(changed)
        version = version_of(self._machine.at)
        self._sink.write([Output(0, version, _now_ms(), (Patch(CHANNEL, changed),))])

    def _is_news(self, name: str, value: object) -> bool:
        return name not in self._told or self._told[name] != value


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
