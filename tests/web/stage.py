"""A stage for the pages: a real Redis and a real gateway, played by the scripted session.

Only the engine is missing: the script writes what an engine would, through the engine's own
sink. `python -m tests.web.stage --rooms 6` prints an address and plays on for ever.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from operators.results import LogEntry, Output, Patch
from sinks.gateway.auth import mint_token
from sinks.gateway.server import GatewayServer
from sinks.log import LogRecord
from sinks.log_reader import LogReader
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from stream.settings.table import Settings
from tests.web.script import Patches, Script
from tests.web.script_cast import GROUP, TENANT, alerts

SECRET = "the stage signs its tokens with this text"
ALERTS = f"alerts:{GROUP}"
STATES = {"ack": "acked", "snooze": "snoozed", "not_useful": "not_useful"}


@dataclass
class Gateway:
    """A gateway in a thread with a loop of its own, so that it can be stopped and started."""

    settings: Settings

    def start(self) -> int:
        """Listen; the port."""
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._port = 0
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(120):
            raise TimeoutError("the gateway does not start")
        return self._port

    def stop(self) -> None:
        """Close every connection and wait for the end; once is enough."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(120)

    def _run(self, started: threading.Event) -> None:
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        async with GatewayServer(self.settings) as server:
            self._port = server.port
            started.set()
            await self._stop.wait()


class Stage:
    """Redis, gateway and the script that feeds them. A context manager.

    Its updates have the times of a clock that runs `pace` times as fast as the wall's.
    """

    def __init__(
        self, folder: Path, script: Script, assets: Path | None = None, pace: float = 1.0
    ) -> None:
        self.script = script
        self._pace = pace
        self._began_ms = _now()
        self.redis = RedisServer.start(folder)
        self.settings = Settings(
            redis_url=self.redis.url, shards=1, port=0, token_secret=SECRET, assets_dir=assets
        )
        self.sink = RedisSink(self.redis.url, 0)
        self.sink.claim()
        self.log = LogReader(self.redis.url, [0])
        self.state: Patches = {}
        self.alerts: list[dict[str, object]] = []
        self.gateway = Gateway(self.settings)
        self._lock = threading.Lock()
        self._position = 0
        self._play = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Write the session so far, listen."""
        self.publish(self.script.state())
        for entry in alerts():
            self.alert(entry)
        self.port = self.gateway.start()
        self.settings = replace(self.settings, port=self.port)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self._end.set()
        self._play.set()
        self._thread.join(10)
        self.gateway.stop()
        self.log.close()
        self.sink.close()
        self.redis.stop()

    def token(self, role: str = "operator", ttl_s: int = 3_600) -> str:
        """An access token to everything of the stage."""
        return mint_token(self.settings, [TENANT], ["*"], role, ttl_s)

    def url(self, path: str = "/screen", as_role: str = "operator", **query: str) -> str:
        """Address of a page, with a token of the role in the fragment."""
        token = self.token(as_role)
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return f"http://127.0.0.1:{self.port}{path}?{text}#token={token}"

    def publish(self, patches: Mapping[str, Mapping[str, object]]) -> None:
        """Write changed fields of channels."""
        for channel, fields in patches.items():
            known = self.state.setdefault(channel, {})
            known.update(fields)
            for name in [name for name, value in fields.items() if value is None]:
                del known[name]
        made = tuple(Patch(channel, fields) for channel, fields in patches.items())
        self._write(Output(0, self._version(), self._clock(), patches=made))

    def alert(self, entry: dict[str, object]) -> None:
        """Append to the alert log."""
        self.alerts.append(entry)
        self._write(
            Output(0, self._version(), self._clock(), entries=(LogEntry(ALERTS, 0, entry),))
        )

    def advance(self, seconds: int = 1) -> None:
        """Play the script on."""
        self.publish(self.script.advance(seconds))

    def play(self, playing: bool = True) -> None:
        """Let the script run by itself, four steps a second, or hold it."""
        if playing:
            self._play.set()
        else:
            self._play.clear()

    def restart_gateway(self) -> None:
        """Stop the gateway, start another on the same port."""
        self.gateway.stop()
        self.gateway = Gateway(self.settings)
        self.gateway.start()

    def restart_redis(self) -> None:
        """Kill Redis with all it holds, start an empty one, and rewrite as the engine does."""
        port, folder = self.redis.port, self.redis.folder
        self.redis.kill()
        self.redis = RedisServer.start(folder, port)
        with self._lock:
            while not self.sink.write([self._whole()]).lost_state:
                time.sleep(0.01)
            self.sink.new_epoch()
            self.sink.rewrite([self._whole()])

    def _whole(self) -> Output:
        made = tuple(Patch(channel, fields) for channel, fields in self.state.items())
        return Output(0, self._version(), self._clock(), patches=made)

    def _run(self) -> None:
        while not self._end.wait(0.25):
            self._answer()
            if self._play.is_set():
                self.advance()

    def _answer(self) -> None:
        """What the engine does with an operator's action: the alert's next entry."""
        records = [item for item in self.log.pop(0, 65_536) if isinstance(item, LogRecord)]
        for record in records:
            for line in record.body.splitlines():
                event = msgspec.json.decode(line)
                for entry in [e for e in self.alerts if e["id"] == event["target_id"]][-1:]:
                    self.alert(entry | {"state": STATES[event["status"]]})

    def _write(self, output: Output) -> None:
        with self._lock:
            self.sink.write([output])

    def _clock(self) -> int:
        """The wall's clock, `pace` times as fast since the start, ms."""
        return self._began_ms + round((_now() - self._began_ms) * self._pace)

    def _version(self) -> str:
        self._position += 1
        return f"{self._clock():013d}-{self._position:020d}"


def _now() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    """Run the stage until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--assets", type=Path, default=os.environ.get("LIVEROOM_ASSETS_DIR"))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stage(Path(folder), Script(options.rooms), options.assets) as stage,
    ):
        stage.play()
        sys.stdout.write(f"{stage.url()}\n{stage.url(rooms=f'{TENANT}/r1')}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
