"""A stalled and a crawling reader next to healthy ones: do the others feel it?

    python -m benchmarks.fanout.neighbours [--clients 1000] [--rounds 5]

Interleaved rounds without and with the bad neighbours. Latency is from the append of a patch
(its XADD) to the frame at a healthy client, one clock, one machine. Exits 1 if the median p99
rises above 1.25 ×, the stalled client is not cut, or the process grows.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.fanout.cpu import child, line
from benchmarks.fanout.ours import BenchSettings
from benchmarks.fanout.swarm import open_socket, subscribe
from sinks.client import LiveroomClient, Update
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer
from tests.sinks.gateway.support import Engine

CHANNEL = "room:t1/r1"
PROBES = 20
PAYLOAD = "x" * 150


async def patch_for(engine: Engine, seconds: float) -> None:
    """10 patches a second of about 8 KiB, with the time in them.

    Not evenly: in step with the gateway's grid of 100 ms, every age of a round would be the same
    part of it, which is luck.
    """
    due = time.monotonic()
    roll = random.Random(1)
    while time.monotonic() < due + seconds:
        started = time.monotonic()
        fields = {f"m1.metric{i}": PAYLOAD for i in range(40)} | {"at": time.time()}
        await asyncio.to_thread(engine.patch, CHANNEL, fields)
        await asyncio.sleep(max(0.0, started + roll.uniform(0.05, 0.15) - time.monotonic()))


def note(update: Update, ages: list[float]) -> None:
    """Age of an update in ms."""
    if update.kind == "update" and "at" in update.fields:
        ages.append((time.time() - update.fields["at"]) * 1_000)


async def probe(url: str, token: str, ages: list[float], stop: asyncio.Event) -> None:
    """A healthy client that notes the age of each update in ms."""
    async with LiveroomClient(url, token, rate_ms=100) as client:
        sub = client.channel(CHANNEL)

        async def follow() -> None:
            async for update in sub:
                note(update, ages)

        task = asyncio.get_running_loop().create_task(follow())
        await stop.wait()
        task.cancel()


async def crawl(port: int, token: str, stop: asyncio.Event) -> None:
    """A reader of 8 KB a second."""
    sock = await asyncio.to_thread(open_socket, port, 4_096)
    subscribe(sock, token, [CHANNEL], 100)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            if not await loop.sock_recv(sock, 800):
                break
        except OSError:
            break
        await asyncio.sleep(0.1)
    sock.close()


async def once(port: int, token: str, engine: Engine, seconds: float, bad: bool) -> float:
    """One round; the p99 of the healthy in ms."""
    ages: list[float] = []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    url = f"ws://127.0.0.1:{port}/ws"
    tasks = [loop.create_task(probe(url, token, ages, stop)) for _ in range(PROBES)]
    stalled = None
    if bad:
        stalled = await asyncio.to_thread(open_socket, port, 4_096)
        subscribe(stalled, token, [CHANNEL], 100)
        tasks.append(loop.create_task(crawl(port, token, stop)))
    await asyncio.sleep(1.0)
    ages.clear()
    await patch_for(engine, seconds)
    stop.set()
    await asyncio.gather(*tasks)
    if stalled is not None:
        stalled.close()
    ages.sort()
    return ages[int(len(ages) * 0.99)]


async def cut_after(port: int, token: str, engine: Engine) -> float:
    """Seconds until a reader that never reads is cut."""
    stalled = await asyncio.to_thread(open_socket, port, 4_096)
    subscribe(stalled, token, [CHANNEL], 100)
    process = psutil.Process()
    begin = time.monotonic()

    def is_cut() -> bool:
        return not any(
            c.status == psutil.CONN_ESTABLISHED
            for c in process.net_connections("tcp")
            if c.laddr[1] == stalled.getsockname()[1]
        )

    while not await asyncio.to_thread(is_cut) and time.monotonic() - begin < 40:
        await patch_for(engine, 0.5)
    stalled.close()
    return time.monotonic() - begin


async def run(args: argparse.Namespace, redis_url: str) -> int:
    """All rounds and the verdict."""
    token = mint_token(BenchSettings(redis_url), ["t1"], ["*"], "screen", 3_600)
    engine = Engine(redis_url)
    engine.patch(CHANNEL, {"at": 0})
    ours = [sys.executable, "-m", "benchmarks.fanout.ours", "--redis-url", redis_url]
    with child(*ours) as server:
        port = line(server).strip()
        crowd = [sys.executable, "-m", "benchmarks.fanout.swarm", "--port", port]
        crowd += ["--count", str(args.clients), "--token", token, "--channels", CHANNEL]
        with child(*crowd, "--rate-ms", "500") as swarm:
            await asyncio.to_thread(line, swarm)
            subject = psutil.Process(server.pid)
            good, bad, memory = [], [], []
            for _ in range(args.rounds):
                good.append(await once(int(port), token, engine, args.seconds, False))
                bad.append(await once(int(port), token, engine, args.seconds, True))
                memory.append(subject.memory_info().rss / 2**20)
            seconds = await cut_after(int(port), token, engine)
    engine.close()
    ratio = statistics.median(bad) / statistics.median(good)
    print("p99 ms without:", " ".join(f"{value:.0f}" for value in good))
    print("p99 ms with:   ", " ".join(f"{value:.0f}" for value in bad))
    print(f"ratio of medians {ratio:.2f} (bar 1.25)")
    print("memory MiB after each round:", " ".join(f"{value:.1f}" for value in memory))
    print(f"stalled reader cut after {seconds:.0f} s (bar: 15 s after it stalled)")
    flat = memory[-1] - memory[0] < 4
    return 0 if ratio <= 1.25 and flat and seconds < 20 else 1


def main() -> int:
    """Start Redis, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RedisServer.start(Path(folder)) as redis:
        return asyncio.run(run(args, redis.url))


if __name__ == "__main__":
    sys.exit(main())
