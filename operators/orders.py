"""Order events: their amounts, and the session and product of the order they are about.

A refund, a cancellation, or an order event without a room counts where its order does: with
the first event of the same line, else of the same order, that stands before it in the log and
has a session of its own.
"""

from typing import Final

import numpy as np

from operators.catalogue.bands import price_band
from operators.columns import Columns
from operators.hashindex import I64, Bool
from operators.ledger import FOLLOW_TYPES, ORDER_TYPES, order_key, order_line
from operators.options import State
from operators.placed import Placed
from stream.events import EVENT_TYPES, TYPE_CODE, Event

_IS_ORDER: Final = np.array([e.name in ORDER_TYPES for e in EVENT_TYPES])
_COST: Final = TYPE_CODE["cost"]
_ID_MASK: Final = 0xFFFF_FFFF
"""Marks have 32 bits for an id: no session lives for as many orders."""
_QTY, _AMOUNT, _KNOWN_AMOUNT = 1, 2, 3
_USER, _ORDER, _KNOWN_USER, _KNOWN_ORDER = 0, 1, 2, 3


def place_orders(state: State, columns: Columns, placed: Placed) -> Bool:
    """Fill the amounts and order numbers of order events, and places from their orders.

    Gives which events may have traits that are not their own.
    """
    odd = np.zeros(columns.n, np.bool_)
    for place in np.flatnonzero(columns.type == _COST).tolist():
        placed.values[_AMOUNT, place] = columns.objects[place].amount_minor or 0
    places = np.flatnonzero(_IS_ORDER[columns.type])
    if not len(places):
        return odd
    events = [columns.objects[place] for place in places.tolist()]
    placed.values[_QTY, places] = [1 if event.qty is None else event.qty for event in events]
    placed.values[_AMOUNT, places] = [event.amount_minor or 0 for event in events]
    placed.band[places] = [
        state.names[price_band(event.amount_minor, event.qty)] for event in events
    ]
    rows = _rows(state, events)
    placed.ids[_ORDER, places] = rows[1] & _ID_MASK
    placed.orders = np.stack((places, *rows))
    first = _remember(state, placed, [event.line_id is not None for event in events])
    lines = zip(places.tolist(), events, rows.T.tolist(), strict=True)
    for place, event, (line, order) in lines:
        if event.type in FOLLOW_TYPES or placed.sessions[place] < 0:
            odd[place] = True
            row = _find(state, place, (line, order), first)
            if row >= 0:
                _take(state, place, row, placed, follows=event.type in FOLLOW_TYPES)
    return odd


def _rows(state: State, events: list[Event]) -> I64:
    """Rows of the ledger, shape (2, n): of the line, and of its order."""
    keys = [order_key(event) for event in events]
    rows = np.tile(state.ledger.rows(np.array(keys, np.uint64)), (2, 1))
    own = [k for k, event in enumerate(events) if event.line_id is not None]
    if own:
        lines = [order_line(keys[k], events[k].line_id) for k in own]
        rows[0, own] = state.ledger.rows(np.array(lines, np.uint64))
    return rows


def _remember(state: State, placed: Placed, has_line: list[bool]) -> dict[int, int]:
    """Remember all events with a session of their own; ledger row -> place, of the new rows."""
    first: dict[int, int] = {}
    places, lines, orders = placed.orders
    own = placed.sessions[places] >= 0
    for which, rows in ((own & has_line, lines), (own, orders)):
        if which.any():
            at = places[which]
            new = state.ledger.remember(
                rows[which],
                placed.sessions[at],
                placed.product[at],
                placed.traits[at],
                placed.band[at],
            )
            first.update(zip(rows[which][new].tolist(), at[new].tolist(), strict=True))
    return first


def _find(state: State, place: int, rows: tuple[int, int], first: dict[int, int]) -> int:
    """Ledger row of what stands before `place`: of the line, else of the order; or -1."""
    for row in rows:
        if state.ledger.is_known(row) and first.get(row, -1) < place:
            return row
    return -1


def _take(state: State, place: int, row: int, placed: Placed, *, follows: bool) -> None:
    """Put the event where its order is; what it says itself stands.

    But not the price: what is refunded may be a part of it.
    """
    session, product, traits, band = state.ledger.of(row)
    placed.sessions[place] = session
    if placed.product[place] < 0:
        placed.product[place] = product
    if band >= 0 and (follows or placed.band[place] < 0):
        placed.band[place] = band
    unknown = placed.traits[place] < 0
    placed.traits[place][unknown] = traits[unknown]
    placed.values[_KNOWN_AMOUNT, place] = placed.values[_AMOUNT, place]
    placed.ids[_KNOWN_USER, place] = placed.ids[_USER, place]
    placed.ids[_KNOWN_ORDER, place] = placed.ids[_ORDER, place]
