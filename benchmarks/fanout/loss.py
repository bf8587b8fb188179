"""Loss test: every final state must equal the truth, every loss must have been announced.

    python -m benchmarks.fanout.loss [--clients 1000] [--seconds 40]

Two gateway processes on one port, real clients, a writer that knows the truth. Meanwhile
clients lose the network for 2 s, a gateway is killed, Redis is killed and restarted, emptied,
and the logs are trimmed past a gateway that was stopped. Exits 1 on any miss.
"""

import argparse
import asyncio
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fanout.ours import BenchSettings
from benchmarks.fanout.truth import CHANNELS, LOG, Writer, free_port
from sinks.client import LiveroomClient, Update
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer

DROP_S = 2.0


@dataclass
class Watcher:
    """One client: its states, its log, and what it was told was lost."""

    client: LiveroomClient
    rooms: list[str]
    got: set[int] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)
    newest: int | None = None
    pending: float | None = None
    lost: int = 0
    epoch_gaps: int = 0

    async def follow(self) -> None:
        """Collect the log channel's entries; states are kept by the client itself."""
        async for update in self.client.channel(LOG):
            self.take(update)

    def take(self, update: Update) -> None:
        """Count one step: a gap announces what lies between the entries around it."""
        if update.kind == "gap":
            self.epoch_gaps += update.lost is None
            self.lost += update.lost or 0
            count = math.inf if update.lost is None else update.lost
            self.pending = max(self.pending or 0, count)
            return
        numbers = [entry["n"] for entry in update.entries]
        if not numbers:
            return
        if self.newest is not None and self.pending is not None:
            following = [n for n in numbers if n > self.newest] or [self.newest + 1]
            between = range(self.newest + 1, min(following))
            if len(between) <= self.pending:
                self.announced.update(between)
        self.pending = None
        self.got.update(numbers)
        self.newest = max(self.newest or 0, *numbers)

    def tail(self, writer: Writer) -> bool:
        """Whether the newest entry has arrived."""
        return writer.count in self.got

    async def drain(self, channel: str) -> None:
        """Consume a state channel."""
        async for _ in self.client.channel(channel):
            pass


@dataclass
class Gateways:
    """Gateway processes on one port."""

    url: str
    port: int
    shards: int = 1
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Add one."""
        command = [sys.executable, "-m", "benchmarks.fanout.ours", "--redis-url", self.url]
        command += ["--port", str(self.port), "--reuse-port", "--shards", str(self.shards)]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def kill(self, number: int) -> None:
        """SIGKILL one and forget it."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def end(self) -> None:
        """Kill all."""
        while self.processes:
            self.kill(0)


async def drops(watchers: list[Watcher], stop: asyncio.Event) -> int:
    """Take the network from random clients for 2 s, again and again; returns how often."""
    count = 0
    jobs: set[asyncio.Task[None]] = set()

    async def drop(watcher: Watcher) -> None:
        transport = watcher.client.transport
        if transport is None:
            return
        transport.pause_reading()
        await asyncio.sleep(DROP_S)
        transport.abort()

    while not stop.is_set():
        for watcher in random.sample(watchers, max(1, len(watchers) // 20)):
            job = asyncio.get_running_loop().create_task(drop(watcher))
            jobs.add(job)
            job.add_done_callback(jobs.discard)
            count += 1
        await asyncio.sleep(1.0)
    await asyncio.gather(*jobs)
    return count


async def accidents(
    gateways: Gateways, redis: RedisServer, writer: Writer, seconds: float
) -> list[str]:
    """What goes wrong, spread over the run."""
    said: list[str] = []

    async def at(share: float, what: str, act: Callable[[], object]) -> None:
        await asyncio.sleep(max(0.0, start + share * seconds - time.monotonic()))
        await asyncio.to_thread(act)
        said.append(f"{share * seconds:5.1f} s  {what}")

    def stop_and_trim() -> None:
        gateways.processes[0].send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        writer.trim()
        gateways.processes[0].send_signal(signal.SIGCONT)

    start = time.monotonic()
    await at(0.15, "a gateway is killed", lambda: gateways.kill(1))
    await at(0.20, "a new gateway starts", gateways.start)
    await at(0.35, "Redis is killed", redis.kill)
    await at(0.38, "Redis is restarted from its file", redis.restart)
    await at(0.55, "FLUSHALL; the engine writes anew", writer.flush_all)
    await at(0.75, "a gateway is stopped, logs are trimmed past it", stop_and_trim)
    await at(0.90, "a gateway is killed, no successor", lambda: gateways.kill(1))
    return said


def states_right(watcher: Watcher, writer: Writer) -> bool:
    """Whether everything the client shows is the truth."""
    for name in watcher.rooms:
        state = watcher.client.channel(name).state
        if state.values != writer.truth[name] or state.epoch != writer.epoch:
            return False
    return True


def silent_losses(watcher: Watcher, writer: Writer) -> list[int]:
    """Log entries after the client's first that neither came nor were announced as lost."""
    if not watcher.got:
        return list(range(1, writer.count + 1))
    every = range(min(watcher.got), writer.count + 1)
    return [n for n in every if n not in watcher.got and n not in watcher.announced]


async def run(clients: int, seconds: float, folder: Path) -> int:
    """The whole test; returns the exit code."""
    redis = RedisServer.start(folder, appendfsync="everysec")
    gateways = Gateways(redis.url, free_port())
    for _ in range(2):
        gateways.start()
    writer = Writer(redis.url)
    writer.start()
    token = mint_token(BenchSettings(redis.url), ["t1"], ["*"], "screen", 3_600)
    watchers: list[Watcher] = []
    tasks: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    try:
        for number in range(clients):
            url = f"ws://127.0.0.1:{gateways.port}/ws"
            client = LiveroomClient(url, token, rate_ms=500)
            await client.__aenter__()
            watcher = Watcher(client, [CHANNELS[number % len(CHANNELS)]])
            watchers.append(watcher)
            tasks.append(loop.create_task(watcher.follow()))
            tasks += [loop.create_task(watcher.drain(name)) for name in watcher.rooms]
            if number % 20 == 19:
                await asyncio.sleep(0.02)
        await settle(watchers, lambda w: w.client.channel(w.rooms[0]).state.started, 60)
        stop = asyncio.Event()
        dropping = loop.create_task(drops(watchers, stop))
        said = await accidents(gateways, redis, writer, seconds)
        await asyncio.sleep(0.1 * seconds)
        stop.set()
        dropped = await dropping
        await asyncio.to_thread(writer.stop)
        await settle(watchers, lambda w: states_right(w, writer) and w.tail(writer), 45)
        return report(watchers, writer, said, dropped)
    finally:
        writer.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(w.client.__aexit__(None, None, None) for w in watchers))
        gateways.end()
        redis.stop()
        writer.close()


async def settle(watchers: list[Watcher], done: Callable[[Watcher], bool], within_s: float) -> None:
    """Wait until all are done, or the time is over."""
    deadline = time.monotonic() + within_s
    for watcher in watchers:
        while not done(watcher):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.1)


def report(watchers: list[Watcher], writer: Writer, said: list[str], dropped: int) -> int:
    """Print the table; 1 on any miss."""
    states = [watcher.client.channel(watcher.rooms[0]).state for watcher in watchers]
    wrong = sum(not states_right(watcher, writer) for watcher in watchers)
    silent = [silent_losses(watcher, writer) for watcher in watchers]
    rows = {
        "clients": len(watchers),
        "network drops of 2 s": dropped,
        "reconnects": sum(watcher.client.reconnects for watcher in watchers),
        "patches written": writer.patches,
        "log entries written": writer.count,
        "gaps announced (states)": sum(state.gaps for state in states),
        "gaps announced (log, other epoch)": sum(watcher.epoch_gaps for watcher in watchers),
        "log entries announced lost": sum(len(watcher.announced) for watcher in watchers),
        "broken chains noticed by clients": sum(state.resyncs for state in states),
        "final states that are not the truth": wrong,
        "log entries lost in silence": sum(map(len, silent)),
    }
    for line in said:
        print(line)
    for watcher, lost in zip(watchers, silent, strict=True):
        if lost:
            print(f"missed {len(lost)} from {lost[0]}, epoch gaps {watcher.epoch_gaps}", end=", ")
            print(f"announced {watcher.lost}, closed with {watcher.client.closed_with}")
    for name, value in rows.items():
        print(f"{name:38} {value:>10,}")
    good = not wrong and not any(silent)
    print("PASS" if good else "MISS")
    return 0 if good else 1


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random.seed(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(args.clients, args.seconds, Path(folder)))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
