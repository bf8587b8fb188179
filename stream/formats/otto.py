"""OTTO recommender data set (CC BY 4.0): shop sessions, one JSON line each. Pure.

`clicks` are product clicks, `carts` are put into the cart, `orders` are placed orders. The data
has no prices and no payments, so no payment is claimed: the funnel is click, cart, order.
"""

import msgspec

from stream.events import Event
from stream.formats.common import Reading, in_bounds, unreadable
from stream.ids import hash_user

TENANT = "otto"
ROOM = "shop"
TYPES = {"clicks": "product_click", "carts": "add_to_cart", "orders": "order_created"}


class _Action(msgspec.Struct):
    aid: int
    ts: int
    type: str


class _Session(msgspec.Struct):
    session: int
    events: list[_Action]


def sniff(head: bytes) -> bool:
    """Whether the first line is a session with its events."""
    first = head.lstrip()[:200]
    return first.startswith(b"{") and b'"session"' in first and b'"events"' in first


def read(data: bytes, user_key: bytes) -> Reading:
    """Yield the events of a JSONL file in file order, that is by session, not by time.

    A session is a viewer. Its order items of one millisecond are the lines of one order.
    Reasons of `Unreadable`: `json` (the line), `type` or `time` (one action).
    """
    decoder = msgspec.json.Decoder(_Session)
    for raw in data.split(b"\n"):
        if not raw.strip():
            continue
        try:
            session = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield unreadable("json", raw, str(error))
            continue
        yield from _actions(session, user_key)


def _actions(session: _Session, user_key: bytes) -> Reading:
    user_id = hash_user(user_key, str(session.session))
    for index, action in enumerate(session.events):
        name = TYPES.get(action.type)
        if name is None or not in_bounds(action.ts):
            raw = msgspec.json.encode(action)
            yield unreadable("type" if name is None else "time", raw, f"session {session.session}")
            continue
        yield _event(session.session, index, action, name, user_id)


def _event(session: int, index: int, action: _Action, name: str, user_id: str) -> Event:
    order = name == "order_created"
    return Event(
        event_id=f"{session}:{index}",
        source=TENANT,
        type=name,
        event_time_ms=action.ts,
        tenant=TENANT,
        room_id=ROOM,
        user_id=user_id,
        product_id=str(action.aid),
        order_id=f"{session}-{action.ts}" if order else None,
        line_id=str(index) if order else None,
        qty=None if name == "product_click" else 1,
        channel="web",
        platform=TENANT,
        identity="stable",
    )
