"""`liveroom replay --serve`: the pages over a recording, with a Redis and a gateway of its own."""

import asyncio
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sinks.gateway.auth import mint_token
from sinks.gateway.limits import Limits
from sinks.gateway.server import GatewayServer
from sinks.redis_server import RedisServer
from stream.demo import usable_port
from stream.formats import read_events
from stream.replay import summary_line
from stream.replay_player import Player
from stream.replay_progress import watched
from stream.replay_tape import make_tape
from stream.settings import Settings

LIFE_S: Final = 86_400
_LOOK_S: Final = 0.2


def serve_files(
    files: Sequence[Path], fmt: str, key: bytes, speed: float | None, settings: Settings
) -> int:
    """Show recordings on the pages until SIGINT or SIGTERM; the exit code.

    It listens on loopback, whatever `host` says, and prints the addresses with a token.

    Raises:
        ConfigError: a file cannot be read or holds nothing, or there is no Redis server program.
        SinkError: the private Redis is gone.
    """
    with tempfile.TemporaryDirectory(prefix="liveroom-replay-") as name:
        folder = Path(name)
        for part in ("redis", "places"):
            (folder / part).mkdir()
        chunks = (chunk for path in files for chunk in read_events(path, fmt, key))
        tape = make_tape(watched(chunks, list(files)), folder / "tape.ndjson")
        with RedisServer.start(folder / "redis") as redis:
            settings = replace(
                settings,
                redis_url=redis.url,
                shards=1,
                host="127.0.0.1",
                port=usable_port("127.0.0.1", settings.port),
                token_secret=settings.token_secret or secrets.token_hex(32),
            )
            player = Player(tape, settings, folder / "places", speed)
            begin_s = time.monotonic()
            asyncio.run(_serve(player, settings))
            counters, took_s = player.counters, time.monotonic() - begin_s
            sys.stderr.write(summary_line(counters, counters.get("rows", 0), took_s))
    return 0


async def _serve(player: Player, settings: Settings) -> None:
    """Play and serve; what ends the player ends the gateway."""
    stopped = asyncio.Event()
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    limits = Limits(
        max_connections=settings.max_connections,
        max_per_address=settings.max_per_address,
        max_per_user=settings.max_per_user,
        empty_grace_s=0.0,
        drain_s=1.0,
    )
    async with GatewayServer(settings, limits, player=player) as server:
        # An analyst answers no alerts: they are past.
        token = mint_token(settings, ["*"], ["*"], "analyst", LIFE_S, steer=True)
        base = f"http://127.0.0.1:{server.port}"
        sys.stderr.write(f"big screen  {base}/#token={token}\n")
        sys.stderr.write(f"console     {base}/console#token={token}\n")
        sys.stderr.flush()
        playing = asyncio.create_task(asyncio.to_thread(player.run, stop))
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait((playing, waiting), return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        waiting.cancel()
        await playing
