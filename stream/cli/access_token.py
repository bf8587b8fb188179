"""`liveroom token`."""

from typing import Annotated

import typer

from stream.cli.console import write
from stream.cli.options import with_settings
from stream.errors import ConfigError
from stream.settings import Area, Settings


@with_settings(Area.GATEWAY)
def command(
    settings: Settings,
    role: Annotated[
        str, typer.Option(help="screen, host, operator, analyst, warehouse or finance.")
    ] = "screen",
    tenants: Annotated[str, typer.Option(help="Shops, with commas; `*` is a glob.")] = "*",
    rooms: Annotated[str, typer.Option(help="Rooms, with commas; `*` is a glob.")] = "*",
    user: Annotated[str, typer.Option(help="Who it is for.")] = "local",
) -> int:
    """Print an access token for a screen, a console or a program of yours.

    It is signed with the setting token_secret and lives for token_ttl_s seconds. Pages take it
    behind the address, `/#token=…`, where no server sees it.
    """
    from sinks.gateway.auth import mint_token

    if settings.token_secret is None:
        raise ConfigError("token_secret", None, "the gateway's key, in LIVEROOM_TOKEN_SECRET")
    token = mint_token(
        settings, _listed(tenants), _listed(rooms), role, settings.token_ttl_s, user=user
    )
    write(token)
    return 0


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
