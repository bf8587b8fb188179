"""`python -m tests.chaos.soak`, `make soak`: does memory stay flat?

Rooms open and close under a steady rate; engine, gateway and Redis are sampled. Ends with 1 if
the slope of engine or gateway after the warm-up is above the limit, or the sums do not agree.

The warm-up is as long as the first sessions (7.5 minutes at most) and the longest window after
them (10); their last orders hold stock for five minutes more. An hour is judged after it: tables
come and go with rooms, which makes the slope of half an hour uncertain by 0.25 MiB a minute, and
of an hour by a third of that.
"""

import asyncio
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import psutil
import typer

from sinks.client import LiveroomClient
from sinks.gateway.auth import mint_token
from sinks.log_writer import Entry, LogWriter, Wait, tick_line
from sinks.redis_client import Link
from stream.demo import usable_port
from stream.demo_status import fetch, read_counters
from stream.ids import shard_of
from stream.supervisor import liveroom_argv
from tests.chaos.rig import Rig
from tests.chaos.soak_feed import Feed, closing_ms

STEP_MS: Final = 200
SAMPLE_S: Final = 5.0
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory by process, MiB, at a time since the start; what was done by then."""

    at_s: float
    rss_mib: Mapping[str, float]
    folded: int
    waiting_mib: float


@dataclass(slots=True)
class Soak:
    """A run and what it saw."""

    rig: Rig
    feed: Feed
    rate: float
    samples: list[Sample] = field(default_factory=list)
    sent: int = 0
    waits: int = 0

    def run(self, minutes: float) -> None:
        """Feed at the rate for so long, then close all rooms and let the engine finish."""
        link = Link(self.rig.redis.url)
        writer = LogWriter(link, self.rig.settings.shards)
        begin_s, next_sample_s = time.monotonic(), 0.0
        from_ms = time.time_ns() // 1_000_000
        ticked_ms, owed = from_ms // 1_000 * 1_000, 0.0
        while (passed_s := time.monotonic() - begin_s) < minutes * 60:
            now_ms = time.time_ns() // 1_000_000
            owed += self.rate * (now_ms - from_ms) / 1_000
            count, owed = int(owed), owed - int(owed)
            lines = self.feed.lines(from_ms, now_ms, count)
            self._send(writer, {tenant: "".join(part) for tenant, part in lines.items()})
            from_ms = now_ms
            while ticked_ms + 1_000 <= now_ms:
                ticked_ms += 1_000
                writer.tick(ticked_ms)
            if passed_s >= next_sample_s:
                next_sample_s = passed_s + SAMPLE_S
                self._sample(link, passed_s)
            time.sleep(max(0.0, STEP_MS / 1_000 - (time.time_ns() // 1_000_000 - now_ms) / 1_000))
        now_ms = time.time_ns() // 1_000_000
        self._send(
            writer, {tenant: "".join(part) for tenant, part in self.feed.ends(now_ms).items()}
        )
        for shard in range(self.rig.settings.shards):
            writer.append(shard, tick_line(closing_ms(now_ms)))
        link.close()

    def _send(self, writer: LogWriter, lines: Mapping[str, str]) -> None:
        shards = self.rig.settings.shards
        entries = [Entry(shard_of(t, None, shards), body.encode()) for t, body in lines.items()]
        self.sent += sum(body.count("\n") for body in lines.values())
        while entries:
            results = writer.append_many(entries)
            entries = [e for e, r in zip(entries, results, strict=True) if isinstance(r, Wait)]
            if entries:
                self.waits += 1
                time.sleep(0.05)

    def _sample(self, link: Link, at_s: float) -> None:
        counters = read_counters(link, self.rig.settings.shards)
        metas = link.run(
            [("HGET", f"{{{n}}}:meta", "bytes_un") for n in range(self.rig.settings.shards)]
        )
        waiting = sum(int(raw) for raw in metas if isinstance(raw, bytes))
        self.samples.append(Sample(at_s, self._memory(), counters.get("in", 0), waiting / MIB))

    def _memory(self) -> dict[str, float]:
        rss = {"redis": psutil.Process(self.rig.redis.pid).memory_info().rss / MIB}
        for child in self.rig.children:
            if child.exit_code() is None:
                process = psutil.Process(child.pid)
                family = (process, *process.children(recursive=True))
                rss[child.spec.name] = sum(one.memory_info().rss for one in family) / MIB
        return rss


def slope(samples: Sequence[Sample], name: str, warm_up_s: float) -> tuple[float, float]:
    """MiB a minute of one process after the warm-up, and its standard error.

    By least squares over the means of the minutes: two samples of one minute may show the same
    copy of a state. NaN with fewer than three minutes.
    """
    minutes: dict[int, list[float]] = {}
    for one in samples:
        if one.at_s >= warm_up_s and name in one.rss_mib:
            minutes.setdefault(int(one.at_s // 60), []).append(one.rss_mib[name])
    if len(minutes) < 3:
        return float("nan"), float("nan")
    at = np.array(list(minutes), np.float64)
    at -= at.mean()
    mean = np.array([float(np.mean(values)) for values in minutes.values()])
    found = float(at @ mean / (at @ at))
    rest = mean - mean.mean() - found * at
    return found, float(np.sqrt(rest @ rest / (len(at) - 2) / (at @ at)))


class Watcher(threading.Thread):
    """A client that follows some rooms over WebSocket, so that the gateway has work."""

    def __init__(self, url: str, token: str, channels: Sequence[str]) -> None:
        super().__init__(name="watcher", daemon=True)
        self._url, self._token, self._channels = url, token, channels
        self.stopping = threading.Event()

    def run(self) -> None:
        """Follow until `stopping` is set."""
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        async with LiveroomClient(self._url, self._token, rate_ms=200) as client:
            for name in self._channels:
                client.channel(name)
            await asyncio.to_thread(self.stopping.wait)


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 78.0,
    rate: Annotated[float, typer.Option(help="Events a second.")] = 5_000.0,
    rooms: Annotated[int, typer.Option(help="Rooms that open and close.")] = 200,
    life: Annotated[float, typer.Option(help="Length of a session, s, on average.")] = 300.0,
    warm_up: Annotated[float, typer.Option(help="Minutes that the slope leaves out.")] = 18.0,
    limit: Annotated[float, typer.Option(help="MiB a minute that are allowed: 1 MB.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="Write the samples here, as CSV.")] = None,
    seed: Annotated[int, typer.Option(help="Of the events.")] = 1,
) -> None:
    """Soak engine and gateway; print memory once a minute and the slopes at the end."""
    with tempfile.TemporaryDirectory(prefix="liveroom-soak-") as name:
        rig = Rig(Path(name) / "rig", shards=8, epoch_ms=1_000)
        with rig:
            soak = Soak(rig, Feed(rooms, max(1, rooms // 10), int(life * 1_000), seed), rate)
            watcher = _watch(rig)
            reporter = threading.Thread(target=_report, args=(soak, watcher), daemon=True)
            reporter.start()
            soak.run(minutes)
            rig.wait_until("the engine has everything", rig.caught_up, 300.0)
            watcher.stopping.set()
            rig.stop_engine()
            counters = rig.outcome().counters
    if out is not None:
        _write(out, soak.samples)
    raise typer.Exit(_verdict(soak, counters, minutes, warm_up, limit))


def _watch(rig: Rig) -> Watcher:
    port = usable_port("127.0.0.1", 0)
    rig.settings = replace(rig.settings, port=port, token_secret=secrets.token_hex(32))
    rig.child("gateway", liveroom_argv("serve"))
    ready = f"http://127.0.0.1:{port}/ready"
    rig.wait_until("the gateway is up", lambda: bool(fetch(ready)))
    token = mint_token(rig.settings, ["*"], ["*"], "operator", 86_400)
    channels = [f"room:t{n + 1}/r{n * 10}" for n in range(10)]
    watcher = Watcher(f"ws://127.0.0.1:{port}/ws", token, channels)
    watcher.start()
    return watcher


def _report(soak: Soak, watcher: Watcher) -> None:
    shown = 0
    while not watcher.stopping.wait(SAMPLE_S):
        samples = list(soak.samples)
        if not samples or samples[-1].at_s // 60 < shown:
            continue
        shown = int(samples[-1].at_s // 60) + 1
        last = samples[-1]
        memory = "  ".join(f"{name} {rss:.1f}" for name, rss in last.rss_mib.items())
        typer.echo(
            f"{last.at_s / 60:5.1f} min  {last.folded:,} folded  {last.waiting_mib:.1f} MiB wait"
            f"  RSS MiB: {memory}"
        )


def _write(out: Path, samples: Sequence[Sample]) -> None:
    names = sorted({name for one in samples for name in one.rss_mib})
    rows = [",".join(["at_s", *names, "folded", "waiting_mib"])]
    for one in samples:
        cells = [f"{one.rss_mib.get(name, 0.0):.2f}" for name in names]
        rows.append(
            ",".join([f"{one.at_s:.1f}", *cells, str(one.folded), f"{one.waiting_mib:.2f}"])
        )
    out.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _verdict(
    soak: Soak, counters: Mapping[str, int], minutes: float, warm_up: float, limit: float
) -> int:
    """Print what came of it; 1 if it is not good."""
    parts = sum(counters.get(name, 0) for name in ("accepted", "duplicates", "dead"))
    balanced = counters.get("in", 0) == parts == soak.sent
    last = soak.samples[-1]
    typer.echo(
        f"{soak.sent:,} sent in {minutes:g} min ({soak.sent / minutes / 60:,.0f}/s), "
        f"{soak.feed.opened} sessions opened, {soak.feed.closed} closed; {last.folded:,} folded "
        f"at {last.at_s:.0f} s; {soak.waits} waits for back-pressure"
    )
    typer.echo(f"in {counters.get('in', 0):,} = accepted + duplicates + dead {parts:,}: {balanced}")
    bad = not balanced
    for name in ("engine", "gateway", "redis"):
        found, error = slope(soak.samples, name, warm_up * 60)
        judged = name != "redis"
        bad |= judged and not found <= limit
        typer.echo(
            f"{name}: {found:+.2f} MiB/min (standard error {error:.2f}) after {warm_up:g} min"
            + (f" (limit {limit:g})" if judged else "")
        )
    return int(bad)


if __name__ == "__main__":
    sys.setswitchinterval(0.01)
    typer.run(main)
