"""Simulated recordings for tests of the core, and ways to disturb them."""

from functools import cache
from random import Random

from operators.results import Row
from simulators.api import SimulationPlan, simulate_lines
from simulators.plan import HARD_DISORDER, NO_DISORDER
from sinks.results import sorted_lines
from stream.replay import run_replay
from stream.settings import Settings

TICK = b'"type":"tick"'


@cache
def recording(seed: int, *, hard: bool = False, minutes: int = 4) -> bytes:
    """A small recording: three rooms of two shops."""
    disorder = HARD_DISORDER if hard else NO_DISORDER
    plan = SimulationPlan("flash_sale", 3, tenants=2, minutes=minutes, seed=seed, disorder=disorder)
    return b"".join(chunk.lines for chunk in simulate_lines(plan))


def pieces(data: bytes, size: int) -> list[bytes]:
    """The recording in chunks of `size` lines."""
    lines = data.splitlines(keepends=True)
    return [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def rows_of(chunks: list[bytes], *, shards: int = 1, size: int = 1 << 22) -> list[Row]:
    """Rows of a replay by the plain loop."""
    return list(run_replay(chunks, settings=Settings(), shards=shards, size=size))


def result_bytes(chunks: list[bytes], *, shards: int = 1, size: int = 1 << 22) -> bytes:
    """The results file of a replay."""
    return b"".join(sorted_lines(rows_of(chunks, shards=shards, size=size)))


def shuffled(data: bytes, seed: int, within: int) -> bytes:
    """Events moved later by up to `within` tick places, not past the closing tick."""
    random = Random(seed)
    lines = data.splitlines(keepends=True)
    seconds, place, last = [], 0, sum(TICK in line for line in lines)
    for line in lines:
        if TICK in line:
            place += 1
            seconds.append((place, 0.0))
        else:
            later = min(place + random.randint(0, within), last - 1)
            seconds.append((later, random.random()))
    order = sorted(range(len(lines)), key=lambda number: (seconds[number], number))
    return b"".join(lines[number] for number in order)
