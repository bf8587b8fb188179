"""The simulator's front door: a plan in, arriving lines and ground truth out."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from simulators.columns import Col, Ints, is_type
from simulators.disorder import GARBAGE, Delivery, dead_counts, deliver, expected_counts
from simulators.names import CURRENCY
from simulators.plan import (
    ALLOWED_LATENESS_MS,
    HARD_DISORDER,
    MAX_OUT_OF_ORDERNESS_MS,
    NO_DISORDER,
    Disorder,
    SimulationPlan,
)
from simulators.render import Renderer, tick
from simulators.scenarios import SCENARIOS
from simulators.timeline import Incident
from simulators.truth import Session, figures
from simulators.world import World, build

__all__ = [
    "HARD_DISORDER",
    "NO_DISORDER",
    "SCENARIOS",
    "Chunk",
    "Disorder",
    "Recording",
    "SimulationPlan",
    "Summary",
    "record",
    "simulate_lines",
    "write_recording",
]

TICK_MS: Final = 1_000
TRUTH_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that arrive in the second from `arrival_ms` (a whole second): its tick, then they."""

    arrival_ms: int
    lines: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written. `lines` counts ticks too, `events` does not."""

    events: int
    lines: int
    size_bytes: int
    start_ms: int
    end_ms: int
    incidents: int


class Recording:
    """A plan, drawn: its lines in arrival order and its truth, whole or up to a moment."""

    def __init__(self, plan: SimulationPlan) -> None:
        self.plan = plan
        self.world: World = build(plan)
        self.delivery: Delivery = deliver(self.world)
        self._renderer = Renderer(self.world)

    def __len__(self) -> int:
        """Arriving lines without ticks."""
        return len(self.delivery.row)

    def lines(self, start: int, stop: int, shift_ms: int = 0) -> list[bytes]:
        """Lines `[start, stop)` in arrival order, line feed included, times moved."""
        part = self.delivery
        row = part.row[start:stop]
        events = self.world.events[:, row]
        events[Col.TIME] = part.stamp_ms[start:stop]
        texts = self._renderer.lines(events, row, shift_ms)
        out = [text.encode() for text in texts]
        for place in np.flatnonzero(part.junk[start:stop] >= 0).tolist():
            out[place] = GARBAGE[int(part.junk[start + place])].make(texts[place])
        return out

    def tenants(self, start: int, stop: int) -> list[int]:
        """Tenant numbers of the lines `[start, stop)`: their group, also for garbage."""
        numbers: list[int] = self.world.events[Col.TENANT, self.delivery.row[start:stop]].tolist()
        return numbers

    def truth(
        self, stop: int | None = None, shift_ms: int = 0, now_ms: int | None = None
    ) -> dict[str, object]:
        """Ground truth of the first `stop` lines (None: all).

        Args:
            stop: number of lines that were sent.
            shift_ms: how far the times were moved.
            now_ms: moved time at which sending stopped and every open room was ended;
                None: the recording ran to its end.
        """
        plan = self.plan
        sent = slice(0, stop)
        events = self._accepted(sent)
        events[Col.TIME] += shift_ms
        sessions = self._sessions(events, shift_ms, now_ms)
        end_ms = plan.end_ms + shift_ms if now_ms is None else now_ms
        labels = [_label(one, shift_ms) for one in self.world.incidents]
        counts = expected_counts(self.world, self.delivery, sent)
        counts["in"] += sum(one.by_hand for one in sessions)
        counts["accepted"] += sum(one.by_hand for one in sessions)
        return {
            "version": TRUTH_VERSION,
            "plan": asdict(plan),
            "currency": CURRENCY,
            "start_ms": plan.start_ms + shift_ms,
            "end_ms": end_ms,
            "sessions": [one.label() for one in sessions],
            "counts": {**counts, "dead": dead_counts(self.world, self.delivery, sent)},
            "incidents": [one for one in labels if int(str(one["start_ms"])) < end_ms],
            **figures(plan.tenant_count, plan.run_id, self.world.texts.texts, events, sessions),
        }

    def _sessions(self, events: Ints, shift_ms: int, now_ms: int | None) -> list[Session]:
        """Sessions whose start was sent; an end that was not sent came by hand at `now_ms`."""
        status = events[:, is_type(events, "room_status")]
        known = set(zip(status[Col.ROOM].tolist(), status[Col.TIME].tolist(), strict=True))
        out: list[Session] = []
        for line in self.world.timelines:
            start_ms, end_ms = line.start_ms + shift_ms, line.end_ms + shift_ms
            if (line.room, start_ms) not in known:
                continue
            ended = (line.room, end_ms) in known
            stop_ms = end_ms if ended or now_ms is None else now_ms
            by_hand = not ended and now_ms is not None
            ended |= by_hand
            out.append(Session(line.tenant, line.room, start_ms, stop_ms, ended, by_hand))
        return out

    def open_rooms(self, stop: int) -> list[tuple[int, int]]:
        """(tenant, room) numbers whose start but not end is among the first `stop` lines."""
        events = self._accepted(slice(0, stop))
        sessions = self._sessions(events, 0, None)
        return [(one.tenant, one.room) for one in sessions if not one.ended]

    def _accepted(self, sent: slice) -> Ints:
        """Clean events, in time order, that count among the sent lines."""
        part = self.delivery
        row = part.row[sent]
        first = (part.junk[sent] < 0) & ~part.repeat[sent] & part.accepted[row]
        return self.world.events[:, np.sort(row[first])]

    def closing_ms(self) -> int:
        """Time of the closing tick: every window is final behind it."""
        last = max(int(self.delivery.arrival_ms[-1]), int(self.world.events[Col.TIME][-1]))
        past = last + MAX_OUT_OF_ORDERNESS_MS + ALLOWED_LATENESS_MS + 60_000
        return -(-past // 60_000) * 60_000


def record(plan: SimulationPlan) -> Recording:
    """Draw a plan."""
    return Recording(plan)


def simulate_lines(plan: SimulationPlan) -> Iterator[Chunk]:
    """Lines by second of arrival: each chunk begins with its tick, the last is the closing tick.

    Lines that arrive in `[T, T + 1 s)` follow the tick of T.
    """
    yield from chunks(Recording(plan))


def chunks(recording: Recording) -> Iterator[Chunk]:
    """As `simulate_lines`, of a recording already drawn."""
    arrival = recording.delivery.arrival_ms
    at_ms = recording.plan.start_ms // TICK_MS * TICK_MS
    last_ms = int(arrival[-1])
    seconds = np.arange(at_ms, last_ms + TICK_MS, TICK_MS)
    cuts = np.searchsorted(arrival, seconds + TICK_MS, side="left").tolist()
    start = 0
    for second_ms, stop in zip(seconds.tolist(), cuts, strict=True):
        body = recording.lines(start, stop) if stop > start else []
        yield Chunk(second_ms, b"".join([tick(second_ms).encode(), *body]))
        start = stop
    closing_ms = recording.closing_ms()
    yield Chunk(closing_ms, tick(closing_ms).encode())


def write_recording(plan: SimulationPlan, out: Path, truth: Path | None = None) -> Summary:
    """Write NDJSON to `out` and, if asked, the ground truth as JSON beside it."""
    recording = Recording(plan)
    lines, size = 0, 0
    with out.open("wb") as stream:
        for chunk in chunks(recording):
            stream.write(chunk.lines)
            lines += chunk.lines.count(b"\n")
            size += len(chunk.lines)
    if truth is not None:
        text = json.dumps(recording.truth(), ensure_ascii=False, sort_keys=True)
        truth.write_text(text + "\n", encoding="utf-8")
    return Summary(
        len(recording), lines, size, plan.start_ms, plan.end_ms, len(recording.world.incidents)
    )


def _label(one: Incident, shift_ms: int) -> dict[str, object]:
    name = f"t{one.tenant + 1}"
    return {
        "kind": one.kind,
        "tenant": name,
        "group": name,
        "room_id": f"r{one.room + 1}",
        "subject": one.subject,
        "start_ms": one.start_ms + shift_ms,
        "end_ms": one.end_ms + shift_ms,
        "alert": one.alert,
        "from_ms": one.from_ms + shift_ms,
    }
