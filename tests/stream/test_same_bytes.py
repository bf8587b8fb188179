"""One recording, the same final rows and alerts, however it is run and however it arrives."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.api import SimulationPlan, simulate_lines
from simulators.plan import HARD_DISORDER
from sinks.results import sorted_lines
from stream.errors import ConfigError
from stream.replay import run_replay
from stream.replay_bytewax import replay_files
from stream.settings import Settings

SETTINGS = Settings(shards=4)
FEW = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def simulated(plan: SimulationPlan) -> bytes:
    """Return a recording as one text."""
    return b"".join(chunk.lines for chunk in simulate_lines(plan))


def rows(lines: bytes | Sequence[bytes], *, size: int = 4 << 20, shards: int = 1) -> list[bytes]:
    """Return the results file of a recording; a sequence is its chunks."""
    chunks = [lines] if isinstance(lines, bytes) else lines
    found = run_replay(chunks, settings=SETTINGS, size=size, shards=shards)
    return list(sorted_lines(found))


def in_chunks(lines: bytes, sizes: Iterator[int]) -> list[bytes]:
    """Cut a recording at line ends into chunks of so many lines."""
    every = lines.splitlines(keepends=True)
    found, start = [], 0
    while start < len(every):
        size = next(sizes)
        found.append(b"".join(every[start : start + size]))
        start += size
    return found


@pytest.fixture(scope="module")
def disorderly() -> bytes:
    """Return a flash sale of four rooms with everything that goes wrong on the way."""
    return simulated(
        SimulationPlan(
            scenario="flash_sale", rooms=4, tenants=3, minutes=4, rate=20, disorder=HARD_DISORDER
        )
    )


@pytest.fixture(scope="module")
def plain(disorderly: bytes) -> list[bytes]:
    """Return its results file by the plain loop."""
    return rows(disorderly)


@pytest.fixture(scope="module")
def orderly() -> bytes:
    """Return a session as it happened."""
    return simulated(SimulationPlan(scenario="flash_sale", rooms=2, minutes=3, rate=10))


@pytest.fixture(scope="module")
def orderly_rows(orderly: bytes) -> list[bytes]:
    """Return its results file."""
    return rows(orderly)


@pytest.mark.parametrize(("workers", "processes"), [(1, 1), (2, 1), (1, 2)])
def test_bytewax_gives_the_bytes_of_the_plain_loop(
    workers: int, processes: int, disorderly: bytes, plain: list[bytes], tmp_path: Path
) -> None:
    source, out = tmp_path / "in.ndjson", tmp_path / "out.ndjson"
    source.write_bytes(disorderly)
    assert replay_files([source], "ndjson", str(out), workers, processes, SETTINGS) == 0
    assert out.read_bytes() == b"".join(plain)
    assert len(plain) > 100


def test_more_workers_than_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers"):
        replay_files([tmp_path / "in"], "ndjson", None, 3, 2, SETTINGS)


@FEW
@given(shards=st.integers(1, 9), size=st.integers(1, 60_000), seed=st.integers(0, 2**32))
def test_batches_and_shards_do_not_show(
    shards: int, size: int, seed: int, disorderly: bytes, plain: list[bytes]
) -> None:
    rng = random.Random(seed)
    sizes = iter(lambda: rng.choice((1, 7, 60, 500)), 0)
    assert rows(in_chunks(disorderly, sizes), size=size, shards=shards) == plain


@FEW
@given(seed=st.integers(0, 2**32))
def test_arrival_order_within_the_bound_does_not_show(
    seed: int, orderly: bytes, orderly_rows: list[bytes]
) -> None:
    assert rows(rearranged(orderly, seed, 1_999)) == orderly_rows


@FEW
@given(seed=st.integers(0, 2**32))
def test_last_revisions_are_the_same_within_allowed_lateness(
    seed: int, orderly: bytes, orderly_rows: list[bytes]
) -> None:
    late = last_revisions(rows(rearranged(orderly, seed, 55_000, share=0.05)))
    assert late == last_revisions(orderly_rows)


def rearranged(lines: bytes, seed: int, most_ms: int, share: float = 1.0) -> bytes:
    """Delay a share of the events by up to `most_ms` of the clock; ticks stay."""
    rng = random.Random(seed)
    arrivals = []
    for place, line in enumerate(lines.splitlines(keepends=True)):
        event = json.loads(line)
        tick = event["type"] == "tick"
        moved = not tick and rng.random() < share
        delay_ms = rng.randrange(most_ms + 1) if moved else 0
        arrivals.append((event["event_time_ms"] + delay_ms, not tick, rng.random(), place, line))
    *body, closing = sorted(arrivals, key=lambda one: one[:4])
    return b"".join(one[4] for one in (*body, closing))


def last_revisions(lines: Sequence[bytes]) -> dict[tuple[object, ...], dict[str, object]]:
    """Return metric rows by what they are about, the last of each, without its revision."""
    found: dict[tuple[object, ...], tuple[int, dict[str, object]]] = {}
    for line in lines:
        row = json.loads(line)
        if row["kind"] == "metric":
            names = ("tenant", "group", "room_id", "dimension", "key", "window", "end_ms",
                     "session_number")  # fmt: skip
            at = tuple(row[name] for name in names)
            revision = row.pop("revision")
            if at not in found or found[at][0] < revision:
                found[at] = (revision, row)
    return {at: row for at, (_, row) in found.items()}
