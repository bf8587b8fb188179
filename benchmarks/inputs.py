"""The recordings that are measured on: written once by `simulators.bulk`, kept between runs."""

import os
import tempfile
from dataclasses import astuple
from pathlib import Path
from typing import Final

from simulators.bulk import write
from simulators.bulk_blocks import BulkPlan
from stream.formats import read_events
from stream.parquet.write import write_parquet

QUICK: Final = os.environ.get("LIVEROOM_BENCH_QUICK") == "1"
"""Small inputs, to see whether a section works; nothing of it goes onto the page."""


def scaled(count: int, least: int = 20_000) -> int:
    """A size as asked for; a tenth of it, but `least`, in a quick run."""
    return min(count, max(count // 10, least)) if QUICK else count


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


def columnar(plan: BulkPlan) -> Path:
    """The same as Parquet."""
    lines = recording(plan)
    path = lines.with_suffix(".parquet")
    if not path.exists():
        write_parquet(read_events(lines, "ndjson", b"bench"), path)
    return path
