"""The loss test on the real engine: every screen must end on the session's ground truth.

    python -m benchmarks.fanout.session [--clients 30] [--seconds 30]

Redis, engine, two gateways, the simulator (whose truth knows nothing of us) and real clients
that lose the network. A gateway is killed, the out logs are trimmed past another. (Redis is killed
and emptied in `loss`: the simulator ends with its Redis.) Exits 1 on any difference.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis as redis_py

from benchmarks.fanout.cpu import child
from benchmarks.fanout.loss import Gateways
from benchmarks.fanout.ours import SECRET, BenchSettings
from benchmarks.fanout.truth import free_port
from sinks.client import LiveroomClient
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer
from stream.agreement import Difference, differences, expected_channels

SHARDS = 8
SETTLE_S = 60.0
COUNTERS = "counters"


async def drop_some(clients: list[LiveroomClient], until: float) -> int:
    """Cut random clients off for 2 s, again and again."""
    count = 0
    while time.monotonic() < until:
        for client in random.sample(clients, max(1, len(clients) // 10)):
            transport = client.transport
            if transport is not None:
                transport.pause_reading()
                asyncio.get_running_loop().call_later(2.0, transport.abort)
                count += 1
        await asyncio.sleep(1.0)
    return count


async def accidents(gateways: Gateways, redis: RedisServer, seconds: float) -> None:
    """A killed gateway, and out logs trimmed past one that was stopped."""

    async def at(share: float, act: Callable[[], object]) -> None:
        await asyncio.sleep(max(0.0, begin + share * seconds - time.monotonic()))
        await asyncio.to_thread(act)

    def trim() -> None:
        gateways.processes[0].send_signal(signal.SIGSTOP)
        with redis_py.Redis.from_url(redis.url, protocol=2) as link:
            time.sleep(1.0)
            for shard in range(SHARDS):
                link.xtrim(f"{{{shard}}}:out", maxlen=0, approximate=False)
        gateways.processes[0].send_signal(signal.SIGCONT)

    begin = time.monotonic()
    await at(0.2, lambda: gateways.kill(1))
    await at(0.3, gateways.start)
    await at(0.5, trim)
    await at(0.8, trim)
    await at(1.0, lambda: None)


def shown(client: LiveroomClient, names: set[str]) -> dict[str, dict[str, Any]]:
    """All figures of one screen."""
    return {name: client.channel(name).state.values for name in names}


def wrong(client: LiveroomClient, truth: dict[str, Any], names: set[str]) -> list[Difference]:
    """What a screen shows that is not the truth; the engine's own counters are not on it."""
    found = differences(truth, shown(client, names))
    return [one for one in found if one.channel != COUNTERS]


async def watch(
    gateways: Gateways,
    redis: RedisServer,
    simulator: "subprocess.Popen[str]",
    truth_file: Path,
    args: argparse.Namespace,
) -> int:
    """Screens, accidents, the end of the session, the comparison."""
    url = f"ws://127.0.0.1:{gateways.port}/ws"
    token = mint_token(BenchSettings(redis.url), ["*"], ["*"], "screen", 3_600)
    clients = [LiveroomClient(url, token, rate_ms=500) for _ in range(args.clients)]
    for client in clients:
        await client.__aenter__()
    names: set[str] = set()
    try:
        while len(names) < 2 * args.rooms:
            listing = await clients[0].list()
            names = {str(about["ch"]) for about in listing if about["kind"] == "state"}
            await asyncio.sleep(0.5)
        for client in clients:
            for name in names:
                client.channel(name)
        loop = asyncio.get_running_loop()
        dropping = loop.create_task(drop_some(clients, time.monotonic() + args.seconds))
        await accidents(gateways, redis, args.seconds)
        dropped = await dropping
        simulator.send_signal(signal.SIGINT)
        await asyncio.to_thread(simulator.wait, 60)
        truth = json.loads(await asyncio.to_thread(truth_file.read_text, encoding="utf-8"))
        names = (names | expected_channels(truth)) - {COUNTERS}
        return await compare(clients, truth, names, dropped)
    finally:
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))


async def compare(
    clients: list[LiveroomClient], truth: dict[str, Any], names: set[str], dropped: int
) -> int:
    """Wait until every screen agrees, or the time is up; print what came of it."""
    deadline = time.monotonic() + SETTLE_S
    bad: list[list[Difference]] = [[]]
    while True:
        bad = [found for client in clients if (found := wrong(client, truth, names))]
        if not bad or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    states = [client.channel(name).state for client in clients for name in names]
    print(f"screens {len(clients)}, channels each {len(names)}, drops {dropped}")
    print(f"reconnects {sum(client.reconnects for client in clients)}")
    print(f"gaps announced {sum(state.gaps for state in states)}")
    print(f"broken chains {sum(state.resyncs for state in states)}")
    print(f"screens that are not the truth: {len(bad)}")
    for found in bad[:1]:
        for difference in found[:10]:
            print("  ", difference)
    return 1 if bad or not truth["rows"] else 0


def main() -> int:
    """Start everything, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis = RedisServer.start(folder)
        gateways = Gateways(redis.url, free_port(), shards=SHARDS)
        env = {
            "LIVEROOM_REDIS_URL": redis.url,
            "LIVEROOM_SHARDS": str(SHARDS),
            "LIVEROOM_RECOVERY_DIR": str(folder / "recovery"),
            "LIVEROOM_TOKEN_SECRET": SECRET,
            "LIVEROOM_USER_KEY": SECRET,
        }
        liveroom = [sys.executable, "-m", "stream.cli"]
        truth_file = folder / "truth.json"
        load = [*liveroom, "simulate", "--out", "redis", "--truth", str(truth_file)]
        load += ["--rooms", str(args.rooms), "--rate", str(args.rate), "--scenario", "flash_sale"]
        try:
            for _ in range(2):
                gateways.start()
            with child(*liveroom, "run", env=env), child(*load, env=env) as simulator:
                return asyncio.run(watch(gateways, redis, simulator, truth_file, args))
        finally:
            gateways.end()
            redis.stop()


if __name__ == "__main__":
    sys.exit(main())
