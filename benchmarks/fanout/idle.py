"""Memory per idle connection, and many connections on one process.

    python -m benchmarks.fanout.idle [--clients 10000] [--subscribe] [--uvloop]

Prints resident memory before and after, per connection. Exits 1 above 20 KiB or if a
connection was lost. With `--subscribe` each follows a channel and gets a patch each second.
"""

import argparse
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks.fanout.cpu import CHANNEL, child, cpu_s, line, publish, report
from benchmarks.fanout.ours import BenchSettings
from sinks.gateway.auth import mint_token
from sinks.redis_server import RedisServer
from tests.sinks.gateway.support import Engine

LIMIT_KIB = 20.0


def settle(server: psutil.Process) -> float:
    """Resident KiB once it stands still."""
    last = 0.0
    for _ in range(20):
        now = server.memory_info().rss / 1024
        if abs(now - last) < 64:
            break
        last = now
        time.sleep(0.5)
    return now


def run(args: argparse.Namespace, redis_url: str) -> int:
    """Open the connections and look."""
    command = [sys.executable, "-m", "benchmarks.fanout.ours", "--redis-url", redis_url]
    token = mint_token(BenchSettings(redis_url), ["t1"], ["*"], "screen", 3_600)
    with child(*command, *(["--uvloop"] if args.uvloop else [])) as server:
        port = line(server).strip()
        subject = psutil.Process(server.pid)
        swarm = [sys.executable, "-m", "benchmarks.fanout.swarm", "--port", port]
        swarm += ["--token", token, "--per-s", "800"]
        channels = ["--channels", CHANNEL] if args.subscribe else []
        with child(*swarm, "--count", "20", *channels) as warm:
            line(warm)
            before = settle(subject)
            with child(*swarm, "--count", str(args.clients), *channels) as crowd:
                line(crowd)
                after = settle(subject)
                report(crowd)
                start = cpu_s(server.pid)
                time.sleep(5)
                used = cpu_s(server.pid) - start
                counts = report(crowd)
    each = (after - before) / args.clients
    print(f"{args.clients} connections: {before:.0f} -> {after:.0f} KiB, {each:.1f} KiB each")
    print(f"CPU {used / 5:.1%} of a core, frames/s {counts['frames'] / 5:.0f}")
    print(f"connections lost: {counts['lost']:.0f}")
    return 0 if each <= LIMIT_KIB and not counts["lost"] else 1


def main() -> int:
    """Start Redis, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--subscribe", action="store_true")
    parser.add_argument("--uvloop", action="store_true")
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    with tempfile.TemporaryDirectory() as folder, RedisServer.start(Path(folder)) as redis:
        engine, stop = Engine(redis.url), threading.Event()
        writer = threading.Thread(target=publish, args=(engine, 500, 1.0, stop))
        writer.start()
        try:
            return run(args, redis.url)
        finally:
            stop.set()
            writer.join()
            engine.close()


if __name__ == "__main__":
    sys.exit(main())
