"""UCI "Online Retail" (CC BY 4.0): order lines of a web shop. Pure.

Rules, with their reasons in docs/formats.md: a line of a `C…` invoice is a refund, another
negative quantity a stock write-off, every other line an order placed and paid at once.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stream.events import MAX_INT, Event
from stream.formats.common import (
    Reading,
    Unreadable,
    decimal,
    epoch_ms,
    in_bounds,
    minor_units,
    unreadable,
)
from stream.ids import hash_user

HEADER = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
TENANT = "uci"
ROOM = "shop"
CURRENCY = "GBP"
_ZONE = ZoneInfo("Europe/London")
_DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M")


@dataclass(frozen=True, slots=True)
class _Line:
    """One parsed line. `number` is the record's number in the file, 1 after the header."""

    number: int
    invoice: str
    product_id: str
    title: str
    qty: int
    time_ms: int
    amount_minor: int
    user_id: str | None


def sniff(head: bytes) -> bool:
    """Whether the file begins with the data set's header line."""
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return first.strip().replace(b'"', b"").startswith(b"InvoiceNo,StockCode,")


def _time_ms(text: str) -> int:
    for form in _DATE_FORMATS:
        try:
            return epoch_ms(datetime.strptime(text, form).replace(tzinfo=_ZONE))
        except ValueError:
            continue
    message = f"InvoiceDate {text!r} has an unknown form"
    raise ValueError(message)


def _parse(number: int, row: dict[str, str], user_key: bytes) -> _Line:
    if not row["InvoiceNo"] or not row["StockCode"]:
        message = "InvoiceNo and StockCode must not be empty"
        raise ValueError(message)
    qty = int(row["Quantity"])
    time_ms = _time_ms(row["InvoiceDate"])
    if not in_bounds(time_ms):
        message = "InvoiceDate out of bounds"
        raise ValueError(message)
    # "17850.0" is how spreadsheets wrote the integer 17850.
    customer = row["CustomerID"].strip()
    raw_user = str(_whole(customer)) if customer else None
    return _Line(
        number=number,
        invoice=row["InvoiceNo"],
        product_id=row["StockCode"],
        title=row["Description"].strip(),
        qty=qty,
        time_ms=time_ms,
        amount_minor=minor_units(decimal(row["UnitPrice"]) * abs(qty)),
        user_id=None if raw_user is None else hash_user(user_key, raw_user),
    )


def _whole(text: str) -> int:
    number = decimal(text)
    if abs(number) > MAX_INT:
        # Written out, "1e999999" would be a million digits.
        message = f"CustomerID {text!r} is out of bounds"
        raise ValueError(message)
    return int(number)


def _order(line: _Line, kind: str) -> Event:
    return Event(
        event_id=f"{line.invoice}:{line.number}:{kind}",
        source=TENANT,
        type=kind,
        event_time_ms=line.time_ms,
        tenant=TENANT,
        room_id=ROOM,
        user_id=line.user_id,
        product_id=line.product_id,
        order_id=line.invoice,
        line_id=str(line.number),
        refund_id=line.invoice if kind == "refund_succeeded" else None,
        qty=abs(line.qty),
        amount_minor=line.amount_minor,
        currency=CURRENCY,
        channel="web",
        platform=TENANT,
        identity="stable",
    )


def _named(event_id: str, time_ms: int, role: str, target_id: str, title: str) -> Event:
    return Event(
        event_id=event_id,
        source=TENANT,
        type="catalog",
        event_time_ms=time_ms,
        tenant=TENANT,
        role=role,
        target_id=target_id,
        title=title,
    )


def _events(line: _Line) -> Iterator[Event]:
    if line.invoice.startswith("C"):
        yield _order(line, "refund_succeeded")
    elif line.qty < 0:
        yield Event(
            event_id=f"{line.invoice}:{line.number}:stock_adjust",
            source=TENANT,
            type="stock_adjust",
            event_time_ms=line.time_ms,
            tenant=TENANT,
            product_id=line.product_id,
            qty=line.qty,
        )
    else:
        yield _order(line, "order_created")
        yield _order(line, "order_paid")


def read(data: bytes, user_key: bytes) -> Reading:
    """Yield the events of a CSV file in file order.

    Args:
        data: the whole file, UTF-8, with its header.
        user_key: secret of `hash_user`; an empty CustomerID becomes a null user.

    Yields:
        catalog entries at a name's first sight, then the line's events; `Unreadable` with
        reason `row` (cut, not a number, no such time), `negative_price` (bad-debt booking) or
        `zero_qty`.
    """
    text = io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")
    return _rows(csv.reader(text), user_key)


def _rows(rows: Iterable[list[str]], user_key: bytes) -> Reading:
    named: set[str] = set()
    for number, cells in enumerate(rows):
        if number == 0 or not cells:
            continue
        parsed = _line(number, cells, user_key)
        if isinstance(parsed, Unreadable):
            yield parsed
            continue
        if not named:
            named.add("")
            yield _named("room", parsed.time_ms, "room", ROOM, "UCI Online Retail")
        if parsed.title and parsed.product_id not in named:
            named.add(parsed.product_id)
            name_id = f"product:{parsed.product_id}"
            yield _named(name_id, parsed.time_ms, "product", parsed.product_id, parsed.title)
        yield from _events(parsed)


def _line(number: int, cells: list[str], user_key: bytes) -> _Line | Unreadable:
    raw = ",".join(cells).encode()
    if len(cells) != len(HEADER):
        return unreadable("row", raw, f"record {number}: {len(cells)} cells")
    try:
        line = _parse(number, dict(zip(HEADER, cells, strict=True)), user_key)
    except ValueError as error:
        return unreadable("row", raw, f"record {number}: {error}")
    if line.amount_minor < 0:
        return unreadable("negative_price", raw, f"record {number}")
    if line.qty == 0:
        return unreadable("zero_qty", raw, f"record {number}")
    return line
