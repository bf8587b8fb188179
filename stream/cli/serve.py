"""`liveroom serve`."""

from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.REDIS, Area.GATEWAY, Area.WATCH, announce=True)
def command(settings: Settings) -> int:
    """Serve the pages and the WebSocket: a snapshot, then gap-proof changes.

    Start as many as you like on one Redis. It listens on loopback unless told otherwise; put a
    TLS proxy in front of a public one. Every connection needs a token.
    """
    if settings.redis_url is None:
        raise ConfigError("redis_url", None, "a Redis server, e.g. --redis-url redis://127.0.0.1")
    if settings.token_secret is None:
        example = (
            "a key of at least 32 characters, e.g. `openssl rand -hex 32`, in LIVEROOM_TOKEN_SECRET"
        )
        raise ConfigError("token_secret", None, example)
    from sinks.gateway.server import serve

    return serve(settings, settings.gateway_processes)
