"""A gateway on real sockets for the time of a scenario, and HTTP requests to it."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

from sinks.gateway.limits import Limits
from sinks.gateway.server import GatewayServer
from tests.sinks.gateway.support import Settings

Scenario = Callable[[GatewayServer], Awaitable[None]]


def against(settings: Settings, scenario: Scenario, limits: Limits | None = None) -> None:
    async def run() -> None:
        async with GatewayServer(settings, limits) as server:
            await scenario(server)

    asyncio.run(run())


async def get(server: GatewayServer, path: str, **headers: str) -> tuple[int, Any, bytes]:
    def fetch() -> tuple[int, Any, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    return await asyncio.to_thread(fetch)
