"""The recordings that are measured on: written once by `simulators.bulk`, kept between runs."""

import os
import tempfile
from dataclasses import astuple
from pathlib import Path

from simulators.bulk import write
from simulators.bulk_blocks import BulkPlan


def folder() -> Path:
    """Where inputs are kept: LIVEROOM_BENCH_DIR, or a folder among the temporary files."""
    named = os.environ.get("LIVEROOM_BENCH_DIR")
    path = Path(named) if named else Path(tempfile.gettempdir()) / f"liveroom-bench-{os.getuid()}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def recording(plan: BulkPlan) -> Path:
    """The recording of a plan; written if it is not there yet."""
    path = folder() / ("bulk-" + "-".join(str(part) for part in astuple(plan)) + ".ndjson")
    if not path.exists():
        half = path.with_suffix(".part")
        write(plan, half)
        half.rename(path)
    return path
