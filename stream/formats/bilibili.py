"""Bilibili live recorder XML (`<d>`, `<gift>`, `<guard>`, `<sc>`). Pure.

Field meanings: research of the recorder format; gold seeds: 1,000 = 1 yuan.
"""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from xml.etree.ElementTree import Element, ParseError, iterparse, tostring

from msgspec import convert

from stream.events import MAX_TEXT_CHARS, Event
from stream.formats.common import Reading, Unreadable, decimal, in_bounds, iso_ms, unreadable
from stream.formats.common import minor_units as to_minor
from stream.ids import hash_user

TENANT = "bilibili"
CURRENCY = "CNY"
_GOLD_PER_YUAN = 1000
_GOLD = "金瓜子"


@dataclass(slots=True)
class _Header:
    """What the metadata says; `start_ms` None until it does."""

    room_id: str = "unknown"
    title: str | None = None
    start_ms: int | None = None


def sniff(head: bytes) -> bool:
    """Whether it is a recorder's XML: root `<i>`."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<i>") or (start.startswith(b"<?xml") and b"<i>" in start[:4096])


def read(data: bytes, user_key: bytes) -> Reading:
    """Yield the events of one recording in file order (by element kind, not by time).

    An anonymous viewer (`uid` 0) is told apart by the masked name only: `identity` masked.
    Reasons of `Unreadable`: `doctype` (the whole file is refused), `xml` (the file breaks off
    there), `element` (a number or time is missing).
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        yield unreadable("doctype", data, "entities are not needed in a recording")
        return
    header = _Header()
    records = list(_records(data, header, user_key))
    times_ms = [record.event_time_ms for record in records if isinstance(record, Event)]
    if header.start_ms is not None:
        # Comments carry server time and may lie before the recorder's own start.
        yield _opening(header, min([header.start_ms, *times_ms]))
    yield from records


def _records(data: bytes, header: _Header, user_key: bytes) -> Reading:
    seen: Counter[str] = Counter()
    try:
        for _, element in iterparse(io.BytesIO(data)):
            if element.tag == "metadata":
                yield from _metadata(element, header)
            elif element.tag in ("d", "gift", "guard", "sc"):
                yield from _element(element, header, seen, user_key)
                element.clear()
    except ParseError as error:
        yield unreadable("xml", data[-200:], str(error))


def _metadata(metadata: Element, header: _Header) -> Iterator[Unreadable]:
    header.room_id = (metadata.findtext("room_id") or "unknown").strip()[:100]
    header.title = (metadata.findtext("room_title") or "").strip()[:MAX_TEXT_CHARS] or None
    try:
        start_ms = iso_ms((metadata.findtext("record_start_time") or "").strip())
        header.start_ms = start_ms if in_bounds(start_ms) else None
    except ValueError as error:
        yield unreadable("element", tostring(metadata), str(error))


def _opening(header: _Header, start_ms: int) -> Event:
    return Event(
        event_id=f"{header.room_id}:{header.start_ms}",
        source=_source(header),
        type="room_status",
        event_time_ms=start_ms,
        tenant=TENANT,
        room_id=header.room_id,
        platform=TENANT,
        status="start",
        title=header.title,
    )


def _source(header: _Header) -> str:
    return f"/bilibili/room/{header.room_id}"


def _element(
    element: Element, header: _Header, seen: Counter[str], user_key: bytes
) -> Iterator[Event | Unreadable]:
    raw = tostring(element, encoding="utf-8").strip()  # strip: the tail is layout
    digest = blake2b(raw, digest_size=12).hexdigest()
    seen[digest] += 1
    # A comment carries an id of its own, a gift does not: two equal gifts are two gifts.
    event_id = digest if element.tag == "d" else f"{digest}.{seen[digest]}"
    try:
        yield from _events(element, header, event_id, user_key)
    except (ValueError, IndexError, KeyError) as error:
        yield unreadable("element", raw, str(error))


def _events(element: Element, header: _Header, event_id: str, user_key: bytes) -> Iterator[Event]:
    time_ms = _time_ms(element, header)
    uid = element.get("uid", "0")
    masked = uid in ("", "0")
    viewer = f"name:{element.get('user', '')}" if masked else uid
    values = {
        "source": _source(header),
        "event_time_ms": time_ms,
        "tenant": TENANT,
        "room_id": header.room_id,
        "platform": TENANT,
        "user_id": hash_user(user_key, viewer),
        "identity": "masked" if masked else "stable",
    }
    if element.tag in ("d", "sc"):
        text = (element.text or "")[:MAX_TEXT_CHARS]
        yield convert({**values, "event_id": event_id, "type": "comment", "text": text}, Event)
    if element.tag != "d":
        identity = {"event_id": f"{event_id}:gift", "type": "gift"}
        yield convert({**values, **identity, **_gift(element)}, Event)


def _time_ms(element: Element, header: _Header) -> int:
    if element.tag == "d":
        time_ms = int(element.attrib["p"].split(",")[4])
    elif header.start_ms is None:
        message = "no record_start_time in the header"
        raise ValueError(message)
    else:
        time_ms = header.start_ms + int(decimal(element.attrib["ts"]) * 1000)
    if not in_bounds(time_ms):
        message = f"time {time_ms} is out of bounds"
        raise ValueError(message)
    return time_ms


def _gift(element: Element) -> dict[str, object]:
    """Qty and money of a gift, guard or super chat; silver seeds are no money."""
    price = decimal(element.attrib["price"])
    if element.tag == "sc":
        return {"qty": 1, "amount_minor": to_minor(price), "currency": CURRENCY}
    qty = int(element.attrib["giftcount" if element.tag == "gift" else "count"])
    paid = element.tag == "guard" or element.get("cointype", _GOLD) in (_GOLD, "gold")
    amount = to_minor(price * qty / Decimal(_GOLD_PER_YUAN)) if paid else None
    return {"qty": qty, "amount_minor": amount, "currency": CURRENCY if paid else None}
