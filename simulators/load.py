"""Play a simulated recording live: the one place of the simulators with a clock and IO.

Event times are moved so that the recording starts now; batches go out per tenant about every
50 ms, a tick to all shards every simulated second.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from simulators.api import TICK_MS, Recording
from simulators.plan import ALLOWED_LATENESS_MS, MAX_OUT_OF_ORDERNESS_MS, SimulationPlan
from simulators.render import tick as tick_line
from stream.errors import ConfigError

BATCH_MS: Final = 50

Send = Callable[[str, str, bytes], None]
"""Takes (tenant, group, NDJSON bytes); may block to hold the simulator back."""


class Clock(Protocol):
    """Wall time in ms, and waiting."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...

    def wait_ms(self, duration_ms: int) -> None:
        """Wait about that long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def wait_ms(self, duration_ms: int) -> None:
        """Sleep."""
        time.sleep(duration_ms / 1_000)


@dataclass(frozen=True, slots=True)
class Played:
    """What was really sent, and its ground truth.

    `lines` without ticks; `complete`: not stopped early; `worst_lag_ms`: how far sending fell
    behind the clock at worst.
    """

    lines: int
    start_ms: int
    end_ms: int
    complete: bool
    worst_lag_ms: int
    truth: dict[str, object]


def pace(
    plan: SimulationPlan,
    send: Send,
    tick: Callable[[bytes], None],
    stop: Callable[[], bool],
    *,
    speed: float = 1.0,
    clock: Clock | None = None,
    closing: bool = True,
) -> Played:
    """Send the plan's lines at the pace of their arrival; blocks until the end or `stop()`.

    Stopped early, every open room is ended at the next full second, so that its session is
    final. The closing tick runs ahead of the wall clock (about 3 minutes): leave it out
    (`closing=False`) where other live events follow on the same shards.

    Args:
        plan: what to play; without `run` its ids get the start time, so that two plays differ.
        send: appends the lines of one group to the log.
        tick: appends a tick line to every shard.
        stop: asked before each batch.
        speed: simulated seconds per second.
        clock: for tests.
        closing: send the closing tick.

    Raises:
        ConfigError: `speed` is not positive.
    """
    if speed <= 0:
        raise ConfigError("speed", speed, "more than 0")
    clock = clock or SystemClock()
    if plan.run is None:
        plan = replace(plan, run=f"{plan.run_id}-{clock.now_ms() // TICK_MS:x}")
    recording = Recording(plan)
    start_ms = -(-clock.now_ms() // TICK_MS) * TICK_MS
    player = _Player(recording, start_ms, send, tick)
    worst_ms = _play(player, stop, speed, clock)
    return player.finish(closing, worst_ms)


def _play(player: "_Player", stop: Callable[[], bool], speed: float, clock: Clock) -> int:
    """Send batch after batch; returns how far it fell behind at worst, ms."""
    start_ms, worst_ms = player.at_ms, 0
    while not player.done and not stop():
        due_ms = start_ms + int((clock.now_ms() - start_ms) * speed)
        worst_ms = max(worst_ms, int((due_ms - player.at_ms) / speed) - BATCH_MS)
        player.play_to(due_ms)
        if not player.done:
            clock.wait_ms(BATCH_MS)
    return worst_ms


class _Player:
    """Position in a recording; times here are moved times."""

    def __init__(
        self, recording: Recording, start_ms: int, send: Send, tick: Callable[[bytes], None]
    ) -> None:
        self._recording = recording
        self._shift_ms = start_ms - recording.plan.start_ms // TICK_MS * TICK_MS
        self._arrival = recording.delivery.arrival_ms + self._shift_ms
        self._send = send
        self._tick = tick
        self._sent = 0
        self._next_tick_ms = start_ms
        self._start_ms = start_ms
        self.at_ms = start_ms

    @property
    def done(self) -> bool:
        """Whether every line was sent."""
        return self._sent == len(self._arrival)

    def play_to(self, due_ms: int) -> None:
        """Send what arrives up to `due_ms`, ticks between; stops after the last line."""
        while self._next_tick_ms <= due_ms and not self.done:
            self._lines_before(self._next_tick_ms)
            if self.done:
                return
            self._tick(tick_line(self._next_tick_ms).encode())
            self._next_tick_ms += TICK_MS
        self._lines_before(due_ms + 1)
        self.at_ms = max(self.at_ms, due_ms)

    def _lines_before(self, limit_ms: int) -> None:
        stop = int(np.searchsorted(self._arrival, limit_ms, side="left"))
        if stop <= self._sent:
            return
        lines = self._recording.lines(self._sent, stop, self._shift_ms)
        groups: dict[int, list[bytes]] = {}
        for tenant, line in zip(self._recording.tenants(self._sent, stop), lines, strict=True):
            groups.setdefault(tenant, []).append(line)
        for tenant, part in groups.items():
            name = f"t{tenant + 1}"
            self._send(name, name, b"".join(part))
        self._sent = stop

    def finish(self, closing: bool, worst_lag_ms: int) -> Played:
        """End open rooms if stopped early, close the clock, compute the truth."""
        complete = self.done
        end_ms = self._next_tick_ms
        if not complete:
            for tenant, room in self._recording.open_rooms(self._sent):
                name = f"t{tenant + 1}"
                self._send(name, name, self._end_line(tenant, room, end_ms))
        self._tick(tick_line(end_ms).encode())
        if closing:
            past = end_ms + MAX_OUT_OF_ORDERNESS_MS + ALLOWED_LATENESS_MS + 60_000
            self._tick(tick_line(-(-past // 60_000) * 60_000).encode())
        now_ms = None if complete else end_ms
        truth = self._recording.truth(self._sent, self._shift_ms, now_ms)
        return Played(self._sent, self._start_ms, end_ms, complete, worst_lag_ms, truth)

    def _end_line(self, tenant: int, room: int, end_ms: int) -> bytes:
        run = self._recording.plan.run_id
        return (
            f'{{"event_id":"{run}-end-{room + 1}","source":"/sim/room/r{room + 1}",'
            f'"type":"room_status","event_time_ms":{end_ms},"tenant":"t{tenant + 1}",'
            f'"room_id":"r{room + 1}","status":"end"}}\n'
        ).encode()
