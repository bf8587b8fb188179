"""A real Redis, a real gateway, real sockets, our own client."""

import asyncio

from sinks.client import LiveroomClient
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.support import Engine, Settings, eventually

ROOM = "room:t1/r1"


def test_a_client_gets_the_snapshot_and_then_every_delta(
    engine: Engine, settings: Settings
) -> None:
    async def scenario() -> None:
        engine.patch(ROOM, {"session.gmv_paid": 100, "meta.status": "live"})
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token(), rate_ms=100) as client:
                sub = client.room("t1/r1")
                first = await anext(sub)
                assert first.kind == "snapshot"
                assert first.state["session.gmv_paid"] == 100
                for value in range(200, 230):
                    await asyncio.to_thread(engine.patch, ROOM, {"session.gmv_paid": value})
                await asyncio.to_thread(engine.patch, ROOM, {"meta.status": None})
                await eventually(lambda: sub.state.values == engine.truth[ROOM])
                assert sub.state.gaps == 0
                assert sub.state.resyncs == 0

    asyncio.run(scenario())


def test_a_room_that_does_not_exist_yet_is_shown_once_it_starts(
    engine: Engine, settings: Settings
) -> None:
    async def scenario() -> None:
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token()) as client:
                sub = client.room("t1/r1")
                first = await anext(sub)
                assert first.state == {}
                await asyncio.to_thread(engine.patch, ROOM, {"session.gmv_paid": 7})
                await eventually(lambda: sub.state.values == {"session.gmv_paid": 7})
                assert sub.state.gaps == 0

    asyncio.run(scenario())


def test_log_entries_arrive_in_order_and_complete(engine: Engine, settings: Settings) -> None:
    async def scenario() -> None:
        engine.log("alerts:t1/t1", {"id": "a0"})
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token()) as client:
                sub = client.channel("alerts:t1/t1")
                first = await anext(sub)
                assert first.entries == ({"id": "a0"},)
                for number in range(1, 50):
                    await asyncio.to_thread(engine.log, "alerts:t1/t1", {"id": f"a{number}"})
                got = [(await anext(sub)).entries[0]["id"] for _ in range(49)]
                assert got == [f"a{number}" for number in range(1, 50)]

    asyncio.run(scenario())


def test_a_new_epoch_is_announced_and_healed(engine: Engine, settings: Settings) -> None:
    async def scenario() -> None:
        engine.patch(ROOM, {"session.gmv_paid": 100})
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token()) as client:
                sub = client.room("t1/r1")
                await anext(sub)
                await asyncio.to_thread(engine.redis.flushall)
                engine.truth[ROOM] = {"session.gmv_paid": 90}
                await asyncio.to_thread(engine.rewrite, "e2")
                await eventually(lambda: sub.state.epoch == "e2")
                await eventually(lambda: sub.state.values == {"session.gmv_paid": 90})
                assert sub.state.gaps >= 1

    asyncio.run(scenario())


def test_a_hole_in_the_out_log_is_announced_and_healed(engine: Engine, settings: Settings) -> None:
    async def scenario() -> None:
        engine.patch(ROOM, {"a": 1})
        async with GatewayServer(settings) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token()) as client:
                sub = client.room("t1/r1")
                await anext(sub)
                pipe = engine.redis.pipeline()
                pipe.hset(engine.key(ROOM), "b", "2")
                pipe.hincrby(engine.key(ROOM), "_s", 1)
                await asyncio.to_thread(pipe.execute)
                await asyncio.to_thread(engine.patch, ROOM, {"c": 3})
                await eventually(lambda: sub.state.values == {"a": 1, "b": 2, "c": 3})
                assert sub.state.gaps == 1

    asyncio.run(scenario())
