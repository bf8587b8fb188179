"""Where the time goes, as a sampling profiler sees it; `make bench-peers` installs py-spy."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.columnar import PLAN
from benchmarks.found import Found
from benchmarks.inputs import columnar, recording
from benchmarks.measure import ROOT
from benchmarks.peers import PYTHON
from benchmarks.sections import RATE

PROFILED: Final = 16


def profile(rounds: int) -> Found:
    """What py-spy sees of the whole catalogue: functions by inclusive share of samples."""
    spy = PYTHON.with_name("py-spy")
    if not spy.exists():
        return Found([], ["Not profiled: `make bench-peers` installs py-spy first."])
    path = recording(RATE)
    words = []
    for title, task in (
        ("JSON in → rows out", ["fold", "whole", str(path)]),
        ("Parquet in → rows out", ["replay", str(columnar(PLAN))]),
        ("batches of 250 events, step and flush", ["batch", str(path), "whole"]),
    ):
        with tempfile.TemporaryDirectory() as name:
            stacks = Path(name, "stacks")
            command = [str(spy), "record", "-r", "200", "-f", "raw", "-o", str(stacks), "--"]
            command += [sys.executable, "-m", "benchmarks.tasks", *task]
            subprocess.run(
                command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            top = _inclusive(stacks.read_text(encoding="utf-8"))
        lines = ["| function | share |", "|---|---|"]
        lines += [f"| `{name}` | {share:.1%} |" for name, share in top]
        words.append(f"py-spy, {title}, share of samples in or below a function:\n\n")
        words[-1] += "\n".join(lines)
    return Found([], words, once=True)


def _inclusive(stacks: str) -> list[tuple[str, float]]:
    """The functions of operators, sinks and stream seen most, of all samples below `main`."""
    seen: Counter[str] = Counter()
    total = 0
    for line in stacks.splitlines():
        frames, count = line.rsplit(" ", 1)
        if " main " not in frames and ";main " not in frames:
            continue
        total += int(count)
        names = {frame.rsplit(":", 1)[0] + ")" for frame in frames.split(";")}
        for name in names:
            if any(f"({part}/" in name for part in ("operators", "sinks", "stream")):
                seen[name] += int(count)
    return [(name, count / total) for name, count in seen.most_common(PROFILED)]
