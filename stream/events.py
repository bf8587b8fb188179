"""The event model, schema v1: one flat row for everything a live room sends.

`Event` is the one struct that carries every field; `EVENT_TYPES` is the one table of event
types. The JSON Schema (`liveroom schema`), the decoder, `docs/events.md` and the tests are
derived from these two, so a field or a type is added in one place.

Units: times are integer milliseconds since 1970 (UTC), money is integer minor units of
`currency`, ids are text. `None` is "not said", never 0.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1

MIN_EVENT_TIME_MS: Final = 946_684_800_000
"""2000-01-01T00:00:00Z, inclusive: an older event time is dead-lettered."""

MAX_EVENT_TIME_MS: Final = 4_102_444_800_000
"""2100-01-01T00:00:00Z, exclusive."""

MAX_INT: Final = 2**53
"""Largest magnitude of any integer field: exact in JSON readers that use doubles."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One event, as it stands on one NDJSON line. Unknown keys are ignored.

    `(source, event_id)` identifies an event: a second one with the same pair is a duplicate.
    The types here are only what the parser checks; `FIELDS` has the bounds, which
    `stream.validate` checks a chunk at a time (patterns in the parser cost 4 x its speed).
    """

    event_id: str
    source: str
    type: str
    event_time_ms: int
    tenant: str | None = None
    group: str | None = None
    room_id: str | None = None
    recv_time_ms: int | None = None
    user_id: str | None = None
    product_id: str | None = None
    sku_id: str | None = None
    order_id: str | None = None
    line_id: str | None = None
    refund_id: str | None = None
    pool_id: str | None = None
    host_id: str | None = None
    campaign_id: str | None = None
    channel: str | None = None
    platform: str | None = None
    segment: str | None = None
    role: str | None = None
    status: str | None = None
    title: str | None = None
    qty: int | None = None
    amount_minor: int | None = None
    unit_cost_minor: int | None = None
    currency: str | None = None
    metric: str | None = None
    value: int | None = None
    target_id: str | None = None
    text: str | None = None
    identity: str | None = None


class Kind(StrEnum):
    """What a field may hold. Bounds: docs/events.md, made from this module."""

    ID = "id"  # text, 1 to MAX_ID_CHARS characters
    USER = "user"  # text, exactly 16 hex digits: a keyed 64-bit hash
    TEXT = "text"  # text, 0 to MAX_TEXT_CHARS characters, hostile
    INT = "int"  # integer, magnitude <= MAX_INT
    TIME = "time"  # integer ms in [MIN_EVENT_TIME_MS, MAX_EVENT_TIME_MS)
    CURRENCY = "currency"  # three capital letters, ISO 4217
    IDENTITY = "identity"  # one of IDENTITIES


@dataclass(frozen=True, slots=True)
class Field:
    """One field of `Event`: its kind and meaning."""

    name: str
    kind: Kind
    help: str


MAX_ID_CHARS: Final = 128
MAX_TEXT_CHARS: Final = 10_000
IDENTITIES: Final = ("stable", "opaque", "masked")

FIELDS: Final[tuple[Field, ...]] = (
    Field("event_id", Kind.ID, "unique within `source`"),
    Field("source", Kind.ID, "who sent it, e.g. `/douyin/room/1`"),
    Field("type", Kind.ID, "one of the event types"),
    Field("event_time_ms", Kind.TIME, "when it happened"),
    Field("tenant", Kind.ID, "the shop; every type but `tick` and `rules` needs it"),
    Field("group", Kind.ID, "what must be exact together; null: the tenant is the group"),
    Field("room_id", Kind.ID, "the live room; null for group-level events"),
    Field("recv_time_ms", Kind.TIME, "when the edge received it"),
    Field("user_id", Kind.USER, "the viewer, hashed at the edge with the deployment's key"),
    Field("product_id", Kind.ID, "the product"),
    Field("sku_id", Kind.ID, "the variant of the product"),
    Field("order_id", Kind.ID, "the order; its lines share it"),
    Field("line_id", Kind.ID, "line within the order; null: the only one"),
    Field("refund_id", Kind.ID, "the refund"),
    Field("pool_id", Kind.ID, "stock pool; null: the sku, else the product"),
    Field("host_id", Kind.ID, "the host on camera"),
    Field("campaign_id", Kind.ID, "the campaign"),
    Field("channel", Kind.ID, "traffic source, e.g. `paid`, `feed`, `search`"),
    Field("platform", Kind.ID, "e.g. `douyin`, `taobao`"),
    Field("segment", Kind.ID, "viewer segment: `new`, `returning`, `member`"),
    Field("role", Kind.ID, "what `target_id` names (catalog), or who acted"),
    Field("status", Kind.ID, "per type, e.g. `start` and `end` of room_status"),
    Field("title", Kind.TEXT, "a name to show"),
    Field("qty", Kind.INT, "units, likes, gifts or stock"),
    Field("amount_minor", Kind.INT, "money of the whole line, minor units of `currency`"),
    Field("unit_cost_minor", Kind.INT, "purchase cost of one unit"),
    Field("currency", Kind.CURRENCY, "ISO 4217 code; null: the room's"),
    Field("metric", Kind.ID, "name of a gauge or target"),
    Field("value", Kind.INT, "value of a gauge or target"),
    Field("target_id", Kind.ID, "what a catalog entry or an action is about"),
    Field("text", Kind.TEXT, "comment or message"),
    Field("identity", Kind.IDENTITY, "how far `user_id` tells viewers apart"),
)


class Level(StrEnum):
    """Whether a type needs a `room_id`."""

    ROOM = "room"
    GROUP = "group"
    SHARD = "shard"


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type: what it means and which fields it needs beyond the four of every event."""

    name: str
    level: Level
    required: tuple[str, ...]
    optional: tuple[str, ...]
    help: str


_VIEWER = ("channel", "platform", "segment", "host_id", "campaign_id", "identity")
_ORDER = ("user_id", "product_id", "sku_id", "line_id", "pool_id", *_VIEWER)


def _room(
    name: str, help_text: str, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> EventType:
    return EventType(name, Level.ROOM, required, optional, help_text)


def _group(
    name: str, help_text: str, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> EventType:
    return EventType(name, Level.GROUP, required, optional, help_text)


EVENT_TYPES: Final[tuple[EventType, ...]] = (
    _room("room_status", "a session starts or ends", ("status",), ("title", "platform", "host_id")),
    _room(
        "room_stats", "a platform gauge: online, viewers (cumulative), likes", ("metric", "value")
    ),
    _room("room_exposure", "the room was shown to a user", ("user_id",), _VIEWER),
    _room("enter", "a viewer entered", ("user_id",), _VIEWER),
    _room("leave", "a viewer left", ("user_id",), _VIEWER),
    _room("heartbeat", "a viewer is still there", ("user_id",), _VIEWER),
    _room("comment", "a viewer wrote", ("user_id",), ("text", "product_id", *_VIEWER)),
    _room("like", "likes; qty default 1", ("user_id",), ("qty", *_VIEWER)),
    _room("gift", "gifts; qty default 1", ("user_id",), ("qty", "amount_minor", *_VIEWER)),
    _room("follow", "a viewer followed the host", ("user_id",), _VIEWER),
    _room("share", "a viewer shared the room", ("user_id",), _VIEWER),
    _room("fans_join", "a viewer joined the fan club", ("user_id",), _VIEWER),
    _room(
        "product_listed",
        "a product was put up (status off: taken down)",
        ("product_id",),
        ("status",),
    ),
    _room("product_exposure", "a product card was shown", ("user_id", "product_id"), _VIEWER),
    _room("product_click", "a product card was clicked", ("user_id", "product_id"), _VIEWER),
    _room("add_to_cart", "put into the cart", ("user_id", "product_id"), ("qty", *_VIEWER)),
    _group(
        "order_created",
        "an order line was placed",
        ("order_id",),
        ("qty", "amount_minor", "currency", *_ORDER),
    ),
    _group(
        "order_paid",
        "an order line was paid",
        ("order_id", "amount_minor"),
        ("qty", "currency", *_ORDER),
    ),
    _group(
        "order_cancelled",
        "an unpaid order line was cancelled",
        ("order_id",),
        ("line_id", "qty", *_ORDER),
    ),
    _group(
        "refund_requested",
        "a refund was asked for",
        ("refund_id", "order_id"),
        ("line_id", "amount_minor", "qty", "currency", *_ORDER),
    ),
    _group(
        "refund_succeeded",
        "a refund was paid out",
        ("refund_id", "order_id", "amount_minor"),
        ("line_id", "qty", "currency", *_ORDER),
    ),
    _room("explain_start", "the host begins to explain a product", ("product_id",), ("host_id",)),
    _room("explain_end", "the explanation ends", ("product_id",), ("host_id",)),
    _room("shift_start", "a host's shift begins", ("host_id",), ("title",)),
    _room("shift_end", "a host's shift ends", ("host_id",)),
    _room("promo_start", "a campaign begins", ("campaign_id",), ("title", "product_id")),
    _room("promo_end", "a campaign ends", ("campaign_id",)),
    _group(
        "stock_set",
        "stock on hand, absolute, at event time",
        ("qty",),
        ("pool_id", "sku_id", "product_id", "value"),
    ),
    _group(
        "stock_adjust", "stock on hand, relative", ("qty",), ("pool_id", "sku_id", "product_id")
    ),
    _group(
        "price", "the price of a product", ("product_id", "amount_minor"), ("sku_id", "currency")
    ),
    _group(
        "cost",
        "money spent, e.g. on ads",
        ("amount_minor",),
        ("channel", "campaign_id", "currency"),
    ),
    _group(
        "catalog",
        "names: role product | host | room | campaign, target_id, title; text: picture",
        ("role", "target_id", "title"),
        ("text", "unit_cost_minor", "amount_minor"),
    ),
    _group("viewer_tag", "a viewer's segment", ("user_id", "segment")),
    _group("target", "a target for a metric", ("metric", "value"), ("host_id",)),
    _group("violation", "the platform warns or punishes", (), ("text", "status", "title")),
    _group(
        "settlement",
        "money settled for an order",
        ("order_id", "amount_minor"),
        ("line_id", "status", "currency"),
    ),
    _group(
        "operator_action",
        "ack | snooze | not_useful on an alert",
        ("target_id", "status"),
        ("value", "user_id", "text", "role"),
    ),
    EventType(
        "tick", Level.SHARD, (), (), "the shard's clock, once a second; event_time_ms is the time"
    ),
    EventType(
        "rules",
        Level.SHARD,
        ("target_id", "text"),
        ("value", "qty", "status"),
        "rules from the next beat on: target_id their hash, text the packed file or its part "
        "`value` of `qty`; status `p/P`: only for groups that are shard p of P",
    ),
)

TYPE_BY_NAME: Final = {entry.name: entry for entry in EVENT_TYPES}
TYPE_CODE: Final = {entry.name: code for code, entry in enumerate(EVENT_TYPES)}
"""Event type name to a small integer, the order of `EVENT_TYPES`. Not stored anywhere."""
