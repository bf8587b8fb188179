"""CPU per delivery, side by side: ours, bare `transport.write`, `broadcast()`, node `ws`.

    python -m benchmarks.fanout.cpu [--clients 2000] [--hz 5] [--bytes 500] [--rounds 3]

Rounds are interleaved. CPU is user + system of the server process over the window, deliveries
are frames the readers counted. `--node-path DIR` (a node_modules with `ws`) adds node.
Exits 1 if ours is above 1.1 × the bare write (median of rounds).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.fanout.ours import BenchSettings
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer
from tests.sinks.gateway.support import Engine

CHANNEL = "room:t1/r1"
BAR = 1.10


@contextmanager
def child(
    *command: str, env: dict[str, str] | None = None, quiet: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A child process that is gone afterwards; `quiet` drops what it prints."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line(process: "subprocess.Popen[str]") -> str:
    """The next line the child prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def report(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Ask the swarm for its counts since the last time."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    counts: dict[str, float] = json.loads(line(process))
    return counts


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def measure(server: "subprocess.Popen[str]", swarm_args: list[str], seconds: float) -> float:
    """Microseconds of the server's CPU per delivered frame."""
    port = line(server).strip()
    module = [sys.executable, "-m", "benchmarks.fanout.swarm", "--port", port, *swarm_args]
    with child(*module) as swarm:
        line(swarm)
        time.sleep(1.5)
        report(swarm)
        before = cpu_s(server.pid)
        time.sleep(seconds)
        used = cpu_s(server.pid) - before
        counts = report(swarm)
    return used / max(1, counts["frames"]) * 1e6


def publish(engine: Engine, size: int, hz: float, stop: threading.Event) -> None:
    """One patch `hz` times a second, about `size` bytes on the wire."""
    text = "x" * (size - 110)
    number = 0
    due = time.monotonic()
    while not stop.is_set():
        number += 1
        engine.patch(CHANNEL, {"session.gmv_paid": number, "pad": text})
        due += 1 / hz
        stop.wait(max(0.0, due - time.monotonic()))


def ours(args: argparse.Namespace, *flags: str) -> float:
    """Our gateway with a real Redis behind it."""
    with tempfile.TemporaryDirectory() as folder, RedisServer.start(Path(folder)) as redis:
        engine, stop = Engine(redis.url), threading.Event()
        writer = threading.Thread(target=publish, args=(engine, args.bytes, args.hz, stop))
        writer.start()
        try:
            token = mint_token(BenchSettings(redis.url), ["t1"], ["*"], "screen", 3_600)
            swarm = ["--count", str(args.clients), "--token", token, "--channels", CHANNEL]
            command = [sys.executable, "-m", "benchmarks.fanout.ours", "--redis-url", redis.url]
            with child(*command, *flags) as server:
                return measure(server, swarm, args.seconds)
        finally:
            stop.set()
            writer.join()
            engine.close()


def peer(args: argparse.Namespace, kind: str, *flags: str) -> float:
    """A Python peer."""
    command = [sys.executable, "-m", "benchmarks.fanout.peers", "--kind", kind]
    sizes = ["--bytes", str(args.bytes), "--hz", str(args.hz)]
    with child(*command, *sizes, *flags) as server:
        return measure(server, ["--count", str(args.clients)], args.seconds)


def node(args: argparse.Namespace) -> float:
    """The `ws` package of node."""
    script = str(Path(__file__).with_name("ws_server.cjs"))
    command = ["node", script, str(args.bytes), str(args.hz)]
    with child(*command, env={"NODE_PATH": args.node_path}) as server:
        return measure(server, ["--count", str(args.clients)], args.seconds)


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--hz", type=float, default=5)
    parser.add_argument("--bytes", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", choices=["both", "asyncio", "uvloop"], default="both")
    parser.add_argument("--node-path", default="")
    parser.add_argument("--json", action="store_true", help="end with the medians as JSON")
    args = parser.parse_args()
    subjects: dict[str, Callable[[], float]] = {
        "bare transport.write (asyncio)": lambda: peer(args, "bare"),
        "liveroom (asyncio)": lambda: ours(args),
        "bare transport.write (uvloop)": lambda: peer(args, "bare", "--uvloop"),
        "liveroom (uvloop)": lambda: ours(args, "--uvloop"),
        "websockets.broadcast (asyncio)": lambda: peer(args, "broadcast"),
    }
    if args.node_path:
        subjects["node ws"] = lambda: node(args)
    if args.loop != "both":
        subjects = {name: run for name, run in subjects.items() if args.loop in name}
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(args.rounds):
        for name, run in subjects.items():
            found[name].append(run())
            print(f"  {name}: {found[name][-1]:.1f}", flush=True)
    middle = {name: statistics.median(values) for name, values in found.items()}
    for name, values in found.items():
        spread = " ".join(f"{value:.1f}" for value in values)
        print(f"{name:32} {middle[name]:6.1f} µs/delivery   ({spread})")
    if args.json:
        print(json.dumps(middle))
        return 0
    ratios = {
        loop: middle[f"liveroom ({loop})"] / middle[f"bare transport.write ({loop})"]
        for loop in ("asyncio", "uvloop")
        if args.loop in ("both", loop)
    }
    print("ours / bare:", ", ".join(f"{loop} {ratio:.2f}" for loop, ratio in ratios.items()))
    return 0 if min(ratios.values()) <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
