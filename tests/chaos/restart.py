"""`python -m tests.chaos.restart`, `make restart`: how soon are figures fresh after kill -9?

Fills a live engine with rooms and distinct viewers, keeps events coming, reads the pauses of
its snapshots from its own histogram, then kills it and waits until every shard shows an event
that was appended after the kill. Ends with 1 if a limit is missed.
"""

import re
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer

from sinks.log_writer import Entry, LogWriter, Wait
from sinks.redis_client import Link
from stream.demo import usable_port
from stream.demo_status import fetch, read_counters
from stream.errors import LiveroomError
from stream.ids import shard_of
from tests.chaos.rig import Rig

LIMIT_S: Final = 5.0
PAUSE_S: Final = 0.25
SHARE: Final = 0.01
ENTRY_EVENTS: Final = 500
ROOMS_A_TENANT: Final = 10
PRODUCTS: Final = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A room and the shard that it is in."""

    tenant: str
    room: str
    shard: int


class Crowd:
    """Lines of rooms full of viewers; each viewer is seen once, some click and buy."""

    def __init__(self, rooms: int, shards: int) -> None:
        self.places = [
            Place(name := f"t{n // ROOMS_A_TENANT}", f"r{n}", shard_of(name, None, shards))
            for n in range(rooms)
        ]
        self._count = 0

    def event(self, place: Place, kind: str, user: int, more: str = "") -> str:
        """A line of now."""
        self._count += 1
        at_ms = time.time_ns() // 1_000_000
        return (
            f'{{"event_id":"x{self._count}","source":"/crowd","type":"{kind}",'
            f'"event_time_ms":{at_ms},"tenant":"{place.tenant}","room_id":"{place.room}",'
            f'"user_id":"{user * 0x9E3779B97F4A7C15 % 2**64:016x}"{more}}}\n'
        )

    def entries(self, viewers: int) -> Iterator[Entry]:
        """Everybody enters once; every tenth clicks on a product, too."""
        by_shard: dict[int, list[str]] = {}
        for user in range(viewers):
            place = self.places[user % len(self.places)]
            waiting = by_shard.setdefault(place.shard, [])
            waiting.append(self.event(place, "enter", user))
            if user % 10 == 0:
                product = f',"product_id":"p{user // 10 % PRODUCTS}"'
                waiting.append(self.event(place, "product_click", user, product))
            if len(waiting) >= ENTRY_EVENTS:
                yield Entry(place.shard, "".join(waiting).encode())
                waiting.clear()
        for shard, waiting in by_shard.items():
            yield Entry(shard, "".join(waiting).encode())


class Clock(threading.Thread):
    """Writes a tick a second and some events to every shard until it is stopped."""

    def __init__(self, url: str, shards: int, crowd: Crowd, rate: int) -> None:
        super().__init__(name="clock", daemon=True)
        self._writer = LogWriter(Link(url), shards)
        self._crowd, self._rate = crowd, rate
        self.stopping = threading.Event()

    def run(self) -> None:
        """Tick and send."""
        turn = 0
        while not self.stopping.wait(0.2):
            turn += 1
            if turn % 5 == 0:
                self._writer.tick(time.time_ns() // 1_000_000)
            lines: dict[int, list[str]] = {}
            for number in range(self._rate // 5):
                place = self._crowd.places[(turn * 997 + number) % len(self._crowd.places)]
                line = self._crowd.event(place, "like", number)
                lines.setdefault(place.shard, []).append(line)
            _append(self._writer, [Entry(s, "".join(p).encode()) for s, p in lines.items()])


def _append(writer: LogWriter, entries: list[Entry]) -> None:
    while entries:
        results = writer.append_many(entries)
        entries = [e for e, r in zip(entries, results, strict=True) if isinstance(r, Wait)]
        if entries:
            time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Snapshot pauses of a while: how many, their sum, how many were longer than `PAUSE_S`."""

    count: int
    sum_s: float
    long_count: int
    seconds: float

    def text(self) -> str:
        """One line of figures."""
        mean_ms = self.sum_s / self.count * 1e3 if self.count else 0.0
        return (
            f"{self.count} snapshots in {self.seconds:.0f} s: mean {mean_ms:.0f} ms, "
            f"{self.long_count} longer than {PAUSE_S * 1e3:.0f} ms, "
            f"{self.sum_s / self.seconds:.2%} of the time"
        )

    @property
    def good(self) -> bool:
        """Whether both limits hold."""
        return self.count > 0 and not self.long_count and self.sum_s <= SHARE * self.seconds


def _read_pauses(port: int) -> tuple[int, float, int]:
    text = fetch(f"http://127.0.0.1:{port}/metrics") or ""
    found = {
        name: float(value)
        for name, value in re.findall(
            r'liveroom_stage_seconds_(count|sum|bucket)\{(?:le="0.25",)?stage="snapshot"\} (\S+)',
            text,
        )
    }
    count, within = found.get("count", 0.0), found.get("bucket", 0.0)
    return int(count), found.get("sum", 0.0), int(count - within)


def main(
    viewers: Annotated[int, typer.Option(help="Distinct viewers.")] = 1_000_000,
    rooms: Annotated[int, typer.Option(help="Live rooms.")] = 1_000,
    kills: Annotated[int, typer.Option(help="Times the engine is killed.")] = 3,
    watch: Annotated[float, typer.Option(help="Seconds that pauses are watched.")] = 60.0,
    rate: Annotated[int, typer.Option(help="Events a second meanwhile.")] = 500,
) -> None:
    """Measure pauses of snapshots and the time back to fresh figures."""
    shards = 8
    crowd = Crowd(rooms, shards)
    with tempfile.TemporaryDirectory(prefix="liveroom-restart-") as name:
        rig = Rig(Path(name) / "rig", shards=shards, epoch_ms=1_000)
        port = usable_port("127.0.0.1", 0)
        rig.settings = replace(rig.settings, metrics_port=port)
        with rig:
            _fill(rig, crowd, viewers)
            clock = Clock(rig.redis.url, shards, crowd, rate)
            clock.start()
            pauses = _watch(port, watch)
            typer.echo(pauses.text())
            times = [_kill(rig, crowd, number) for number in range(kills)]
            clock.stopping.set()
            clock.join()
            stop_s = rig.stop_engine()
    worst = max(times, default=0.0)
    typer.echo(f"fresh after kill -9: {', '.join(f'{s:.1f}' for s in times)} s (limit {LIMIT_S:g})")
    typer.echo(f"orderly stop: {stop_s:.1f} s (limit {LIMIT_S:g})")
    raise typer.Exit(int(not pauses.good or max(worst, stop_s) > LIMIT_S))


def _fill(rig: Rig, crowd: Crowd, viewers: int) -> None:
    link = Link(rig.redis.url)
    writer = LogWriter(link, rig.settings.shards)
    begin_s = ticked_s = time.monotonic()
    writer.tick(time.time_ns() // 1_000_000)
    batch: list[Entry] = []
    for entry in crowd.entries(viewers):
        batch.append(entry)
        if len(batch) >= 8:
            _append(writer, batch)
            batch = []
        if time.monotonic() - ticked_s > 1.0:
            ticked_s = time.monotonic()
            writer.tick(time.time_ns() // 1_000_000)
    _append(writer, batch)
    writer.tick(time.time_ns() // 1_000_000)
    wanted = viewers + -(-viewers // 10)

    def folded() -> bool:
        counters = read_counters(link, rig.settings.shards)
        if counters.get("dead", 0):
            message = f"some were not accepted: {counters}"
            raise LiveroomError(message)
        return counters.get("accepted", 0) >= wanted

    rig.wait_until("everybody is in", folded, 1_200.0)
    link.close()
    engine = rig.engine
    rss = psutil.Process(engine.pid).memory_info().rss / 2**20 if engine else 0.0
    typer.echo(
        f"{viewers:,} viewers in {len(crowd.places):,} rooms after {time.monotonic() - begin_s:.0f}"
        f" s; engine {rss:,.0f} MiB"
    )


def _watch(port: int, seconds: float) -> Pauses:
    count, sum_s, long_count = _read_pauses(port)
    begin_s = time.monotonic()
    time.sleep(seconds)
    later = _read_pauses(port)
    passed_s = time.monotonic() - begin_s
    return Pauses(later[0] - count, later[1] - sum_s, later[2] - long_count, passed_s)


def _kill(rig: Rig, crowd: Crowd, number: int) -> float:
    """Seconds from kill -9 until each shard shows an event appended after it."""
    marks = {place.shard: place for place in crowd.places}
    keys = {
        s: (f"{{{s}}}:room:{p.tenant}/{p.room}", "session.share_count") for s, p in marks.items()
    }
    rig.kill_engine()
    begin_s = time.monotonic()
    rig.start_engine()
    writer = LogWriter(rig.link, rig.settings.shards)
    share = [Entry(s, crowd.event(p, "share", 10**9 + number).encode()) for s, p in marks.items()]
    _append(writer, share)
    wanted = str(number + 1).encode()

    def fresh() -> bool:
        return all(rig.link.call("HGET", *where) == wanted for where in keys.values())

    rig.wait_until("figures are fresh", fresh, 300.0)
    return time.monotonic() - begin_s


if __name__ == "__main__":
    typer.run(main)
