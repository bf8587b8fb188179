"""Hostile bytes on real sockets: the right code, flat memory, and the neighbours unharmed."""

import asyncio
import gc
import json
import random
from typing import Any

import psutil

from sinks.client import LiveroomClient
from sinks.gateway.limits import Limits
from sinks.gateway.protocol import CLOSES
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.raw import Raw, masked
from tests.sinks.gateway.support import Engine, Settings, eventually

ROOM = "room:t1/r1"
OURS = {entry.code for entry in CLOSES}
LIBRARY = {1000, 1002, 1003, 1007, 1009}
TYPES = ("connect", "sub", "sub_many", "unsub", "resync", "auth", "pong", "ping", "list", "rpc")
CHANNELS = (ROOM, "room:t2/r1", "nope:t1/r", "room:", "alerts:t1/t1", "a" * 999, "room:t1/\u202e")


def value(draw: random.Random, depth: int = 0) -> Any:
    """Any JSON value, small."""
    kind = draw.randrange(9 if depth < 2 else 7)
    if kind < 7:
        return (None, True, -1, 2**70, 1.5, "x" * draw.randrange(50), draw.choice(CHANNELS))[kind]
    if kind == 7:
        return [value(draw, depth + 1) for _ in range(draw.randrange(4))]
    keys = ("e", "s", "id", "tenant", "ch", "token", "")
    return {draw.choice(keys): value(draw, depth + 1) for _ in range(3)}


def message(draw: random.Random) -> bytes:
    """A frame that is wrong in one way or another, or nearly right."""
    kind = draw.randrange(12)
    body: dict[str, Any] = {"type": draw.choice(TYPES), "id": draw.randrange(99)}
    for name in ("ch", "since", "token", "subs", "params", "method", "rate_ms", "kind"):
        if draw.random() < 0.5:
            body[name] = value(draw)
    text = json.dumps(body).encode()
    if kind < 8:
        return masked(text)
    if kind == 8:
        return masked(text[: draw.randrange(len(text))])
    if kind == 9:
        return masked(draw.randbytes(30), opcode=draw.randrange(16))
    if kind == 10:
        return masked(text[:9], fin=False) + masked(text[9:], opcode=0)
    return draw.randbytes(40)


async def attack(server: GatewayServer, token: str, seed: int) -> int | None:
    """One hostile connection; the code it was closed with."""
    draw = random.Random(seed)
    raw = await Raw.open(server.port)
    if draw.random() < 0.8:
        await raw.connect(token)
    for _ in range(30):
        raw.send(message(draw))
    raw.send(b"\x88\x82\0\0\0\0\x03\xe8")
    code = await raw.close_code()
    await raw.end()
    return code


def test_hostile_frames_get_a_code_and_hurt_nobody(engine: Engine, settings: Settings) -> None:
    limits = Limits(max_per_address=1_000, max_per_user=1_000, accept_per_s=10_000)

    async def scenario() -> None:
        engine.patch(ROOM, {"a": 0})
        async with GatewayServer(settings, limits) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with LiveroomClient(url, settings.token()) as client:
                healthy = client.room("t1/r1")
                await anext(healthy)
                codes: list[int | None] = []
                memory: list[int] = []
                for wave in range(4):
                    seeds = range(wave * 40, wave * 40 + 40)
                    token = settings.token("screen")
                    codes += await asyncio.gather(*(attack(server, token, s) for s in seeds))
                    await eventually(lambda: len(server.gateway.peers) == 1)
                    gc.collect()
                    memory.append(psutil.Process().memory_info().rss)
                    await asyncio.to_thread(engine.patch, ROOM, {"a": wave})
                assert set(codes) - {None} <= OURS | LIBRARY
                assert 4110 not in codes
                assert codes.count(None) < 20
                assert memory[-1] - memory[1] < 4_000_000
                await eventually(lambda: healthy.state.values == engine.truth[ROOM])
                assert healthy.state.gaps == healthy.state.resyncs == 0
                assert not server.gateway.outbox.cohorts.keys() - {(ROOM, 200)}
                assert server.gateway.admission.open == 1

    asyncio.run(scenario())


def test_a_flood_of_subscriptions_is_stopped(settings: Settings) -> None:
    async def scenario() -> None:
        async with GatewayServer(settings) as server:
            raw = await Raw.open(server.port)
            await raw.connect(settings.token())
            for number in range(500):
                raw.say(type="sub", id=number, ch=f"room:t1/r{number}")
            assert await raw.close_code() == 4029
            await raw.end()
            await eventually(lambda: not server.gateway.peers)
            assert not server.gateway.outbox.cohorts

    asyncio.run(scenario())


def test_many_fragments_are_refused(settings: Settings) -> None:
    async def scenario() -> None:
        async with GatewayServer(settings) as server:
            raw = await Raw.open(server.port)
            raw.send(masked(b"{", fin=False))
            for _ in range(5_000):
                raw.send(masked(b" ", opcode=0, fin=False))
            assert await raw.close_code() in (1002, 1009, None)
            await raw.end()
            await eventually(lambda: not server.gateway.peers)

    asyncio.run(scenario())
