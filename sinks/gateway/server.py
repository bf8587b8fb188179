"""Entry point of the gateway: one process, or several on one port (`SO_REUSEPORT`)."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from redis.asyncio import Redis
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as ws_serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from sinks.gateway import http, views
from sinks.gateway.actions import Actions
from sinks.gateway.auth import Denied, verify_token
from sinks.gateway.connection import GatewayConnection
from sinks.gateway.demand import Demand
from sinks.gateway.effects import Core, Player
from sinks.gateway.feed import Feed, RedisStore
from sinks.gateway.gateway import Gateway
from sinks.gateway.hub import Hub, cancel_all
from sinks.gateway.limits import Admission, Limits, client_address
from sinks.gateway.metrics import Metrics
from sinks.gateway.outbox import Outbox
from sinks.gateway.protocol import SUBPROTOCOL
from sinks.gateway.siblings import Siblings
from sinks.log_async import AsyncLogWriter
from stream.assets import asset_path
from stream.errors import ConfigError

LOG: Final = logging.getLogger("liveroom.gateway")
WS_PATH: Final = "/ws"


class GatewaySettings(Protocol):
    """The settings this part reads; `stream.settings.Settings` has them."""

    @property
    def redis_url(self) -> str | None:
        """Server to read from."""
        ...

    @property
    def shards(self) -> int:
        """Number of shards."""
        ...

    @property
    def host(self) -> str:
        """Address to listen on."""
        ...

    @property
    def port(self) -> int:
        """Port; 0: any free one."""
        ...

    @property
    def token_secret(self) -> str | None:
        """Key that signs tokens."""
        ...

    @property
    def token_secret_previous(self) -> str | None:
        """Key before the last rotation."""
        ...

    @property
    def token_ttl_s(self) -> int:
        """Life of a renewed token."""
        ...

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins besides the gateway's own."""
        ...

    @property
    def max_connections(self) -> int:
        """Connections of one process."""
        ...

    @property
    def max_per_address(self) -> int:
        """Connections of one address."""
        ...

    @property
    def max_per_user(self) -> int:
        """Connections of one user."""
        ...

    @property
    def assets_dir(self) -> Path | None:
        """Folder of the pages' libraries."""
        ...


class GatewayServer:
    """A running gateway: `async with GatewayServer(settings) as server: server.port`."""

    def __init__(
        self,
        settings: GatewaySettings,
        limits: Limits | None = None,
        process: int = 0,
        processes: int = 1,
        reuse_port: bool = False,
        player: Player | None = None,
    ) -> None:
        if not settings.redis_url:
            raise ConfigError("redis_url", settings.redis_url, "the address of a Redis server")
        if not settings.token_secret:
            raise ConfigError("token_secret", settings.token_secret, "a key of 32 characters")
        self.limits = limits or Limits(
            max_connections=settings.max_connections,
            max_per_address=settings.max_per_address,
            max_per_user=settings.max_per_user,
        )
        self.port = settings.port
        self._settings = settings
        self._process = process
        self._reuse_port = reuse_port
        self._redis = Redis.from_url(
            settings.redis_url, protocol=2, socket_connect_timeout=2, socket_timeout=5
        )
        self._writer = AsyncLogWriter(settings.redis_url, settings.shards)
        store = RedisStore(self._redis, settings.shards, self.limits)
        self.hub = Hub(store, self.limits)
        node = f"{socket.gethostname()}/{process}"
        core = Core(
            settings=settings,
            limits=self.limits,
            hub=self.hub,
            store=store,
            actions=Actions(self._writer),
            node=node,
            outbox=Outbox(),
            metrics=Metrics(),
            admission=Admission(self.limits, time.monotonic()),
            player=player,
        )
        self.gateway = Gateway(core)
        self.feed = Feed(self._redis, settings.shards, self.hub, self._revoke)
        self._demand = Demand(self._redis, settings.shards, self.hub)
        self._siblings = Siblings(
            self._redis,
            process,
            processes,
            lambda: views.metrics(self.gateway, self.feed, process),
        )
        self._routes = self._make_routes()
        self._server: Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _revoke(self, revoked: frozenset[str]) -> None:
        self.gateway.revoked = revoked

    def _make_routes(self) -> dict[str, http.Route]:
        folder = self._settings.assets_dir
        routes = http.static_routes(lambda name: asset_path(name, folder))
        routes["/health"] = views.health
        routes["/ready"] = lambda: views.ready(self.gateway, self.feed)
        routes["/api/catalogue"] = views.catalogue()
        return routes

    async def __aenter__(self) -> "GatewayServer":
        """Listen and start to read."""
        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        self._server = await ws_serve(
            self.gateway.handle,
            self._settings.host,
            self._settings.port,
            process_request=self._process_request,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            create_connection=GatewayConnection,
            compression=None,
            server_header=None,
            open_timeout=15,
            ping_interval=None,
            close_timeout=3,
            max_size=self.limits.max_message_bytes,
            max_queue=4,
            write_limit=(self.limits.write_high_bytes, self.limits.write_high_bytes // 4),
            reuse_port=self._reuse_port or None,
            backlog=1_024,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._siblings.port = self.port
        works = (
            *(self.feed.run, self.gateway.run_grid, self.gateway.run_watch),
            *(self._siblings.run, self._demand.run),
        )
        for work in works:
            task = asyncio.get_running_loop().create_task(work())
            task.add_done_callback(self._failed)
            self._tasks.append(task)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop accepting, close everybody in turn, leave Redis."""
        if self._server is not None:
            self._server.close(close_connections=False)
        await self.gateway.drain()
        self.feed.stop()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=2)
        await cancel_all(self._tasks)
        if self._server is not None:
            await self._server.wait_closed()
        await self.hub.close()
        await self._redis.aclose()
        await self._writer.close()

    @staticmethod
    def _failed(task: "asyncio.Task[None]") -> None:
        """A dead timer would leave screens silently frozen: die loudly instead."""
        if not task.cancelled() and task.exception() is not None:
            LOG.critical("a gateway task failed", exc_info=task.exception())
            os.kill(os.getpid(), signal.SIGTERM)

    # HTTP and the handshake

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        path = urlsplit(request.path).path
        if path == WS_PATH:
            return self._refuse(connection, request)
        route = self._routes.get(path)
        if route is not None:
            return http.answer(route(), request.headers)
        if path == "/metrics":
            text = await self._siblings.text()
            return http.response(http.Body(text.encode(), views.PROMETHEUS))
        if path == "/api/rooms":
            return await self._rooms(request)
        return http.refusal(HTTPStatus.NOT_FOUND, "not found")

    async def _rooms(self, request: Request) -> Response:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = verify_token(self._settings, token, self.gateway.revoked)
        if kind.lower() != "bearer" or isinstance(claims, Denied):
            return http.refusal(HTTPStatus.UNAUTHORIZED, "a bearer token is needed")
        return http.response(await views.rooms(self.gateway, claims))

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Why a WebSocket may not be opened here; None if it may."""
        refused = self.gateway.metrics.refused
        if not self._origin_fits(request):
            refused["origin"] += 1
            return http.refusal(HTTPStatus.FORBIDDEN, "this origin is not allowed")
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
        if SUBPROTOCOL not in [name.strip() for name in offered.split(",")]:
            refused["version"] += 1
            return http.refusal(HTTPStatus.BAD_REQUEST, f"offer the subprotocol {SUBPROTOCOL}")
        peer = connection.remote_address
        address = client_address(
            str(peer[0]) if peer else "",
            request.headers.get_all("X-Forwarded-For"),
            self.limits.trusted_proxies,
        )
        if isinstance(connection, GatewayConnection):
            connection.address = address
        why = self.gateway.admission.refuse(address, time.monotonic())
        if why is None and self.gateway.draining:
            why = "draining"
        if why is None:
            return None
        refused[why] += 1
        return http.refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the gateway is full", 2)

    def _origin_fits(self, request: Request) -> bool:
        """Browsers always send an origin: ours, or one that was allowed. Programs send none."""
        origins = request.headers.get_all("Origin")
        if not origins:
            return True
        if len(origins) > 1:
            return False
        if origins[0] in self._settings.allowed_origins:
            return True
        host = request.headers.get("Host", "")
        return bool(host) and origins[0] in (f"http://{host}", f"https://{host}")


def serve(
    settings: GatewaySettings, processes: int = 1, ready: Callable[[int], None] | None = None
) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code.

    Args:
        settings: see `GatewaySettings`.
        processes: gateway processes on the one port.
        ready: called with the port once it listens.

    Raises:
        ConfigError: a setting is missing or unusable.
    """
    if processes == 1:
        return _run(settings, 0, 1, ready)
    return _supervise(settings, processes, ready)


def _raise_file_limit() -> None:
    """A connection is a file, and the usual soft limit is 1,024: take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1_048_576)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _run(
    settings: GatewaySettings,
    process: int,
    processes: int,
    ready: Callable[[int], None] | None,
) -> int:
    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        several = processes > 1
        async with GatewayServer(
            settings, process=process, processes=processes, reuse_port=several
        ) as server:
            if ready is not None:
                ready(server.port)
            await stop.wait()

    _raise_file_limit()
    try:
        asyncio.run(main())
    except OSError as error:
        raise ConfigError("port", settings.port, f"a free port ({error.strerror})") from error
    return 0


def _child(settings: GatewaySettings, process: int, processes: int) -> None:
    _run(settings, process, processes, None)


def _supervise(
    settings: GatewaySettings, processes: int, ready: Callable[[int], None] | None
) -> int:
    """Start the processes, restart one that dies, stop all on a signal."""
    if not settings.port:
        raise ConfigError("port", settings.port, "a fixed port when there are several processes")
    context = multiprocessing.get_context("spawn")
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)

    def start(process: int) -> BaseProcess:
        child = context.Process(target=_child, args=(settings, process, processes))
        child.start()
        return child

    children = [start(process) for process in range(processes)]
    if ready is not None:
        ready(settings.port)
    while not stopping:
        time.sleep(0.2)
        for process, child in enumerate(children):
            if not child.is_alive() and not stopping:
                LOG.error("gateway process %d ended with %s", process, child.exitcode)
                children[process] = start(process)
    for child in children:
        child.terminate()
    for child in children:
        child.join(40)
    return 0
