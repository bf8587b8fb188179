"""The Python client against a real gateway: slow consumers, lost connections, age."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sinks.client import LiveroomClient, RpcError, Subscription
from sinks.client import subscription as module
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.conftest import engine, settings
from tests.sinks.gateway.support import Engine, Settings, eventually

__all__ = ["engine", "settings"]
ROOM = "room:t1/r1"
LOG = "alerts:t1/t1"


def play(
    settings: Settings, scenario: Callable[[GatewayServer, LiveroomClient], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token(), rate_ms=100) as client:
                await scenario(server, client)

    asyncio.run(run())


async def reaches(sub: Subscription, epoch: str) -> None:
    await eventually(lambda: sub.state.epoch == epoch)


async def shows(sub: Subscription, field: str, value: object) -> None:
    await eventually(lambda: sub.state.values.get(field) == value)


def test_a_slow_consumer_of_a_state_gets_one_merged_update(
    engine: Engine, settings: Settings
) -> None:
    engine.patch(ROOM, {"a": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        sub = client.room("t1/r1")
        assert (await anext(sub)).kind == "snapshot"
        for number in range(1, 6):
            await asyncio.to_thread(engine.patch, ROOM, {"a": number, f"f{number}": 1})
            await shows(sub, "a", number)
        update = await anext(sub)
        assert update.kind == "update"
        assert update.fields["a"] == 5
        assert {f"f{number}" for number in range(1, 6)} < set(update.fields)

    play(settings, scenario)


def test_a_state_nobody_consumes_never_blocks_the_connection(
    engine: Engine, settings: Settings
) -> None:
    engine.patch(ROOM, {"a": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        sub = client.room("t1/r1")
        await eventually(lambda: sub.state.started)
        for number in range(1, 4):
            await asyncio.to_thread(engine.rewrite, f"e1{number}")
            await reaches(sub, f"e1{number}")
        await asyncio.to_thread(engine.patch, ROOM, {"b": 1})
        await eventually(lambda: sub.state.values == {"a": 0, "b": 1})
        kinds: list[str] = []
        while not kinds or kinds[-1] != "snapshot":
            update = await anext(sub)
            kinds.append(update.kind)
        assert kinds == ["gap", "snapshot"]
        assert update.fields == {"a": 0, "b": 1}

    play(settings, scenario)


def test_a_slow_consumer_of_a_log_makes_the_connection_wait_and_loses_nothing(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_QUEUE", 3)
    engine.log(LOG, {"n": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        sub = client.channel(LOG)
        await anext(sub)
        for number in range(1, 31):
            await asyncio.to_thread(engine.log, LOG, {"n": number})
        got = [(await anext(sub)).entries[0]["n"] for _ in range(30)]
        assert got == list(range(1, 31))

    play(settings, scenario)


def test_a_cut_connection_comes_back_and_resumes(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 0})
    engine.log(LOG, {"n": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        room, log = client.room("t1/r1"), client.channel(LOG)
        await anext(room)
        await anext(log)
        for number in range(1, 4):
            assert client.transport is not None
            client.transport.abort()
            await eventually(lambda: not client.connected.is_set())
            await asyncio.to_thread(engine.patch, ROOM, {"a": number})
            await asyncio.to_thread(engine.log, LOG, {"n": number})
            update = await asyncio.wait_for(anext(log), 60)
            assert (update.kind, update.entries) == ("event", ({"n": number},))
            await shows(room, "a", number)
            assert room.state.values == {"a": number}
        assert room.state.gaps == log.state.gaps == 0
        assert client.reconnects == 3

    play(settings, scenario)


def test_the_age_of_figures_needs_no_agreed_clock(engine: Engine, settings: Settings) -> None:
    engine.patch(ROOM, {"a": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        assert client.age_ms(ROOM) is None
        await anext(client.room("t1/r1"))
        age = client.age_ms(ROOM)
        assert age is not None
        assert 0 <= age < 10_000

    play(settings, scenario)


def test_calls_fail_with_the_connection_and_can_be_repeated(
    engine: Engine, settings: Settings
) -> None:
    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        assert await client.list() == []
        assert client.transport is not None
        call = asyncio.get_running_loop().create_task(client.list())
        await asyncio.sleep(0)
        client.transport.abort()
        with pytest.raises(ConnectionError):
            await call
        assert await client.list() == []
        with pytest.raises(RpcError):
            await client.rpc("explode", id="x", tenant="t1", alert_id="t1/x")

    play(settings, scenario)


def test_orders_to_a_replay_fail_where_nothing_is_replayed(
    engine: Engine, settings: Settings
) -> None:
    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        with pytest.raises(RpcError):
            await client.steer("pause")
        assert "replay" not in client.welcome

    play(settings, scenario)


def test_a_closed_subscription_ends_and_frees_its_channel(
    engine: Engine, settings: Settings
) -> None:
    engine.patch(ROOM, {"a": 0})

    async def scenario(server: GatewayServer, client: LiveroomClient) -> None:
        sub = client.room("t1/r1")
        await anext(sub)
        await sub.close()
        assert [update async for update in sub] == []
        await eventually(lambda: not server.gateway.outbox.cohorts)
        assert (await anext(client.room("t1/r1"))).state == {"a": 0}

    play(settings, scenario)
