"""CloudEvents 1.0, structured JSON: one event, a JSON batch, or NDJSON of events. Pure.

`source` + `id` are the identity, `time` the event time, `data` an object of schema v1 fields.
"""

import re
from typing import Final

import msgspec

from stream.events import TYPE_BY_NAME, Event, Level
from stream.formats.common import (
    TOO_DEEP,
    Reading,
    Unreadable,
    in_bounds,
    iso_ms,
    too_deep,
    unreadable,
)
from stream.ids import hash_user

ALIASES: Final = {
    "order": "order_created",
    "pay": "order_paid",
    "purchase": "order_paid",
    "refund": "refund_succeeded",
    "cart": "add_to_cart",
    "click": "product_click",
    "select_item": "product_click",
    "view_item": "product_click",
}
"""Names from other vocabularies (GA4 and plain ones) for our types."""

EXTENSIONS: Final = {"tenant": "tenant", "group": "group", "roomid": "room_id"}
"""CloudEvents extension attribute to our field; the same field inside `data` wins."""

_ENVELOPE: Final = frozenset(("event_id", "source", "type", "event_time_ms"))
_VERSION = re.compile(r"[._/-]v\d+$")
_ROOM = re.compile(r"/room/([^/]+)$")


def sniff(head: bytes) -> bool:
    """Whether a JSON document of the head says `specversion`."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"{", b"[") and b'"specversion"' in start


def type_name(ce_type: str) -> str | None:
    """Our type of a CloudEvents type, None when there is none.

    The version suffix and any reverse-DNS prefix fall away: `com.example.live.gift.v1` is
    `gift`, `com.shop.order.paid` is `order_paid`.
    """
    parts = _VERSION.sub("", ce_type).split(".")
    for name in ("_".join(parts[-2:]), parts[-1]):
        if name in TYPE_BY_NAME and TYPE_BY_NAME[name].level is not Level.SHARD:
            return name
        if name in ALIASES:
            return ALIASES[name]
    return None


def read(data: bytes, user_key: bytes) -> Reading:
    """Yield the events of a single event, a batch (JSON array) or NDJSON, in file order.

    Args:
        data: the document, UTF-8.
        user_key: hashes `data.raw_user_id`; `data.user_id` must be a hash already.

    Yields:
        Events; `Unreadable` with reason `json`, `envelope` (an attribute is missing), `type`,
        `time` or `data`.
    """
    body = data.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        return
    documents = [body]
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        documents = [line for line in body.split(b"\n") if line.strip()]
    for raw in documents:
        try:
            document = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield unreadable("json", raw, str(error))
            continue
        for item in document if isinstance(document, list) else [document]:
            if too_deep(item):
                yield unreadable("json", raw, TOO_DEEP)
            else:
                yield _event(item, user_key)


def _event(item: object, user_key: bytes) -> Event | Unreadable:
    raw = msgspec.json.encode(item)
    if not isinstance(item, dict) or item.get("specversion") != "1.0":
        return unreadable("envelope", raw, "specversion is not 1.0")
    identity = [item.get(name) for name in ("id", "source", "type")]
    if not all(isinstance(value, str) and value for value in identity):
        return unreadable("envelope", raw, "id, source and type must be text")
    name = type_name(str(item["type"]))
    if name is None:
        return unreadable("type", raw, f"{item['type']} is no event type")
    data = item.get("data", {})
    if not isinstance(data, dict):
        return unreadable("data", raw, "data must be an object of event fields")
    try:
        time_ms = iso_ms(item["time"]) if "time" in item else data["event_time_ms"]
        if not isinstance(time_ms, int) or not in_bounds(time_ms):
            return unreadable("time", raw, "time is out of bounds")
        recorded = item.get("recordedtime")
        recv_ms = None if recorded is None else iso_ms(recorded)
    except (KeyError, TypeError, ValueError) as error:
        return unreadable("time", raw, f"no usable time: {error}")
    return _build(item, data, name, (time_ms, recv_ms), user_key)


def _build(
    item: dict[str, object],
    data: dict[str, object],
    name: str,
    times_ms: tuple[int, int | None],
    user_key: bytes,
) -> Event | Unreadable:
    source = str(item["source"])
    values = {key: value for key, value in data.items() if key not in _ENVELOPE}
    raw_user = values.pop("raw_user_id", None)
    if raw_user is not None:
        values["user_id"] = hash_user(user_key, str(raw_user))
    for extension, field in EXTENSIONS.items():
        if extension in item:
            values.setdefault(field, item[extension])
    room = _ROOM.search(source)
    if room is not None:
        values.setdefault("room_id", room.group(1))
    if times_ms[1] is not None:
        values.setdefault("recv_time_ms", times_ms[1])
    values |= {"event_id": item["id"], "source": source, "type": name, "event_time_ms": times_ms[0]}
    try:
        return msgspec.convert(values, Event)
    except msgspec.ValidationError as error:
        return unreadable("data", msgspec.json.encode(item), str(error))
