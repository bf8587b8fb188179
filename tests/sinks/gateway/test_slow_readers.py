"""A reader that stops, or crawls, next to healthy ones."""

import asyncio
import socket

from sinks.client import LiveroomClient
from sinks.gateway.limits import Limits
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.raw import Raw
from tests.sinks.gateway.support import Engine, Settings, eventually

ROOM = "room:t1/r1"


def big(number: int) -> dict[str, object]:
    return {f"m1.metric{i}": f"{number}:" + "x" * 200 for i in range(60)}


def test_a_reader_that_stops_is_cut_and_holds_little(engine: Engine, settings: Settings) -> None:
    limits = Limits(stall_s=3.0)

    async def scenario() -> None:
        engine.patch(ROOM, big(0))
        async with GatewayServer(settings, limits) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            stalled = await Raw.open(server.port, rcvbuf=4_096)
            stalled.transport.pause_reading()
            stalled.say(type="connect", id=1, token=settings.token())
            stalled.say(type="sub", id=2, ch=ROOM, rate_ms=100)
            async with LiveroomClient(url, settings.token(), rate_ms=100) as client:
                healthy = client.room("t1/r1")
                await anext(healthy)
                await eventually(lambda: len(server.gateway.peers) == 2)
                held, number = 0, 0
                while not server.gateway.metrics.closed["slow"]:
                    number += 1
                    assert number < 1_000
                    await asyncio.to_thread(engine.patch, ROOM, big(number))
                    for peer in server.gateway.peers:
                        buffered = peer.ws.transport.get_write_buffer_size()
                        held = max(held, buffered + peer.client.queue_bytes)
                    await asyncio.sleep(0.02)
                await eventually(lambda: healthy.state.values == engine.truth[ROOM])
                await eventually(lambda: len(server.gateway.peers) == 1)
                assert held <= 65_536
                assert healthy.state.gaps == healthy.state.resyncs == 0
            raw = stalled.writer.get_extra_info("socket")
            closed = b"\x07"  # TCP_CLOSE: the reset has arrived although nothing was read
            await eventually(lambda: raw.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 1) == closed)
            await stalled.end()

    asyncio.run(scenario())


def test_a_crawling_reader_gets_merged_updates_and_ends_with_the_truth(
    engine: Engine, settings: Settings
) -> None:
    async def scenario() -> None:
        engine.patch(ROOM, big(0))
        async with GatewayServer(settings) as server:
            raw = await Raw.open(server.port, rcvbuf=4_096)
            await raw.connect(settings.token())
            raw.say(type="sub", id=2, ch=ROOM, rate_ms=100)
            await raw.hear("snap")
            raw.transport.pause_reading()
            for number in range(1, 61):
                await asyncio.to_thread(engine.patch, ROOM, big(number))
                await asyncio.sleep(0.02)
            (peer,) = server.gateway.peers
            await eventually(lambda: peer.client.paused)
            raw.transport.resume_reading()
            state: dict[str, object] = {}
            last = updates = 0
            while state != engine.truth[ROOM]:
                body = await raw.hear("upd")
                assert last in (0, body["p"])
                last, updates = body["s"], updates + 1
                state |= body["d"]
            assert updates < 40
            await raw.end()

    asyncio.run(scenario())


def test_a_peer_that_floods_pings_and_never_reads_is_cut(settings: Settings) -> None:
    async def scenario() -> None:
        async with GatewayServer(settings, Limits(stall_s=1.0)) as server:
            raw = await Raw.open(server.port, rcvbuf=4_096)
            raw.transport.pause_reading()
            ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
            held = 0
            for _ in range(400):
                raw.send(ping * 200)
                for peer in server.gateway.peers:
                    held = max(held, peer.ws.transport.get_write_buffer_size())
                await asyncio.sleep(0)
                if server.gateway.metrics.closed["slow"]:
                    break
            await eventually(lambda: not server.gateway.peers)
            assert held < 1_000_000
            await raw.end()

    asyncio.run(scenario())


def test_shutting_down_does_not_hang_on_a_reader_that_stopped(
    engine: Engine, settings: Settings
) -> None:
    async def scenario() -> None:
        engine.patch(ROOM, big(0))
        # Whoever waited until the reader counts as stalled would wait ten minutes.
        server = GatewayServer(settings, Limits(stall_s=600.0))
        async with server:
            raw = await Raw.open(server.port, rcvbuf=4_096)
            raw.transport.pause_reading()
            raw.say(type="connect", id=1, token=settings.token())
            raw.say(type="sub", id=2, ch=ROOM, rate_ms=100)
            number = 0
            while not any(peer.client.paused for peer in server.gateway.peers):
                number += 1
                assert number < 1_000
                await asyncio.to_thread(engine.patch, ROOM, big(number))
                await asyncio.sleep(0.02)
            leaving = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - leaving < 5
        await raw.end()

    asyncio.run(scenario())


def test_a_drain_says_bye_with_a_window_and_the_code(engine: Engine, settings: Settings) -> None:
    async def scenario() -> None:
        server = GatewayServer(settings)
        async with server:
            raw = await Raw.open(server.port)
            await raw.connect(settings.token())
            raw.say(type="sub", id=2, ch=ROOM)
            await raw.hear("snap")
            closing = asyncio.get_running_loop().create_task(server.gateway.drain())
            bye = await raw.hear("bye")
            assert bye["code"] == 4101
            assert bye["retry"] == [0, server.limits.retry_first_ms]
            opcode, payload = await raw.frame()
            assert (opcode, int.from_bytes(payload[:2], "big")) == (8, 4101)
            await raw.end()
            await closing

    asyncio.run(scenario())
