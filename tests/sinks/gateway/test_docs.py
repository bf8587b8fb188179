"""The documents say what the code does; recorded frames fit the types they derive from."""

import asyncio
import re
from pathlib import Path

import msgspec

from sinks.gateway.asyncapi import as_yaml
from sinks.gateway.auth import ROLES
from sinks.gateway.frames import COMMANDS, SERVER_FRAMES, ServerFrame
from sinks.gateway.limits import Limits
from sinks.gateway.protocol import CLOSES, ERRORS
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.raw import Raw
from tests.sinks.gateway.support import Engine, Settings

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
LOG = "alerts:t1/t1"
ROOM = "room:t1/r1"


def test_the_asyncapi_file_is_made_from_the_types() -> None:
    written = (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8")
    assert written == as_yaml(), "run `python -m sinks.gateway.asyncapi > docs/asyncapi.yaml`"


def test_every_code_role_and_command_is_documented_as_it_is() -> None:
    for error in ERRORS:
        temporary = "yes" if error.temporary else "no"
        assert f"| {error.code} | `{error.name}` | {temporary} | {error.help} |" in TEXT
    for close in CLOSES:
        assert f"| {close.code} | `{close.name}` | {close.help} |" in TEXT
    assert len(re.findall(r"^\| 4\d{3} \|", TEXT, re.MULTILINE)) == len(CLOSES)
    assert len(re.findall(r"^\| 1\d{2} \|", TEXT, re.MULTILINE)) == len(ERRORS)
    everything = ROLES["screen"].kinds
    for name, role in ROLES.items():
        kinds = "all" if role.kinds == everything else ", ".join(sorted(role.kinds))
        assert f"| `{name}` | {kinds} | {'yes' if role.rpc else 'no'} |" in TEXT
    for command in COMMANDS:
        assert f"| `{command.__struct_config__.tag}` |" in TEXT


def test_every_close_code_is_used() -> None:
    names = ("session.py", "gateway.py", "effects.py")
    code = "".join((ROOT / "sinks" / "gateway" / name).read_text() for name in names)
    for close in CLOSES:
        assert f'"{close.name}"' in code


def test_the_limits_are_documented_as_they_are() -> None:
    limits = Limits()
    for row in (
        f"| {limits.max_connections}, {limits.max_per_address}, {limits.max_per_user} |",
        f"| {limits.accept_per_s} |",
        f"| {limits.max_message_bytes} bytes |",
        f"| {limits.max_channels} |",
        f"| {limits.commands_per_s} a second, {limits.command_burst} at once, closed after"
        f" {limits.strikes} warnings |",
        f"| {limits.part_bytes} bytes |",
        f"| ping after {limits.ping_s:.0f} s of silence, cut {limits.pong_s:.0f} s later |",
        f"| cut after {limits.stall_s:.0f} s,",
        f"| {limits.log_ring_count} entries |",
        f"| paced over at most {limits.drain_s:.0f} s |",
    ):
        assert row in TEXT


def test_recorded_frames_fit_the_documented_types(engine: Engine, settings: Settings) -> None:
    """One session that makes the gateway send every kind of frame."""
    seen: set[str] = set()

    async def hear(raw: Raw, kind: str) -> dict[str, object]:
        while True:
            opcode, payload = await asyncio.wait_for(raw.frame(), 60)
            assert opcode == 1
            frame = msgspec.json.decode(payload, type=ServerFrame)
            seen.add(type(frame).__name__)
            body: dict[str, object] = msgspec.json.decode(payload)
            if body["type"] == kind:
                return body

    async def scenario() -> None:
        engine.patch(ROOM, {"a": 1})
        engine.log(LOG, {"n": 1})
        async with GatewayServer(settings, Limits(ping_s=1)) as server:
            raw = await Raw.open(server.port)
            raw.say(type="connect", id=1, token=settings.token())
            await hear(raw, "connected")
            raw.say(type="sub_many", id=2, subs=[{"ch": ROOM}, {"ch": LOG}])
            await hear(raw, "snap")
            await hear(raw, "snap")
            engine.patch(ROOM, {"a": 2})
            await hear(raw, "upd")
            engine.log(LOG, {"n": 2})
            await hear(raw, "evt")
            alert = {"id": "x", "tenant": "t1", "alert_id": "t1/r1/rule/x@5"}
            raw.say(type="rpc", id=3, method="ack", params=alert)
            raw.say(type="list", id=4)
            raw.say(type="ping", id=5)
            raw.say(type="auth", id=6, token=settings.token())
            raw.say(type="renew", id=11)
            raw.say(type="resync", id=7, ch=ROOM)
            raw.say(type="unsub", id=8, ch=LOG)
            for _ in range(7):
                await hear(raw, "ok")
            raw.say(type="sub", id=9, ch="nope:x/y")
            raw.say(type="what", id=10)
            for _ in range(2):
                await hear(raw, "err")
            await hear(raw, "ping")
            engine.redis.flushall()
            engine.rewrite("e2")
            await hear(raw, "gap")
            closing = asyncio.get_running_loop().create_task(server.gateway.drain())
            await hear(raw, "bye")
            await raw.end()
            await closing

    asyncio.run(scenario())
    assert seen == {kind.__name__ for kind in SERVER_FRAMES}
