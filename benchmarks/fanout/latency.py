"""From the XADD of an event to the frame at the client, with the real engine in between.

    python -m benchmarks.fanout.latency [--screens 1000] [--rate 20000] [--rooms 50]

Every frame carries the append time of the newest event it reflects (`newest`); the oldest event
it may show for the first time was appended after the frame before it (`oldest`, an upper
bound). Events come in evenly, so those that a frame shows first are spread over the ages between
the two: `any` is the age of an event whichever it is, each frame counted by the time it covers.
One machine, one clock. Exits 1 if the p99 of `newest` is above 300 ms.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import redis as redis_py

from benchmarks.fanout.cpu import child, cpu_s, line
from benchmarks.fanout.ours import SECRET, BenchSettings
from sinks.client import LiveroomClient
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer

PROBES = 20
BAR_MS = 300


async def probe(url: str, token: str, room: str, ages: list[tuple[float, float]]) -> None:
    """One screen that notes the age of each update in ms: newest, oldest."""
    async with LiveroomClient(url, token, rate_ms=100) as client:
        before = 0
        async for update in client.channel(room):
            now = time.time() * 1_000
            if update.kind == "update" and before:
                ages.append((now - update.ts_ms, now - before))
            before = update.ts_ms


def any_event(ages: list[tuple[float, float]], q: float) -> float:
    """Quantile `q` of the age, in ms, of an event at the frame that shows it first."""
    steps = 20
    spread = sorted(
        (newest + (oldest - newest) * (step + 0.5) / steps, oldest - newest)
        for newest, oldest in ages
        for step in range(steps)
    )
    wanted, passed = q * sum(weight for _, weight in spread), 0.0
    for age, weight in spread:
        passed += weight
        if passed >= wanted:
            return age
    return 0.0


def folded(redis_url: str, shards: int) -> int:
    """Events that the engine has taken so far, of all shards."""
    with redis_py.Redis.from_url(redis_url, protocol=2) as link:
        return sum(int(link.hget(f"{{{shard}}}:counters", "in") or 0) for shard in range(shards))


async def watch(
    port: str, token: str, args: argparse.Namespace, redis_url: str
) -> tuple[list[tuple[float, float]], float]:
    """Probes on real rooms for the time of the run: ages, and events a second meanwhile."""
    url = f"ws://127.0.0.1:{port}/ws"
    rooms: list[str] = []
    async with LiveroomClient(url, token) as client:
        while len(rooms) < min(3, args.rooms):
            rooms = [str(entry["ch"]) for entry in await client.list("room")]
            await asyncio.sleep(0.2)
    ages: list[tuple[float, float]] = []
    loop = asyncio.get_running_loop()
    tasks = [
        loop.create_task(probe(url, token, rooms[n % len(rooms)], ages)) for n in range(PROBES)
    ]
    crowd = [sys.executable, "-m", "benchmarks.fanout.swarm", "--port", port, "--token", token]
    crowd += ["--count", str(args.screens - PROBES), "--channels", ",".join(rooms[:3])]
    with child(*crowd) as swarm:
        await asyncio.to_thread(line, swarm)
        await asyncio.sleep(3)
        ages.clear()
        before, started = folded(redis_url, args.shards), time.monotonic()
        await asyncio.sleep(args.seconds)
        rate = (folded(redis_url, args.shards) - before) / (time.monotonic() - started)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return ages, rate


def run(args: argparse.Namespace, folder: Path, redis_url: str) -> int:
    """Engine, gateway, simulator, screens."""
    env = {
        "LIVEROOM_REDIS_URL": redis_url,
        "LIVEROOM_SHARDS": str(args.shards),
        "LIVEROOM_RECOVERY_DIR": str(folder / "recovery"),
        "LIVEROOM_TOKEN_SECRET": SECRET,
        "LIVEROOM_USER_KEY": SECRET,
    }
    token = mint_token(BenchSettings(redis_url), ["*"], ["*"], "screen", 3_600)
    liveroom = [sys.executable, "-m", "stream.cli"]
    ours = [sys.executable, "-m", "benchmarks.fanout.ours", "--redis-url", redis_url]
    load = [*liveroom, "simulate", "--out", "redis", "--rooms", str(args.rooms)]
    load += ["--rate", str(args.rate), "--tenants", str(min(args.rooms, 16))]
    with (
        child(*liveroom, "run", env=env, quiet=True) as engine,
        child(*ours, "--shards", str(args.shards), env=env) as gateway,
        child(*load, env=env, quiet=True),
    ):
        port = line(gateway).strip()
        ages, rate = asyncio.run(watch(port, token, args, redis_url))
        used = {name: cpu_s(p.pid) for name, p in (("engine", engine), ("gateway", gateway))}
    newest = sorted(age for age, _ in ages)
    oldest = sorted(age for _, age in ages)
    print(f"{args.screens} screens, {args.rate} events/s asked for, {len(ages)} updates measured")
    print(f"{rate:.0f} events/s folded")
    if args.json:
        figures = {"updates": len(ages), "events_per_s": rate}
        figures |= {f"{name}_cpu_s": seconds for name, seconds in used.items()}
        for name, q in (("p50", 0.5), ("p99", 0.99)):
            figures[name] = newest[int(len(newest) * q)]
            figures[f"oldest_{name}"] = oldest[int(len(oldest) * q)]
            figures[f"any_{name}"] = any_event(ages, q)
        print(json.dumps(figures))
        return 0
    for name, values in (("newest", newest), ("oldest", oldest)):
        at = [values[int(len(values) * q)] for q in (0.5, 0.95, 0.99)]
        print(f"{name} event in a frame: p50 {at[0]:.0f}, p95 {at[1]:.0f}, p99 {at[2]:.0f} ms")
    at = [any_event(ages, q) for q in (0.5, 0.95, 0.99)]
    print(f"any event at its first frame: p50 {at[0]:.0f}, p95 {at[1]:.0f}, p99 {at[2]:.0f} ms")
    print("load of the machine", os.getloadavg(), "cpu s", used)
    return 0 if newest[int(len(newest) * 0.99)] <= BAR_MS else 1


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--rooms", type=int, default=50)
    parser.add_argument("--shards", type=int, default=2, help="one a core")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--json", action="store_true", help="end with the figures as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RedisServer.start(Path(folder)) as redis:
        return run(args, Path(folder), redis.url)


if __name__ == "__main__":
    sys.exit(main())
