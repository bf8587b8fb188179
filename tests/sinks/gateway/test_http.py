"""HTTP beside the WebSocket: pages, files, health, metrics."""

import asyncio
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

from operators.catalogue import as_json
from sinks.client import LiveroomClient
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.serving import against, get
from tests.sinks.gateway.support import SECRET, Engine, Settings, eventually

ROOM = "room:t1/r1"


def test_pages_and_files_come_with_a_strict_policy(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        for path in ("/", "/screen", "/console", "/assets/client.js"):
            status, headers, body = await get(server, path)
            assert status == 200
            assert body
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
        for path in ("/assets/../gateway/auth.py", "/assets/", "/etc/passwd", "/assets//client.js"):
            status, _, _ = await get(server, path)
            assert status == 404

    against(settings, scenario)


def test_files_are_packed_and_sent_once(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        path = "/assets/client.js"
        _, headers, plain = await get(server, path)
        assert headers["Vary"] == "Accept-Encoding"
        status, headers, packed = await get(server, path, **{"Accept-Encoding": "br, gzip"})
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed) == plain
        status, _, body = await get(server, path, **{"If-None-Match": headers["ETag"]})
        assert (status, body) == (304, b"")

    against(settings, scenario)


def test_a_page_names_files_that_never_change_under_their_name(settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        _, headers, page = await get(server, "/screen")
        assert headers["Cache-Control"] == "no-cache"
        named = re.findall(r'"(/assets/[^"]+)"', page.decode())
        assert len(named) > 20
        for path in named:
            status, headers, content = await get(server, path)
            assert (status, headers["Cache-Control"]) == (200, "max-age=31536000, immutable")
            assert content == (await get(server, f"/assets/{path.rpartition('/')[2]}"))[2]

    against(settings, scenario)


def test_health_readiness_catalogue_and_metrics(engine: Engine, settings: Settings) -> None:
    async def scenario(server: GatewayServer) -> None:
        await eventually(lambda: server.feed.state.up)
        assert (await get(server, "/health"))[0] == 200
        assert (await get(server, "/ready"))[0] == 200
        status, _, body = await get(server, "/api/catalogue")
        assert json.loads(body) == json.loads(json.dumps(as_json()))
        engine.patch(ROOM, {"a": 1})
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with LiveroomClient(url, settings.token()) as client:
            await anext(client.room("t1/r1"))
            status, _, body = await get(server, "/metrics")
        assert status == 200
        text = body.decode()
        assert 'liveroom_gateway_connections{process="0"} 1' in text
        assert 'liveroom_gateway_snapshots_total{process="0"} 1' in text
        assert SECRET not in text

    against(settings, scenario)


def test_readiness_is_lost_with_redis_and_comes_back(
    start_redis: Callable[..., Any],
) -> None:
    redis = start_redis()

    async def scenario(server: GatewayServer) -> None:
        await eventually(lambda: server.feed.state.up)
        await asyncio.to_thread(redis.kill)
        await eventually(lambda: not server.feed.state.up)
        assert (await get(server, "/ready"))[0] == 503
        assert (await get(server, "/health"))[0] == 200
        await asyncio.to_thread(redis.restart)
        await eventually(lambda: server.feed.state.up)

    against(Settings(redis.url), scenario)
