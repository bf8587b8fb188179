"""Tasks that look inside one event's way: the split by stage, and the small batch of live use."""

import time
from pathlib import Path
from typing import Final

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
from stream.partition import FULL_CELLS
from stream.replay import outputs, version_of
from stream.settings import Settings

LIVE_EVENTS = 250
BATCHES = 200
FULL_EVERY: Final = Settings().full_flush_interval_ms // Settings().flush_interval_ms


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


def batch(path: str, plan: str, rooms_watched: str = "") -> Figures:
    """The live rhythm: 250 events a step, then the flush that is due; ms of CPU, by kind.

    As `stream.partition` does it at one batch a flush interval: a quick flush each time, and each
    `FULL_EVERY`th time a full one instead. The first half of the recording warms up. A batch in
    which a beat falls (every 5 s of event time) also makes rows; its time is given by itself.
    `rooms_watched`: so many rooms have readers; none named: nobody tells, all are watched.
    """
    shard = new_shard(plan)
    parts = read_events(Path(path), "ndjson", b"bench")
    lines = [line for part in parts for line in part.splitlines()]
    took_ms: dict[str, list[float]] = {"quick": [], "full": [], "beat": [], "step": []}
    fields: dict[bool, list[float]] = {False: [], True: []}
    warm = b"\n".join(lines[: len(lines) // 2])
    shard.step([Record(version_of(1), 0, warm)])
    shard.flush(0)
    if rooms_watched:
        places = shard.state.sessions.places[: int(rooms_watched)]
        names = frozenset(f"room:{where.tenant}/{where.room_id}" for where in places)
        shard.patches.watched.tell(names)
    starts = range(len(lines) // 2, len(lines) - LIVE_EVENTS, LIVE_EVENTS)
    for number, start in enumerate(starts[:BATCHES], 2):
        body = b"\n".join(lines[start : start + LIVE_EVENTS])
        full = number % FULL_EVERY == 0
        before = time.process_time()
        made = shard.step([Record(version_of(number), 0, body)])
        between = time.process_time()
        flushed = shard.flush(0, full=full, most=FULL_CELLS)
        whole = (time.process_time() - before) * 1e3
        took_ms["beat" if made else "full" if full else "quick"].append(whole)
        fields[full].append(sum(len(patch.fields) for patch in flushed.patches))
        if not made:
            took_ms["step"].append((between - before) * 1e3)
    found = {f"{name}_ms": middle(values) for name, values in took_ms.items() if values}
    every = [ms for name in ("quick", "full", "beat") for ms in took_ms[name]]
    return {
        **found,
        "mean_ms": sum(every) / len(every),
        "quick_fields": middle(fields[False]),
        "full_fields": middle(fields[True]),
    }
