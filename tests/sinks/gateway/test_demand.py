"""The engine hears which channels have readers, from every gateway, and only while they have."""

import asyncio

import pytest

from sinks.client import LiveroomClient
from sinks.gateway import demand
from sinks.gateway.server import GatewayServer
from stream.engine import OutputAsker
from tests.sinks.gateway.serving import against
from tests.sinks.gateway.support import Engine, Settings, eventually

ROOM, SPLIT = "room:t1/r1", "split:t1/r1/channel"


@pytest.fixture
def asker(engine: Engine) -> OutputAsker:
    engine.patch(ROOM, {"session.gmv_paid": 1})
    engine.patch(SPLIT, {"session.gmv_paid.paid": 1})
    return OutputAsker(engine.url)


def heard(asker: OutputAsker) -> set[str] | None:
    state = asker(0)
    assert state is not None
    return None if state.watched is None else set(state.watched)


def test_without_a_gateway_nobody_tells(asker: OutputAsker) -> None:
    assert heard(asker) is None


def test_what_clients_subscribe_to_is_told_and_lapses_when_they_go(
    settings: Settings, asker: OutputAsker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demand, "KEEP_MS", 1_500)
    monkeypatch.setattr(demand, "TELL_S", 0.2)

    async def scenario(server: GatewayServer) -> None:
        await eventually(lambda: heard(asker) == {demand.HERE})
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token()) as client:
            await asyncio.gather(*(anext(aiter(client.channel(name))) for name in (ROOM, SPLIT)))
            await eventually(lambda: heard(asker) == {demand.HERE, ROOM, SPLIT})
        await eventually(lambda: heard(asker) == {demand.HERE})

    against(settings, scenario)


def test_readers_of_two_gateways_count_together(settings: Settings, asker: OutputAsker) -> None:
    async def reader(server: GatewayServer, channel: str, seen: asyncio.Event) -> None:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token()) as client:
            await anext(aiter(client.channel(channel)))
            await seen.wait()

    async def scenario(first: GatewayServer) -> None:
        seen = asyncio.Event()
        async with GatewayServer(settings) as second, asyncio.TaskGroup() as group:
            group.create_task(reader(first, ROOM, seen))
            group.create_task(reader(second, SPLIT, seen))
            await eventually(lambda: heard(asker) == {demand.HERE, ROOM, SPLIT})
            seen.set()

    against(settings, scenario)
