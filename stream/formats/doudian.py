"""抖店 order push messages: `{tag, msgId, data}`, one or an array. Pure.

The messages carry no line items, no product and no room, so the events are group-level; the
tenant is the shop. Amounts are already fen.
"""

import json
from collections.abc import Iterator
from typing import Final

from msgspec import ValidationError, convert

from stream.events import Event
from stream.formats.common import (
    RAW_LIMIT_BYTES,
    TOO_DEEP,
    Reading,
    Unreadable,
    in_bounds,
    number_ms,
    too_deep,
    unreadable,
)

PLATFORM: Final = "doudian"
CURRENCY: Final = "CNY"

TAGS: Final[dict[str, tuple[str, str, str | None]]] = {
    "100": ("order_created", "create_time", None),
    "106": ("order_cancelled", "cancel_time", None),
    "110": ("order_paid", "pay_time", "pay_amount"),
    "200": ("refund_requested", "apply_time", "refund_amount"),
    "206": ("refund_succeeded", "success_time", "refund_amount"),
}
"""Message tag to (event type, time key, amount key). Other tags are counted, not used."""


def sniff(head: bytes) -> bool:
    """Whether the file is a push message."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] in (b"{", b"[") and b'"tag"' in start and b'"msg' in start


def read(data: bytes, user_key: bytes) -> Reading:
    """Yield the events of the concatenated or array JSON documents of one file.

    Args:
        data: JSON, each document optionally after a byte order mark.
        user_key: unused: the messages name no buyer.

    Yields:
        One event a message; `Unreadable` with reason `json`, `unsupported` (a tag that maps to
        no event type) or `message` (a field is missing or malformed).
    """
    del user_key
    text = data.decode("utf-8", errors="replace").replace("\ufeff", " ")
    decoder = json.JSONDecoder()
    position = 0
    while (position := _skip(text, position)) < len(text):
        start = position
        try:
            document, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            yield unreadable("json", text[position:].encode(), str(error))
            return
        for message in document if isinstance(document, list) else [document]:
            if too_deep(message):
                # A character is a byte at least: all of a long document for each is too much.
                raw = text[start : min(position, start + RAW_LIMIT_BYTES)].encode()
                yield unreadable("json", raw, TOO_DEEP)
            else:
                yield _message(message)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _message(message: object) -> Event | Unreadable:
    raw = json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if not isinstance(message, dict):
        return unreadable("message", raw, "not an object")
    tag = str(message.get("tag"))
    if tag not in TAGS:
        return unreadable("unsupported", raw, f"tag {tag}")
    data = message.get("data")
    if isinstance(data, str):  # some gateways send `data` as JSON text
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            return unreadable("message", raw, str(error))
        if too_deep(data):
            return unreadable("message", raw, TOO_DEEP)
    if not _is_text((message, data)):
        return unreadable("message", raw, "half a surrogate pair")
    msg_id = message.get("msgId", message.get("msg_id"))
    if not isinstance(data, dict) or not msg_id:
        return unreadable("message", raw, "no msgId or no data")
    try:
        return convert(dict(_values(tag, f"{tag}:{msg_id}", data)), Event)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        return unreadable("message", raw, str(error))


def _is_text(value: object) -> bool:
    """Whether all text in a JSON value can be written as UTF-8: escapes may say what cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _values(tag: str, event_id: str, data: dict[str, object]) -> Iterator[tuple[str, object]]:
    kind, time_key, amount_key = TAGS[tag]
    time_ms = number_ms(_integer(data[time_key]))
    if not in_bounds(time_ms):
        message = f"{time_key} is out of bounds"
        raise ValueError(message)
    yield "event_id", event_id
    yield "source", f"/doudian/shop/{data['shop_id']}"
    yield "type", kind
    yield "event_time_ms", time_ms
    yield "tenant", str(data["shop_id"])
    yield "order_id", str(data["p_id"])
    yield "platform", PLATFORM
    if kind.startswith("refund"):
        yield "refund_id", str(data["aftersale_id"])
        yield "line_id", str(data["s_id"])
    if amount_key is not None:
        yield "amount_minor", _integer(data[amount_key])
        yield "currency", CURRENCY


def _integer(value: object) -> int:
    """Accept an integer or its text; never a float."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        message = f"{value!r} is not an integer"
        raise TypeError(message)
    return int(value)
