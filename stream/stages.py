"""Where the time goes: seconds by stage, for Prometheus and `--profile-stages`.

Stages: `read` (what is queued of the log), `fold` (decode, columns, fold, beats, rules), `flush`
(provisional figures), `write` (Redis and the results file), `snapshot` (freezing the state).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

SECONDS: Final = Histogram(
    "liveroom_stage_seconds",
    "Time of one call of a stage of the engine",
    ["stage"],
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


class Stages:
    """Sums of time by stage of one process."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            took_s = time.perf_counter() - started_s
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took_s
            self.calls[stage] = self.calls.get(stage, 0) + 1
            SECONDS.labels(stage).observe(took_s)

    def table(self) -> str:
        """The split as lines: stage, calls, seconds, share."""
        total = sum(self.seconds.values()) or 1.0
        return "\n".join(
            f"{stage:10s} {self.calls[stage]:9d} calls {seconds:9.3f} s {seconds / total:6.1%}"
            for stage, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])
        )
