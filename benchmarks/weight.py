"""Tasks that weigh: bytes of state, and snapshots."""

import gc
import time
import tracemalloc
from pathlib import Path

import numpy as np

from benchmarks.engines import new_shard
from benchmarks.measure import Figures
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from simulators.plan import START_MS
from stream.formats import read_events
from stream.replay import version_of


def _filled(plan: str, path: str) -> Shard:
    """A shard just before a recording's end, while all rooms are live."""
    shard = new_shard(plan)
    whole = b"".join(read_events(Path(path), "ndjson", b"bench"))
    cut = whole.index(b'"status":"end"')
    whole = whole[: whole.rindex(b"\n", 0, cut) + 1]
    step = 4 << 20
    start = number = 0
    while start < len(whole):
        end = whole.find(b"\n", start + step) + 1 or len(whole)
        number += 1
        shard.step([Record(version_of(number), 0, whole[start:end])])
        start = end
    return shard


def _nbytes(*owners: object) -> int:
    """Bytes of all arrays that objects hold, capacity and not only what is in use."""
    total = 0
    for owner in owners:
        names = getattr(type(owner), "__slots__", None) or vars(owner)
        values = [getattr(owner, name) for name in names]
        total += sum(value.nbytes for value in values if isinstance(value, np.ndarray))
    return total


def memory(plan: str, path: str) -> Figures:
    """Bytes of arrays by mark and by viewer, traced bytes in all; live rooms, default packs."""
    gc.collect()
    tracemalloc.start()
    shard = _filled(plan, path)
    gc.collect()
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    state = shard.state
    marks, presence = state.cube.marks, state.presence
    count = marks.index.count
    viewers = state.viewers.count
    of_marks = _nbytes(marks, marks.index)
    of_viewers = _nbytes(state.viewers) + _nbytes(presence, presence.index) - presence.rings.nbytes
    return {
        "marks": count,
        "viewers": viewers,
        "presences": presence.index.count,
        "bytes_per_mark": of_marks / count,
        "bytes_per_viewer": of_viewers / viewers,
        "marks_per_viewer": count / viewers,
        "bytes_per_viewer_in_all": (of_marks + of_viewers) / viewers,
        "traced_bytes": traced,
        "traced_per_viewer": traced / viewers,
    }


def idle(rooms: str) -> Figures:
    """Traced bytes of a room that is live and in which nobody does anything."""
    shard = new_shard()
    count = int(rooms)

    def lines(first: int, last: int) -> bytes:
        now_ms = START_MS + 6_000 * (first > 0) * 2
        head = f'{{"event_id":"{now_ms}","source":"clock","type":"tick"'
        made = [f'{head},"event_time_ms":{now_ms}}}']
        made += [
            f'{{"event_id":"s{n}","source":"/idle","type":"room_status","event_time_ms":{now_ms},'
            f'"tenant":"t1","room_id":"r{n}","host_id":"h{n}","status":"start"}}'
            for n in range(first, last)
        ]
        made.append(
            f'{{"event_id":"{now_ms + 6_000}","source":"clock","type":"tick",'
            f'"event_time_ms":{now_ms + 6_000}}}'
        )
        return "\n".join(made).encode()

    shard.step([Record(version_of(1), 0, lines(0, 10))])
    shard.flush(0)
    gc.collect()
    tracemalloc.start()
    shard.step([Record(version_of(2), 0, lines(10, 10 + count))])
    shard.flush(0)
    gc.collect()
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"rooms": count, "bytes_per_room": traced / count}


def snapshot(path: str) -> Figures:
    """Seconds of CPU of `freeze` and `thaw`, and the bytes between them."""
    shard = _filled("whole", path)
    times = []
    data = b""
    for _ in range(3):
        started = time.process_time()
        data = freeze(shard)
        times.append(time.process_time() - started)
    fresh = new_shard()
    started = time.process_time()
    thaw(fresh, data)
    thawed = time.process_time() - started
    return {
        "freeze_s": sorted(times)[1],
        "thaw_s": thawed,
        "bytes": len(data),
        "viewers": shard.state.viewers.count,
        "rooms": len(shard.state.sessions.places),
        "marks": shard.state.cube.marks.index.count,
    }
