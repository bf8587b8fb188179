"""The JavaScript client under node against a real gateway."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import pytest

from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.conftest import engine, settings
from tests.sinks.gateway.raw import Raw
from tests.sinks.gateway.support import Engine, Settings, eventually, hold_clock, two_seconds_left

__all__ = ["engine", "settings"]
ROOM = "room:t1/r1"
LOG = "alerts:t1/t1"
CLIENT_JS = Path(__file__).resolve().parents[3] / "sinks" / "web" / "client.js"
DRIVER = Path(__file__).with_name("driver.mjs")


def node_flags() -> list[str] | None:
    """Flags that give node a WebSocket; None if there is no usable node."""
    node = shutil.which("node")
    if node is None:
        return None
    for flags in ([], ["--experimental-websocket"]):
        script = "process.exit(typeof WebSocket === 'function' ? 0 : 1)"
        done = subprocess.run([node, *flags, "-e", script], capture_output=True, check=False)
        if done.returncode == 0:
            return [node, *flags]
    return None


NODE = node_flags()
pytestmark = pytest.mark.skipif(
    NODE is None, reason="needs node 20.10 or newer on PATH: install nodejs"
)


class Driver:
    """The client in its own process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    @classmethod
    async def start(cls, url: str, token: str, *channels: str) -> Self:
        process = await asyncio.create_subprocess_exec(
            *(NODE or []), str(DRIVER), str(CLIENT_JS), url, token, *channels,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return cls(process)

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def until(self, check: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The next line that fits."""
        assert self.process.stdout is not None
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), 60)
            assert line, self.seen[-5:]
            step: dict[str, Any] = json.loads(line)
            self.seen.append(step)
            if check(step):
                return step

    async def end(self) -> None:
        self.tell("end")
        assert self.process.stdout is not None
        await self.process.stdout.read()
        await asyncio.wait_for(self.process.wait(), 60)


def play(
    settings: Settings,
    channels: tuple[str, ...],
    scenario: Callable[[GatewayServer, Driver], Awaitable[None]],
    role: str = "operator",
) -> None:
    async def run() -> None:
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            driver = await Driver.start(url, settings.token(role), *channels)
            try:
                await scenario(server, driver)
            finally:
                await driver.end()

    asyncio.run(run())


def test_it_shows_the_snapshot_then_every_change(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 1, "b": {"num": 1, "den": 2, "value": 0.5}})

    async def scenario(server: GatewayServer, driver: Driver) -> None:
        first = await driver.until(lambda step: "snapshot" in step)
        assert first["snapshot"] == engine.truth[ROOM]
        engine.patch(ROOM, {"a": None, "c": "主播", "__proto__": 5})
        step = await driver.until(lambda step: "update" in step)
        assert step["data"] == engine.truth[ROOM]
        driver.tell("age")
        step = await driver.until(lambda step: "age" in step)
        assert 0 <= step["age"] < 10_000
        assert step["silence"] < 10_000

    play(settings, (ROOM,), scenario)


def test_it_resumes_where_it_was(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 1})
    engine.log(LOG, {"n": 0})

    async def scenario(server: GatewayServer, driver: Driver) -> None:
        for _ in range(2):
            await driver.until(lambda step: "snapshot" in step)
        driver.tell("drop")
        await driver.until(lambda step: step.get("state") == "lost")
        engine.patch(ROOM, {"b": 2})
        for number in range(1, 4):
            engine.log(LOG, {"n": number})
        for number in range(1, 4):
            step = await driver.until(lambda step: "event" in step)
            assert step["event"] == {"n": number}
        if not any("update" in step for step in driver.seen):
            await driver.until(lambda step: "update" in step)
        update = next(step for step in driver.seen if "update" in step)
        assert update["data"] == engine.truth[ROOM]
        snapshots = [step for step in driver.seen if "snapshot" in step]
        assert len(snapshots) == 2
        assert not any("gap" in step for step in driver.seen)

    play(settings, (ROOM, LOG), scenario)


def test_it_hears_of_a_new_epoch(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 1})

    async def scenario(server: GatewayServer, driver: Driver) -> None:
        await driver.until(lambda step: "snapshot" in step)
        engine.redis.flushall()
        engine.rewrite("e2")
        gap = await driver.until(lambda step: "gap" in step)
        assert gap["gap"]["reason"] == "epoch"
        step = await driver.until(lambda step: "snapshot" in step)
        assert step["snapshot"] == engine.truth[ROOM]

    play(settings, (ROOM,), scenario)


def test_a_broken_chain_is_resynced_and_never_shown(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 1})

    async def scenario(server: GatewayServer, driver: Driver) -> None:
        await driver.until(lambda step: "snapshot" in step)
        driver.tell(f"skip {ROOM}")
        driver.tell("age")
        await driver.until(lambda step: "age" in step)
        engine.patch(ROOM, {"a": 2})
        step = await driver.until(lambda step: "snapshot" in step or "update" in step)
        assert step["snapshot"] == {"a": 2}

    play(settings, (ROOM,), scenario)


def test_refusals_reach_the_caller(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer, driver: Driver) -> None:
        step = await driver.until(lambda step: "error" in step)
        assert step["error"] == 103
        alert = {"id": "x", "tenant": "t1", "alert_id": "t1/r1/rule/x@5"}
        driver.tell(f"rpc ack {json.dumps(alert)}")
        step = await driver.until(lambda step: "failed" in step)
        assert step["failed"].startswith("103 ")
        driver.tell("list")
        assert (await driver.until(lambda step: "ok" in step))["ok"] == []

    play(settings, ("room:t2/r1",), scenario, role="screen")


def test_an_action_is_answered(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer, driver: Driver) -> None:
        await driver.until(lambda step: step.get("state") == "open")
        alert = {"id": "x", "tenant": "t1", "alert_id": "t1/r1/rule/x@5"}
        driver.tell(f"rpc ack {json.dumps(alert)}")
        step = await driver.until(lambda step: "ok" in step)
        assert step["ok"]["alert_id"] == alert["alert_id"]

    play(settings, (), scenario)


def test_a_bad_token_is_never_tried_again(settings: Settings) -> None:
    async def scenario() -> None:
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            driver = await Driver.start(url, "rubbish")
            step = await driver.until(lambda step: step.get("state") == "refused")
            assert step["code"] == 4001
            await eventually(lambda: not server.gateway.peers)
            await driver.end()
            assert sum(step.get("state") == "connecting" for step in driver.seen) == 1

    asyncio.run(scenario())


def test_it_renews_its_token_and_stays(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.patch(ROOM, {"a": 1})
    token, now_ms = two_seconds_left(settings)
    held = hold_clock(monkeypatch, now_ms)

    async def scenario() -> None:
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            driver = await Driver.start(url, token, ROOM)
            await driver.until(lambda step: "snapshot" in step)
            (peer,) = server.gateway.peers
            first = peer.session.claims
            assert first is not None
            idle = await Raw.open(server.port)
            await idle.connect(token)
            await driver.until(lambda step: "renewed" in step)
            held[0] = (first.exp + 1) * 1_000
            assert await idle.close_code() == 4200
            await idle.end()
            await asyncio.to_thread(engine.patch, ROOM, {"a": 2})
            await driver.until(lambda step: step.get("data") == {"a": 2})
            await driver.end()
            assert not any(step.get("state") == "lost" for step in driver.seen)

    asyncio.run(scenario())
