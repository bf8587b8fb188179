"""What one child measures: `python -m benchmarks.tasks TASK ARGS` prints figures as JSON.

Seconds are CPU time of the process, user and system, of all its threads, without start-up and
imports: unlike wall time they mean something on a machine with other work on it.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.checked import verified
from benchmarks.columnar import columns, replay
from benchmarks.engines import fold, fold_two
from benchmarks.inside import batch, stages
from benchmarks.measure import Figures
from benchmarks.restarted import restarted
from benchmarks.weight import idle, memory, snapshot
from benchmarks.wire import redis_read, redis_write
from stream.side import GC_THRESHOLDS


def naive(splits: str, path: str) -> Figures:
    """The dict-per-event peer: by `room`, or by `all` the splits."""
    from benchmarks.naive import run

    started = time.process_time()
    rows = run(Path(path), splits=splits == "all")
    return {"cpu_s": time.process_time() - started, "rows": rows}


TASKS: Final[dict[str, Callable[..., Figures]]] = {
    task.__name__: task
    for task in (
        *(fold, fold_two, naive, stages, batch, memory, idle, snapshot),
        *(redis_read, redis_write, columns, replay, verified, restarted),
    )
}


def main() -> None:
    """Run the task that is named."""
    gc.set_threshold(*GC_THRESHOLDS)
    name, *args = sys.argv[1:]
    print(json.dumps(TASKS[name](*args)))


if __name__ == "__main__":
    main()
