"""Who may see what: JSON Web Tokens (HS256) and the scopes in them.

A token names tenants, rooms and groups (globs), a role and the kinds of channel; the role's
own kinds are an upper bound. Two secrets allow rotation: tokens are signed with the first and
accepted from both. Tokens travel in the `connect` command only, never in a URL.
"""

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Protocol

import jwt
import msgspec

from operators.results import CHANNELS
from stream.errors import ConfigError

AUDIENCE: Final = "liveroom-gateway"
MIN_SECRET_CHARS: Final = 32
MAX_TTL_S: Final = 31_622_400
RENEW_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do at most."""

    kinds: frozenset[str]
    rpc: bool
    help: str


_ALL: Final = frozenset(CHANNELS)

ROLES: Final[dict[str, Role]] = {
    "screen": Role(_ALL, False, "big screen: sees everything of its rooms, touches nothing"),
    "host": Role(_ALL, False, "host view"),
    "operator": Role(_ALL, True, "console: sees everything, acts on alerts"),
    "analyst": Role(_ALL, False, "reports and comparisons"),
    "warehouse": Role(
        frozenset({"stock", "names", "alerts", "answers"}), True, "stock and its alerts"
    ),
    "finance": Role(
        frozenset({"room", "split", "group", "hist", "board", "names"}),
        False,
        "figures without alerts",
    ),
}
"""Role to its upper bound; one that is not here sees nothing."""

GROUP_KINDS: Final = frozenset({"group", "board", "stock", "names", "alerts", "answers"})
"""Kinds named after a group. Every other kind is named after a room."""


class TokenSettings(Protocol):
    """The settings this module reads."""

    @property
    def token_secret(self) -> str | None:
        """Key that signs and verifies."""
        ...

    @property
    def token_secret_previous(self) -> str | None:
        """Key before the last rotation: verifies only."""
        ...

    @property
    def token_ttl_s(self) -> int:
        """Life of a renewed token."""
        ...


class Claims(msgspec.Struct, frozen=True):
    """What a verified token says. `exp` and `until` in seconds since 1970.

    `until` bounds renewal: a page renews its short token until then without asking anybody.
    """

    sub: str
    jti: str
    exp: int
    role: str
    tenants: list[str]
    rooms: list[str]
    groups: list[str]
    kinds: list[str]
    rpc: bool
    until: int = 0
    steer: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a token is refused: an error name of `protocol.ERRORS`."""

    error: str
    why: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A parsed channel name: `kind:tenant/name[/rest]`."""

    kind: str
    tenant: str
    name: str
    rest: str


def parse_channel(channel: str, max_chars: int = 160) -> Channel | None:
    """Take a channel name apart; None if the kind is unknown or the shape is wrong."""
    kind, colon, path = channel.partition(":")
    if not colon or kind not in CHANNELS or len(channel) > max_chars or not channel.isprintable():
        return None
    tenant, slash, tail = path.partition("/")
    name, _, rest = tail.partition("/")
    if not slash or not tenant or not name:
        return None
    return Channel(kind, tenant, name, rest)


def may_see(claims: Claims, channel: Channel) -> bool:
    """Whether a token covers a channel: role, kind, tenant, and the room or the group.

    Names carry no figures, so any token of the tenant may read them; a board of one room
    (`board:T/GROUP/NAME@ROOM`) needs that room or the group.
    """
    role = ROLES.get(claims.role)
    if role is None or channel.kind not in role.kinds:
        return False
    if not _matches(claims.kinds, channel.kind) or not _matches(claims.tenants, channel.tenant):
        return False
    if channel.kind not in GROUP_KINDS:
        return _matches(claims.rooms, channel.name)
    if channel.kind == "names" or _matches(claims.groups, channel.name):
        return True
    board, at, room = channel.rest.partition("@")
    return channel.kind == "board" and bool(board and at) and _matches(claims.rooms, room)


def may_act(claims: Claims, tenant: str, group: str | None) -> bool:
    """Whether a token may act on the alerts of a group (null: the tenant's own)."""
    role = ROLES.get(claims.role)
    channel = Channel("alerts", tenant, tenant if group is None else group, "")
    return claims.rpc and role is not None and role.rpc and may_see(claims, channel)


def _matches(globs: Collection[str], value: str) -> bool:
    return any(fnmatchcase(value, glob) for glob in globs)


def mint_token(
    settings: TokenSettings,
    tenants: Sequence[str],
    rooms: Sequence[str],
    role: str,
    ttl_s: int,
    *,
    groups: Sequence[str] | None = None,
    kinds: Sequence[str] = ("*",),
    user: str = "local",
    renew_s: int = RENEW_S,
    steer: bool = False,
) -> str:
    """Sign a token.

    Args:
        settings: the secret, at least 32 characters.
        tenants: tenant globs, e.g. `["t1"]`.
        rooms: room globs, e.g. `["*"]`.
        role: one of `ROLES`.
        ttl_s: seconds until it expires, 1 to `MAX_TTL_S`.
        groups: group globs; None means `*` when `rooms` is `*`, else none.
        kinds: channel kinds, within the role's own.
        user: who it is for; connections are limited per user.
        renew_s: seconds from now until which a holder may renew it.
        steer: may pause, speed up and wind a replay.

    Raises:
        ConfigError: secret too short, unknown role or unusable life time.
    """
    secret = settings.token_secret or ""
    if len(secret) < MIN_SECRET_CHARS:
        raise ConfigError("token_secret", "(hidden)", f"at least {MIN_SECRET_CHARS} characters")
    if role not in ROLES:
        raise ConfigError("role", role, "one of " + ", ".join(ROLES))
    if not 0 < ttl_s <= MAX_TTL_S:
        raise ConfigError("token_ttl_s", ttl_s, f"1 to {MAX_TTL_S} seconds")
    if groups is None:
        groups = ("*",) if "*" in rooms else ()
    now = int(time.time())
    body = {
        "aud": AUDIENCE,
        "sub": user,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + ttl_s,
        "role": role,
        "tenants": list(tenants),
        "rooms": list(rooms),
        "groups": list(groups),
        "kinds": list(kinds),
        "rpc": ROLES[role].rpc,
        "until": now + max(ttl_s, renew_s),
        "steer": steer,
    }
    return jwt.encode(body, secret, algorithm="HS256")


def renew_token(settings: TokenSettings, claims: Claims, now_s: int) -> tuple[str, Claims] | Denied:
    """The same token with a later expiry, at most `claims.until`; its id stays, for revocation."""
    exp = min(now_s + settings.token_ttl_s, claims.until)
    if exp <= claims.exp or not settings.token_secret:
        return Denied("forbidden", "the token cannot be renewed any further")
    fresh = msgspec.structs.replace(claims, exp=exp)
    body = msgspec.structs.asdict(fresh) | {"aud": AUDIENCE, "iat": now_s}
    return jwt.encode(body, settings.token_secret, algorithm="HS256"), fresh


def verify_token(
    settings: TokenSettings, token: str, revoked: Collection[str] = ()
) -> Claims | Denied:
    """Check signature, audience, expiry, shape and revocation; never raises.

    Args:
        settings: current and previous secret.
        token: as the client sent it.
        revoked: token ids (`jti`) and users (`sub`) that are no longer welcome.
    """
    secrets = [settings.token_secret, settings.token_secret_previous]
    denied = Denied("unauthorized", "the token is not signed by us")
    for secret in secrets:
        if not secret or len(secret) < MIN_SECRET_CHARS:
            continue
        try:
            body = jwt.decode(
                token, secret, ["HS256"], audience=AUDIENCE, options={"require": ["exp", "jti"]}
            )
            claims = msgspec.convert(body, Claims)
        except jwt.ExpiredSignatureError:
            return Denied("token_expired", "the token has expired")
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError):
            continue
        if claims.jti in revoked or claims.sub in revoked:
            return Denied("unauthorized", "the token was revoked")
        return claims
    return denied
