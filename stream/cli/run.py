"""`liveroom run`."""

import socket

from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings, environ_of


@with_settings(Area.REDIS, Area.ENGINE, Area.TIME, Area.RULES, Area.WATCH, announce=True)
def command(settings: Settings) -> int:
    """Run the engine: read the log from Redis, fold it, write figures and alerts back.

    Stop it with Ctrl-C or SIGTERM; started again it goes on where it was, also after kill -9.
    `--processes N` starts N processes that share the shards; on several machines start each
    one yourself with `--process-id` and the `--addresses` of all.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. --redis-url redis://127.0.0.1")
    if settings.processes == 1 or settings.process_id is not None:
        from stream.engine import run_engine

        return run_engine(settings)
    return _run_local_cluster(settings)


def _run_local_cluster(settings: Settings) -> int:
    from stream.supervisor import ChildSpec, liveroom_argv, run_cluster

    if settings.processes > settings.shards:
        limit = f"at most the {settings.shards} shards"
        raise ConfigError("processes", settings.processes, limit)
    addresses = ",".join(settings.addresses) or _free_addresses(settings.processes)
    # The merged settings travel as variables: they outrank the file that a child reads again.
    specs = [
        ChildSpec(
            name=f"engine process {number}",
            argv=liveroom_argv("run"),
            env={
                **environ_of(settings),
                "LIVEROOM_PROCESS_ID": str(number),
                "LIVEROOM_ADDRESSES": addresses,
            },
        )
        for number in range(settings.processes)
    ]
    return run_cluster(specs)


def _free_addresses(count: int) -> str:
    """Loopback addresses whose ports were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ",".join(f"127.0.0.1:{port}" for port in ports)
