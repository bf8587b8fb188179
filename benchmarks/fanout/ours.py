"""Our gateway as a benchmark subject; prints its port.

python -m benchmarks.fanout.ours --redis-url U [--uvloop]
"""

import argparse
import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

import uvloop

from sinks.gateway.limits import Limits
from sinks.gateway.server import GatewayServer

SECRET = "a-benchmark-secret-of-more-than-32-characters"
LIMITS = Limits(
    max_connections=50_000,
    max_per_address=50_000,
    max_per_user=50_000,
    accept_per_s=20_000,
    commands_per_s=1_000,
    ping_s=120,
)


@dataclass
class BenchSettings:
    """What the gateway reads."""

    redis_url: str | None
    port: int = 0
    shards: int = 1
    host: str = "127.0.0.1"
    token_secret: str | None = SECRET
    token_secret_previous: str | None = None
    token_ttl_s: int = 3_600
    allowed_origins: tuple[str, ...] = ()
    max_connections: int = 50_000
    max_per_address: int = 50_000
    max_per_user: int = 50_000
    assets_dir: Path | None = None


async def run(settings: BenchSettings, reuse_port: bool) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with GatewayServer(settings, LIMITS, reuse_port=reuse_port) as server:
        print(server.port, flush=True)
        await stop.wait()


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--reuse-port", action="store_true")
    parser.add_argument("--uvloop", action="store_true")
    args = parser.parse_args()
    settings = BenchSettings(args.redis_url, args.port, args.shards)
    work = run(settings, args.reuse_port)
    if args.uvloop:
        uvloop.run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main()
