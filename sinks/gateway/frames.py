"""The frames a gateway sends, as types: what docs/asyncapi.yaml and the frame test derive from.

The gateway itself writes ready-made bytes (`protocol`); a test decodes every frame of recorded
sessions with these types, which refuse unknown and missing fields.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from sinks.gateway.protocol import (
    Auth,
    Connect,
    List,
    Ping,
    Pong,
    Renew,
    Resync,
    Rpc,
    Steer,
    Sub,
    SubMany,
    Unsub,
)

ChannelName = Annotated[str, Meta(description="`<kind>:<tenant>/<room or group>[/<more>]`")]
Epoch = Annotated[str, Meta(description="random id of the output state; empty: nothing written")]
Seq = Annotated[int, Meta(ge=0, description="sequence of the channel, assigned in Redis")]
AsOf = Annotated[int, Meta(description="wall-clock ms at which the reflected event was appended")]
RequestId = Annotated[int, Meta(description="`id` of the command this answers")]


class _Frame(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    pass


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Window of the client's reconnects, full jitter."""

    min_ms: int
    max_ms: int
    first_ms: tuple[int, int]


class ClientLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits a client should know."""

    channels: int
    message_bytes: int


class Connected(_Frame, frozen=True, tag="connected"):
    """The token is good."""

    id: RequestId
    sid: str
    node: str
    now_ms: int
    ping_s: float
    ttl_s: int
    role: str
    rpc: bool
    limits: ClientLimits
    retry: Retry
    replay: Annotated[
        str | None, Meta(description="channel of the replay that is shown here; absent: live")
    ] = None
    steer: Annotated[bool, Meta(description="whether the token may steer it")] = False


class SubOk(_Frame, frozen=True, tag="sub_ok"):
    """A subscription stands; `s` is where the client stands now if `recovered`."""

    id: RequestId
    ch: ChannelName
    kind: Literal["state", "log"]
    e: Epoch
    s: Seq
    was_recovering: bool
    recovered: bool
    how: Literal["tail", "replay", "snapshot"]


class Snap(_Frame, frozen=True, tag="snap"):
    """Part of a snapshot: an object of fields (state) or an array of entries (log)."""

    ch: ChannelName
    e: Epoch
    s: Seq
    ts: AsOf
    part: int
    parts: int
    data: dict[str, Any] | list[dict[str, Any]]


class Upd(_Frame, frozen=True, tag="upd"):
    """Changed fields of a state channel, absolute values, null deletes."""

    ch: ChannelName
    s: Seq
    p: Annotated[int, Meta(ge=0, description="sequence this client was sent before")]
    ts: AsOf
    d: dict[str, Any]


class Evt(_Frame, frozen=True, tag="evt"):
    """One entry of a log channel."""

    ch: ChannelName
    s: Seq
    p: Annotated[int, Meta(ge=0, description="always s - 1")]
    ts: AsOf
    data: Any


class Gap(_Frame, frozen=True, tag="gap"):
    """What follows does not continue what was sent; a snapshot follows."""

    ch: ChannelName
    e: Epoch
    s: Seq
    reason: Literal["trim", "epoch", "start"]
    lost: Annotated[
        int | None, Meta(description="log entries that will never come; absent: unknown")
    ] = None


class Ok(_Frame, frozen=True, tag="ok"):
    """A command was carried out; the other fields are the command's results."""

    id: RequestId
    now_ms: int | None = None
    exp: int | None = None
    token: str | None = None
    alert_id: str | None = None
    channels: list[dict[str, Any]] | None = None
    more: int | None = None


class Err(_Frame, frozen=True, tag="err"):
    """A command was refused."""

    code: int
    name: str
    msg: str
    temp: bool
    id: RequestId | None = None
    retry_ms: int | None = None


class Bye(_Frame, frozen=True, tag="bye"):
    """The connection ends with this code; try again inside the window, if at all."""

    code: int
    reason: str
    retry: tuple[int, int]


class PingFrame(_Frame, frozen=True, tag="ping"):
    """Sign of life; answered by `pong`."""

    t: int


ServerFrame = Connected | SubOk | Snap | Upd | Evt | Gap | Ok | Err | Bye | PingFrame
SERVER_FRAMES: Final = (Connected, SubOk, Snap, Upd, Evt, Gap, Ok, Err, Bye, PingFrame)
COMMANDS: Final = (
    *(Connect, Sub, SubMany, Unsub, Resync, Auth, Renew, Pong, Ping, List, Rpc, Steer),
)
