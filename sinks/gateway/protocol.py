"""Protocol `lc.v1`: the tables of commands, error codes and close codes, and the frames.

One WebSocket text message is one JSON object with the key `type`. The tables here are the only
source of codes: `docs/protocol.md`, both clients and the tests are checked against them.
"""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

SUBPROTOCOL: Final = "lc.v1.json"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One error a command can be answered with. `temporary`: the same command may work later."""

    code: int
    name: str
    temporary: bool
    help: str


ERRORS: Final[tuple[ErrorCode, ...]] = (
    ErrorCode(100, "internal", True, "the gateway failed; try again"),
    ErrorCode(101, "unauthorized", False, "the token is missing, malformed or not ours"),
    ErrorCode(102, "unknown_channel", False, "no such kind of channel, or the name is malformed"),
    ErrorCode(103, "forbidden", False, "the token's scopes do not cover this"),
    ErrorCode(104, "unknown_method", False, "no such rpc method"),
    ErrorCode(105, "already_subscribed", False, "the channel is already subscribed here"),
    ErrorCode(106, "limit", False, "too many channels on this connection"),
    ErrorCode(107, "bad_request", False, "a field of the command is missing or has a wrong type"),
    ErrorCode(108, "not_available", True, "Redis is out of reach; try again"),
    ErrorCode(109, "token_expired", False, "the token has expired; get a fresh one"),
    ErrorCode(110, "not_subscribed", False, "the channel is not subscribed here"),
    ErrorCode(111, "too_many_requests", True, "commands come too fast; slow down"),
)
ERROR_BY_NAME: Final = {entry.name: entry for entry in ERRORS}


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One reason to end a connection; the range of `code` tells the client what to do."""

    code: int
    name: str
    help: str


CLOSES: Final[tuple[CloseCode, ...]] = (
    CloseCode(4001, "bad_token", "the token is not valid here"),
    CloseCode(4009, "bad_frame", "not a JSON object in a text message, or `connect` came twice"),
    CloseCode(4029, "abuse", "the rate limit was ignored"),
    CloseCode(4101, "drain", "the gateway is being restarted"),
    CloseCode(4107, "connect_timeout", "no `connect` command in time"),
    CloseCode(4108, "slow", "the client read too slowly for too long"),
    CloseCode(4110, "internal", "the gateway failed"),
    CloseCode(4111, "connection_limit", "too many connections of this user"),
    CloseCode(4200, "token_expired", "the token ran out; connect with a fresh one"),
    CloseCode(4201, "no_pong", "no sign of life from the client"),
)
CLOSE_BY_NAME: Final = {entry.name: entry for entry in CLOSES}


class Verdict:
    """What a client does after a close code, by its range."""

    NEVER = "never"
    BACK_OFF = "back_off"
    NOW = "now"


CLOSE_RANGES: Final[tuple[tuple[int, int, str], ...]] = (
    (4000, 4100, Verdict.NEVER),
    (4100, 4200, Verdict.BACK_OFF),
    (4200, 4300, Verdict.NOW),
)
"""Half-open `[from, to)` to verdict. Any other code (1006, 1011 …): back off."""


def verdict_of(code: int) -> str:
    """What a client does after close `code`."""
    for low, high, verdict in CLOSE_RANGES:
        if low <= code < high:
            return verdict
    return Verdict.BACK_OFF


RATE_CLASSES_MS: Final = (100, 200, 500)
"""A subscription's `rate_ms` is rounded up to one of these (above the last: the last)."""

DEFAULT_RATE_MS: Final = 200
GRID_MS: Final = 50
"""All writes happen on this grid; log channels are flushed on every point of it."""


def rate_class(rate_ms: int | None) -> int:
    """The rate class of an asked-for rate; None asks for the default."""
    if rate_ms is None:
        return DEFAULT_RATE_MS
    return next((rate for rate in RATE_CLASSES_MS if rate_ms <= rate), RATE_CLASSES_MS[-1])


class Since(msgspec.Struct, frozen=True):
    """Where a client stands: epoch and sequence of the last frame it applied."""

    e: str
    s: int


class Connect(msgspec.Struct, frozen=True, tag_field="type", tag="connect"):
    """First command of a connection."""

    id: int
    token: str
    sdk: str = ""


class Sub(msgspec.Struct, frozen=True, tag_field="type", tag="sub"):
    """Subscribe to one channel; `since` asks for a resume."""

    id: int
    ch: str
    since: Since | None = None
    rate_ms: int | None = None


class SubItem(msgspec.Struct, frozen=True):
    """One channel of a `sub_many`."""

    ch: str
    since: Since | None = None
    rate_ms: int | None = None


class SubMany(msgspec.Struct, frozen=True, tag_field="type", tag="sub_many"):
    """Subscribe to several channels; each is answered by its own `sub_ok` or `err`."""

    id: int
    subs: list[SubItem]


class Unsub(msgspec.Struct, frozen=True, tag_field="type", tag="unsub"):
    """End one subscription."""

    id: int
    ch: str


class Resync(msgspec.Struct, frozen=True, tag_field="type", tag="resync"):
    """Ask for a fresh snapshot of a subscribed channel: the client saw a broken chain."""

    id: int
    ch: str


class Auth(msgspec.Struct, frozen=True, tag_field="type", tag="auth"):
    """Replace the token before it expires."""

    id: int
    token: str


class Renew(msgspec.Struct, frozen=True, tag_field="type", tag="renew"):
    """Ask for the same token with a later expiry."""

    id: int


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """Answer to the server's `ping`; not answered."""

    t: int = 0


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """A client's own sign-of-life check, answered by `ok` with the server's time."""

    id: int


class List(msgspec.Struct, frozen=True, tag_field="type", tag="list"):
    """The channels this token may see; `kind` narrows them."""

    id: int
    kind: str | None = None


class RpcParams(msgspec.Struct, frozen=True):
    """What an operator did with an alert; `id` makes a repeat harmless."""

    id: str
    tenant: str
    alert_id: str
    group: str | None = None
    snooze_ms: int | None = None
    text: str | None = None


class Rpc(msgspec.Struct, frozen=True, tag_field="type", tag="rpc"):
    """Act on an alert: method `ack`, `snooze` or `not_useful`."""

    id: int
    method: str
    params: RpcParams


class Steer(msgspec.Struct, frozen=True, tag_field="type", tag="steer"):
    """Steer a replay: `do` is `play`, `pause`, `speed` or `seek`.

    `speed` (times recorded time; absent: as fast as it goes) and `to_ms` (recorded time) belong
    to the verbs of their name.
    """

    id: int
    do: Literal["play", "pause", "speed", "seek"]
    speed: float | None = None
    to_ms: int | None = None


Command = Connect | Sub | SubMany | Unsub | Resync | Auth | Renew | Pong | Ping | List | Rpc | Steer
RPC_METHODS: Final = ("ack", "snooze", "not_useful")

_DECODER: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)
_ENCODER: Final = msgspec.json.Encoder()


class _IdOnly(msgspec.Struct):
    id: int | None = None


_ID_DECODER: Final = msgspec.json.Decoder(_IdOnly)


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A message that is no command. `id` None: not even an object with a usable id."""

    id: int | None
    why: str


def decode(message: str) -> Command | BadFrame:
    """Decode one text message; never raises."""
    raw = message.encode("utf-8", "surrogatepass")
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        why = str(error)
    try:
        return BadFrame(_ID_DECODER.decode(raw).id, why)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return BadFrame(None, why)


def ws_frame(payload: bytes) -> bytes:
    """One unmasked WebSocket text frame (RFC 6455, section 5.2) around `payload`."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def frame(kind: str, /, **fields: object) -> bytes:
    """A WebSocket frame of one JSON object; fields that are None are left out."""
    body = {"type": kind} | {key: value for key, value in fields.items() if value is not None}
    return ws_frame(_ENCODER.encode(body))


def quoted(text: str) -> bytes:
    """`text` as a JSON string."""
    return _ENCODER.encode(text)


def upd_frame(ch: bytes, s: int, p: int, ts: int, patch: bytes) -> bytes:
    """An `upd` frame around an already encoded `patch`; `ch` is a JSON string."""
    return ws_frame(b'{"type":"upd","ch":%b,"s":%d,"p":%d,"ts":%d,"d":%b}' % (ch, s, p, ts, patch))


def evt_frame(ch: bytes, s: int, p: int, ts: int, data: bytes) -> bytes:
    """An `evt` frame around already encoded `data`."""
    body = b'{"type":"evt","ch":%b,"s":%d,"p":%d,"ts":%d,"data":%b}'
    return ws_frame(body % (ch, s, p, ts, data))


@dataclass(frozen=True, slots=True)
class Part:
    """Place of one snapshot frame among its `parts`, counted from 0."""

    part: int
    parts: int


def snap_frame(ch: bytes, epoch: bytes, s: int, ts: int, place: Part, data: bytes) -> bytes:
    """A `snap` frame around already encoded `data` (object or array); `epoch` a JSON string."""
    return ws_frame(
        b'{"type":"snap","ch":%b,"e":%b,"s":%d,"ts":%d,'
        b'"part":%d,"parts":%d,"data":%b}' % (ch, epoch, s, ts, place.part, place.parts, data)
    )


def error_frame(id_: int | None, name: str, detail: str = "", retry_ms: int | None = None) -> bytes:
    """An `err` frame for the error `name` of the table."""
    entry = ERROR_BY_NAME[name]
    return frame(
        "err",
        id=id_,
        code=entry.code,
        name=name,
        msg=detail or entry.help,
        temp=entry.temporary,
        retry_ms=retry_ms,
    )
