"""What an order does to stock, as a function of all that is known of it.

Nothing here depends on the order of arrival: the effects follow from the marks and the
watermark alone, and the ledger applies the difference to what it applied before.
"""

from operators.stock.model import BACK, FLOW, RESERVED, SOLD, TAKE, Effect, Line, Mark, Order


def effects_of(order: Order, line_id: str, watermark_ms: int, timeout_ms: int) -> dict[str, Effect]:
    """Effects of one line of an order and of its refunds; empty when no pool is known yet."""
    line, whole = order.lines.get(line_id), order.lines.get("")
    found: dict[str, Effect] = {}
    if line is not None:
        cancelled = _first(line.cancelled, None if whole is None else whole.cancelled)
        found = _line_effects(line_id, line, cancelled, watermark_ms, timeout_ms)
    for key, refund in order.refunds.items():
        if refund.line_id == line_id:
            effect = _refund_effect(refund.mark, line)
            if effect is not None:
                found[f"{BACK}|{key}"] = effect
    return found


def effects_of_all(order: Order, watermark_ms: int, timeout_ms: int) -> dict[str, Effect]:
    """Effects of all lines of an order and of all its refunds."""
    found: dict[str, Effect] = {}
    for line_id in {*order.lines, *(refund.line_id for refund in order.refunds.values())}:
        found.update(effects_of(order, line_id, watermark_ms, timeout_ms))
    return found


def effect_keys(order: Order, line_id: str) -> list[str]:
    """Every key that `effects_of` may give for a line."""
    keys = [f"{FLOW}|{line_id}|{number}" for number in range(3)]
    keys += [f"{kind}|{line_id}" for kind in (SOLD, RESERVED, TAKE)]
    return keys + [f"{BACK}|{k}" for k, r in order.refunds.items() if r.line_id == line_id]


def deadline_ms(line: Line, timeout_ms: int) -> int | None:
    """When an unpaid line's reservation lapses; None when nothing was placed."""
    return None if line.created is None else line.created.ms + timeout_ms


def _told(first: Mark | None, second: Mark | None) -> tuple[str, str, int]:
    """Pool, room and units of a line; `first` is believed before `second`."""
    marks = [mark for mark in (first, second) if mark is not None]
    pool = next((mark.pool for mark in marks if mark.pool), "")
    room = next((mark.room for mark in marks if mark.room), "")
    units = next((mark.units for mark in marks if mark.units is not None), 1)
    return pool, room, units


def _line_effects(
    line_id: str, line: Line, cancelled: Mark | None, watermark_ms: int, timeout_ms: int
) -> dict[str, Effect]:
    created, paid = line.created, line.paid
    # The first step names the pool and takes the units: later ones that disagree must not
    # rewrite history that may be folded already.
    first = _first(created, paid)
    if first is None:
        return {}
    pool, room, units = _told(first, paid if first is created else created)
    if not pool or units <= 0:
        return {}
    lapse_ms = None if created is None else created.ms + timeout_ms
    released_ms = _released_ms(lapse_ms, cancelled, paid, watermark_ms)
    found: dict[str, Effect] = {f"{FLOW}|{line_id}|0": (FLOW, pool, room, first.ms, units)}
    if released_ms is not None:
        released_ms = max(released_ms, first.ms)
        found[f"{FLOW}|{line_id}|1"] = (FLOW, pool, room, released_ms, -units)
    take_ms: int | None = None if released_ms is not None else first.ms
    if paid is not None:
        units = units if paid.units is None else paid.units
        found[f"{SOLD}|{line_id}"] = (SOLD, pool, room, paid.ms, units)
        if take_ms is None:
            take_ms = paid.ms
            found[f"{FLOW}|{line_id}|2"] = (FLOW, pool, room, paid.ms, units)
    elif take_ms is not None:
        found[f"{RESERVED}|{line_id}"] = (RESERVED, pool, room, take_ms, units)
    if take_ms is not None:
        found[f"{TAKE}|{line_id}"] = (TAKE, pool, room, take_ms, units)
    return found


def _released_ms(
    lapse_ms: int | None, cancelled: Mark | None, paid: Mark | None, watermark_ms: int
) -> int | None:
    """When a placed line gave its units back; None while it holds them or was paid before."""
    if lapse_ms is None:
        return None
    release_ms = lapse_ms if cancelled is None else min(cancelled.ms, lapse_ms)
    if paid is not None:
        return release_ms if paid.ms > release_ms else None
    return release_ms if cancelled is not None or lapse_ms <= watermark_ms else None


def _first(one: Mark | None, other: Mark | None) -> Mark | None:
    """The earlier of two marks, by (event time, event id); None without any."""
    if one is None or other is None:
        return one or other
    return one if (one.ms, one.event_id) <= (other.ms, other.event_id) else other


def _refund_effect(refund: Mark, line: Line | None) -> Effect | None:
    """Units that come back: as told, else the whole line when all its money went back."""
    origin = None if line is None else (line.paid or line.created)
    pool, room, bought = _told(refund, origin) if origin is None else _told(origin, refund)
    units = refund.units
    if units is None:
        paid_minor = None if origin is None else origin.amount_minor
        whole = paid_minor is not None and (refund.amount_minor or 0) >= paid_minor
        units = bought if whole else 0
    if not pool or units <= 0:
        return None
    return (BACK, pool, room, refund.ms, units)
