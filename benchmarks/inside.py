"""Tasks that look inside one event's way: the split by stage, and the small batch of live use."""

import time
from pathlib import Path

import msgspec

from benchmarks.engines import new_shard
from benchmarks.measure import Figures, middle
from operators.columns import ColumnReader
from operators.profiles import Names
from operators.shard import Record
from sinks.results import encode_rows
from stream.codec import chunks, decode
from stream.events import Event
from stream.formats import read_events
from stream.replay import outputs, version_of

LIVE_EVENTS = 250
BATCHES = 200


def stages(path: str) -> Figures:
    """CPU seconds up to and with each stage, measured one after the other over the same pieces.

    `parse` is msgspec alone; `decode` our parse with its line checks; `columns` that and the
    columns; `fold` all without encoding rows; `rows` all. `scan` reads the bytes once.
    """
    pieces = [
        piece for part in read_events(Path(path), "ndjson", b"bench") for piece in chunks(part)
    ]
    found = {"bytes": float(sum(map(len, pieces)))}
    started = time.process_time()
    for piece in pieces:
        piece.count(b"\n")
    found["scan"] = time.process_time() - started
    decoder = msgspec.json.Decoder(Event)
    started = time.process_time()
    for piece in pieces:
        decoder.decode_lines(piece)
    found["parse"] = time.process_time() - started
    started = time.process_time()
    for piece in pieces:
        decode(piece)
    found["decode"] = time.process_time() - started
    reader = ColumnReader(Names())
    started = time.process_time()
    for piece in pieces:
        reader.begin()
        reader.read(decode(piece)[0])
    found["columns"] = time.process_time() - started
    for name in ("fold", "rows"):
        shard, count = new_shard(), 0
        started = time.process_time()
        for output in outputs(pieces, [shard]):
            for line in encode_rows(output.rows) if name == "rows" else ():
                count += len(line)
        found[name] = time.process_time() - started
        found["events"] = shard.state.counters["in"]
    return found


def batch(path: str, plan: str) -> Figures:
    """The live rhythm: 250 events a step, then a flush; ms of CPU of both, beats apart.

    The first half of the recording warms up. A batch in which a beat falls (every 5 s of event
    time) also makes rows and looks at the boards; its time is given by itself.
    """
    shard = new_shard(plan)
    parts = read_events(Path(path), "ndjson", b"bench")
    parts = read_events(Path(path), "ndjson", b"bench")
    lines = [line for part in parts for line in part.splitlines()]
    quiet_ms: list[float] = []
    beat_ms: list[float] = []
    step_ms: list[float] = []
    fields: list[int] = []
    warm = b"\n".join(lines[: len(lines) // 2])
    shard.step([Record(version_of(1), 0, warm)])
    shard.flush(0)
    starts = range(len(lines) // 2, len(lines) - LIVE_EVENTS, LIVE_EVENTS)
    for number, start in enumerate(starts[:BATCHES], 2):
        body = b"\n".join(lines[start : start + LIVE_EVENTS])
        before = time.process_time()
        made = shard.step([Record(version_of(number), 0, body)])
        between = time.process_time()
        flushed = shard.flush(0)
        took = (time.process_time() - before) * 1e3
        fields.append(sum(len(patch.fields) for patch in flushed.patches))
        (beat_ms if made else quiet_ms).append(took)
        if not made:
            step_ms.append((between - before) * 1e3)
    return {
        "quiet_ms": middle(quiet_ms),
        "step_ms": middle(step_ms),
        "beat_ms": middle(beat_ms),
        "quiet": len(quiet_ms),
        "beats": len(beat_ms),
        "fields": middle(fields),
    }
