"""Tasks on the core: the rate of one process, and of two."""

import time
from collections.abc import Iterable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Final
from zlib import crc32

from benchmarks.measure import Figures
from operators.catalogue.core import CORE
from operators.catalogue.metrics import METRICS
from operators.catalogue.model import Metric
from operators.options import Options
from operators.plan import Plan
from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from operators.shard import Shard
from sinks.results import encode_rows
from stream.errors import InvariantError
from stream.formats import read_events
from stream.parts import PARTS, TERMS
from stream.replay import Piece, outputs, split

_BY_NAME: Final = {metric.name: metric for metric in METRICS}
_QUERY: Final = tuple(
    replace(_BY_NAME[name], dimensions=dimensions, windows=("1m",))
    for name, dimensions in (
        *(("view_uv", ("room",)), ("pay_uv", ("room",)), ("cvr_view", ("room",))),
        ("gmv_paid", ("product",)),
    )
)
PLANS: Final[dict[str, tuple[Metric, ...]]] = {"first": CORE, "whole": METRICS, "query": _QUERY}
"""The first catalogue; the whole; the query that Flink is given."""
LEAVE_OUT: Final = {"first": {TERMS}, "whole": set[str](), "query": set(PARTS)}
"""Parts that a plan's task does not ask for: terms came after the first catalogue."""


def new_shard(plan: str = "whole", number: int = 0) -> Shard:
    """An empty shard without rules."""
    rules = parse_rules("")
    if not isinstance(rules, RuleSet):
        raise InvariantError("an empty rule file has mistakes")
    return Shard(number, Plan(PLANS[plan]), rules, Options(leave_out=frozenset(LEAVE_OUT[plan])))


def fold(plan: str, path: str) -> Figures:
    """JSON in, all rows out."""
    return _fold(new_shard(plan), read_events(Path(path), "ndjson", b"bench"))


def fold_pieces(pieces: Iterable[Piece]) -> Figures:
    """A recording in any form in, all rows out; `digest` tells whether the rows are the same."""
    return _fold(new_shard(), pieces)


def _fold(shard: Shard, pieces: Iterable[Piece]) -> Figures:
    # Loading the segmenter of comments (0.1 s) is start-up.
    shard.fold.talk.warm_up()
    started, wall = time.process_time(), time.perf_counter()
    rows = size = digest = 0
    for output in outputs(pieces, [shard]):
        for line in encode_rows(output.rows):
            size += len(line)
            rows += 1
            digest += crc32(line)
    counters = shard.state.counters
    return {
        "cpu_s": time.process_time() - started,
        "wall_s": time.perf_counter() - wall,
        "rows": rows,
        "row_bytes": size,
        "digest": digest,
        "events": counters["in"],
        "accepted": counters["accepted"],
    }


def _process(bodies: list[bytes], ready: Barrier, done: "SimpleQueue[Figures]") -> None:
    ready.wait()
    done.put(_fold(new_shard(), bodies))


def fold_two(processes: str, path: str) -> Figures:
    """The shards of a recording over one or two processes, dealt out before the clock starts.

    `cpu_s` is that of the busiest process: on a machine of our own it would be the time taken.
    """
    count = int(processes)
    parts: list[list[bytes]] = [[] for _ in range(count)]
    for piece in read_events(Path(path), "ndjson", b"bench"):
        # Eight shards, dealt out in turn, as `liveroom run --processes` does.
        for shard, part in enumerate(split(piece, 8)):
            if part:
                parts[shard % count].append(part + b"\n")
    context = get_context("fork")
    ready = context.Barrier(count)
    done: SimpleQueue[Figures] = context.SimpleQueue()
    children = [context.Process(target=_process, args=(part, ready, done)) for part in parts]
    for child in children:
        child.start()
    found: list[Figures] = [done.get() for _ in children]
    for child in children:
        child.join()
    return {
        "cpu_s": max(entry["cpu_s"] for entry in found),
        "cpu_total_s": sum(entry["cpu_s"] for entry in found),
        "wall_s": max(entry["wall_s"] for entry in found),
        "events": sum(entry["events"] for entry in found),
    }
