"""The handshake, HTTP, limits and actions, on real sockets."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sinks.client import LiveroomClient, RpcError
from sinks.gateway.auth import Claims, verify_token
from sinks.gateway.limits import Limits
from sinks.gateway.protocol import Steer
from sinks.gateway.server import GatewayServer
from stream.errors import ConfigError, WireError
from stream.ids import shard_of
from tests.sinks.gateway.raw import Raw, masked
from tests.sinks.gateway.serving import against, get
from tests.sinks.gateway.support import Engine, Settings, eventually, hold_clock, two_seconds_left

ROOM = "room:t1/r1"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("", 101),
        ("http://127.0.0.1:{port}", 101),
        ("https://127.0.0.1:{port}", 101),
        ("https://shop.example", 101),
        ("http://127.0.0.1:1", 403),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("null", 403),
    ],
)
def test_only_our_own_and_allowed_origins_may_connect(
    settings: Settings, origin: str, status: int
) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port, Origin=origin.format(port=server.port))
        assert raw.status == status
        await raw.end()

    against(replace(settings, allowed_origins=("https://shop.example",)), scenario)


def test_another_subprotocol_is_refused_before_the_upgrade(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        for offered in ("", "lc.v0.json"):
            raw = await Raw.open(server.port, Sec_WebSocket_Protocol=offered)
            assert raw.status == 400
            await raw.end()

    against(settings, scenario)


def test_a_full_gateway_says_when_to_come_back(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        first = await Raw.open(server.port)
        await first.connect(settings.token())
        second = await Raw.open(server.port)
        assert second.status == 503
        assert "Retry-After: 2" in second.head
        await second.end()
        await first.end()
        await eventually(lambda: server.gateway.admission.open == 0)
        third = await Raw.open(server.port)
        assert third.status == 101
        await third.end()

    against(settings, scenario, Limits(max_connections=1))


def test_an_address_behind_our_proxy_has_a_limited_number_of_connections(
    settings: Settings,
) -> None:
    async def scenario(server: GatewayServer) -> None:
        first = await Raw.open(server.port, X_Forwarded_For="198.51.100.1")
        second = await Raw.open(server.port, X_Forwarded_For="198.51.100.1")
        other = await Raw.open(server.port, X_Forwarded_For="198.51.100.2")
        assert (first.status, second.status, other.status) == (101, 503, 101)
        for raw in (first, second, other):
            await raw.end()

    against(settings, scenario, Limits(max_per_address=1))


def test_a_user_has_a_limited_number_of_connections(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        first, second = await Raw.open(server.port), await Raw.open(server.port)
        await first.connect(settings.token(user="ann"))
        second.say(type="connect", id=1, token=settings.token(user="ann"))
        assert await second.close_code() == 4111
        await first.end()
        await second.end()

    against(settings, scenario, Limits(max_per_user=1))


def test_who_does_not_connect_in_time_is_closed(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port)
        assert await raw.close_code() == 4107
        await raw.end()

    against(settings, scenario, Limits(connect_timeout_s=0.1))


def test_a_silent_client_is_pinged_and_closed(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port)
        await raw.connect(settings.token())
        await raw.hear("ping")
        assert await raw.close_code() == 4201
        await raw.end()

    against(settings, scenario, Limits(ping_s=0.2, pong_s=6))


def test_a_token_that_runs_out_ends_the_connection(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port)
        await raw.connect(settings.token(ttl_s=1))
        assert await raw.close_code() == 4200
        await raw.end()

    against(settings, scenario)


def test_a_revoked_token_is_refused_and_the_client_stays_away(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        server.gateway.revoked = frozenset({"ann"})
        server.feed.stop()
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token(user="ann")) as client:
            with pytest.raises(WireError) as caught:
                await anext(client.room("t1/r1"))
            assert caught.value.code == 4001
            assert client.reconnects == 0

    against(settings, scenario)


def test_a_forbidden_channel_ends_its_iterator_only(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        engine.patch(ROOM, {"a": 1})
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token()) as client:
            with pytest.raises(RpcError) as caught:
                await anext(client.room("t2/r1"))
            assert caught.value.code == 103
            assert (await anext(client.room("t1/r1"))).state == {"a": 1}

    against(settings, scenario)


def actions(engine: Engine, shards: int) -> list[dict[str, Any]]:
    """Events in the log of the tenant's shard."""
    shard = shard_of("t1", None, shards)
    rows = engine.redis.xrange(f"{{{shard}}}:in") or []
    bodies = [row[b"b"] for _, row in rows if row]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def test_an_action_is_answered_after_it_stands_in_the_log(
    engine: Engine, settings: Settings
) -> None:
    async def scenario(server: GatewayServer) -> None:
        url = f"ws://127.0.0.1:{server.port}/ws"
        alert = {"tenant": "t1", "alert_id": "t1/r1/rule/x@5"}
        async with LiveroomClient(url, settings.token()) as client:
            await client.rpc("snooze", id="a-1", snooze_ms=60_000, **alert)
            await client.rpc("snooze", id="a-1", snooze_ms=60_000, **alert)
            events = actions(engine, settings.shards)
            assert {event["event_id"] for event in events} == {"a-1"}
            assert events[0]["type"] == "operator_action"
            assert (events[0]["status"], events[0]["value"]) == ("snooze", 60)
            assert events[0]["target_id"] == "t1/r1/rule/x@5"
            assert len(events[0]["user_id"]) == 16
            with pytest.raises(RpcError) as caught:
                await client.rpc("snooze", id="a-2", snooze_ms=0, **alert)
            assert caught.value.code == 107
        async with LiveroomClient(url, settings.token("screen")) as client:
            with pytest.raises(RpcError) as caught:
                await client.rpc("ack", id="a-3", **alert)
            assert caught.value.code == 103

    against(settings, scenario)


def test_a_list_shows_what_the_token_covers(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        for name in (ROOM, "room:t2/r1", "stock:t1/t1"):
            engine.patch(name, {"a": 1})
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token()) as client:
            assert [entry["ch"] for entry in await client.list("room")] == [ROOM]
            assert len(await client.list()) == 2
        status, _, _ = await get(server, "/api/rooms")
        assert status == 401
        status, _, body = await get(
            server, "/api/rooms", Authorization=f"Bearer {settings.token()}"
        )
        assert status == 200
        assert json.loads(body) == {"rooms": [{"room": "t1/r1", "group": "t1/t1"}]}

    against(settings, scenario)


def test_a_missing_setting_is_named_at_start(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="redis_url"):
        GatewayServer(replace(settings, redis_url=None))
    with pytest.raises(ConfigError, match="token_secret"):
        GatewayServer(replace(settings, token_secret=None))


def test_a_message_of_another_kind_is_closed_with_its_code(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        for data, code in (
            (masked(b"\x00\x01", opcode=2), 4009),
            (masked(b"not json"), 4009),
            (masked(b"[]"), 4009),
            (masked(b"\xff\xfe"), 1007),
            (masked(b"x" * 20_000), 1009),
            (b"\x81\x05hello", 1002),
            (masked(b"x", opcode=5), 1002),
        ):
            raw = await Raw.open(server.port)
            raw.send(data)
            assert await raw.close_code() == code
            await raw.end()

    against(settings, scenario)


def test_a_short_token_lives_on_by_renewal_until_it_may_not(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port)
        await raw.connect(settings.token(ttl_s=100, renew_s=500))
        raw.say(type="renew", id=2)
        answer = await raw.hear("ok")
        claims = verify_token(settings, answer["token"])
        assert isinstance(claims, Claims)
        assert claims.exp == answer["exp"] == claims.until
        raw.say(type="renew", id=3)
        assert (await raw.hear("err"))["code"] == 103
        second = await Raw.open(server.port)
        await second.connect(answer["token"])
        await raw.end()
        await second.end()

    against(settings, scenario)


def test_the_client_renews_its_token_and_stays(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, now_ms = two_seconds_left(settings)
    held = hold_clock(monkeypatch, now_ms)

    async def scenario(server: GatewayServer) -> None:
        engine.patch(ROOM, {"a": 1})
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, token) as client:
            await anext(client.room("t1/r1"))
            (peer,) = server.gateway.peers
            first = peer.session.claims
            assert first is not None

            def renewed() -> bool:
                claims = peer.session.claims
                return claims is not None and claims.exp > first.exp

            idle = await Raw.open(server.port)
            await idle.connect(token)
            await eventually(renewed)
            held[0] = (first.exp + 1) * 1_000
            assert await idle.close_code() == 4200
            await idle.end()
            engine.patch(ROOM, {"a": 2})
            await eventually(lambda: client.room("t1/r1").state.values == {"a": 2})
            assert client.reconnects == 0

    against(settings, scenario)


def test_a_revocation_in_redis_ends_open_connections(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        raw = await Raw.open(server.port)
        await raw.connect(settings.token(user="ann"))
        await asyncio.to_thread(engine.redis.sadd, "liveroom:revoked", "ann")
        assert await raw.close_code() == 4001
        await raw.end()
        again = await Raw.open(server.port)
        again.say(type="connect", id=1, token=settings.token(user="ann"))
        assert await again.close_code() == 4001
        await again.end()

    against(settings, scenario)


@dataclass
class Tape:
    """A replay that notes its orders and refuses to wind back."""

    channel: str = "replay:tape/tape"
    orders: list[Steer] = field(default_factory=list)

    def steer(self, order: Steer) -> str | None:
        self.orders.append(order)
        return "it only runs forward" if order.do == "seek" else None


def test_orders_reach_the_replay_where_there_is_one(settings: Settings) -> None:
    async def scenario(server: GatewayServer, replayed: bool) -> None:
        raw = await Raw.open(server.port)
        welcome = await raw.connect(settings.token(steer=True))
        assert welcome.get("replay") == ("replay:tape/tape" if replayed else None)
        raw.say(type="steer", id=2, do="pause")
        raw.say(type="steer", id=3, do="seek", to_ms=5)
        first, second = await raw.hear("ok", "err"), await raw.hear("err")
        expected = ("ok", "bad_request") if replayed else ("err", "unknown_method")
        assert (first["type"], second["name"]) == expected
        await raw.end()

    async def run() -> None:
        tape = Tape()
        async with GatewayServer(settings) as server:
            await scenario(server, replayed=False)
        async with GatewayServer(settings, player=tape) as server:
            await scenario(server, replayed=True)
        assert [order.do for order in tape.orders] == ["pause", "seek"]

    asyncio.run(run())
