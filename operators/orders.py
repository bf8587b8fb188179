"""Order events: their amounts, and the session and product of the order they are about.

A refund, a cancellation, or an order event without a room counts where its order does: with
the first event of the same line, else of the same order, that stands before it in the log and
has a session of its own.
"""

from typing import Final

import numpy as np

from operators.catalogue.bands import price_band
from operators.columns import Columns
from operators.hashindex import I64, U64, Bool
from operators.ledger import FOLLOW_TYPES, ORDER_TYPES, order_key
from operators.options import State
from operators.placed import Placed
from stream.events import EVENT_TYPES, TYPE_CODE, Event
from stream.ids import key64

_IS_ORDER: Final = np.array([e.name in ORDER_TYPES for e in EVENT_TYPES])
_COST: Final = TYPE_CODE["cost"]
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
    keys = np.array([order_key(event) for event in events], np.uint64)
    placed.values[_QTY, places] = [1 if event.qty is None else event.qty for event in events]
    placed.values[_AMOUNT, places] = [event.amount_minor or 0 for event in events]
    placed.band[places] = [
        state.names[price_band(event.amount_minor, event.qty)] for event in events
    ]
    placed.ids[_ORDER, places] = state.orders.find_or_add(keys)
    first = _remember(state, places, events, keys, placed)
    for place, event, key in zip(places.tolist(), events, keys.tolist(), strict=True):
        placed.keys[place] = order_line(key, event.line_id), key
        if event.type in FOLLOW_TYPES or placed.sessions[place] < 0:
            odd[place] = True
            row = _find(state, place, event, key, first)
            if row >= 0:
                _take(state, place, row, placed, follows=event.type in FOLLOW_TYPES)
    return odd


def _remember(
    state: State, places: I64, events: list[Event], keys: U64, placed: Placed
) -> dict[int, int]:
    """Remember all events with a session of their own; ledger row -> place, of the new rows."""
    first: dict[int, int] = {}
    own = np.flatnonzero(placed.sessions[places] >= 0)
    lines = [k for k in own.tolist() if events[k].line_id is not None]
    line_keys = [order_line(int(keys[k]), events[k].line_id) for k in lines]
    for which, found in (
        (np.array(lines, np.int64), np.array(line_keys, np.uint64)),
        (own, keys[own]),
    ):
        if len(which):
            at = places[which]
            rows, new = state.ledger.remember(
                found,
                placed.sessions[at],
                placed.product[at],
                placed.traits[at],
                placed.band[at],
            )
            first.update(zip(rows[new].tolist(), at[new].tolist(), strict=True))
    return first


def _find(state: State, place: int, event: Event, key: int, first: dict[int, int]) -> int:
    """Ledger row of what stands before `place`: of the line, else of the order; or -1."""
    for wanted in dict.fromkeys((order_line(key, event.line_id), key)):
        row = state.ledger.find(wanted)
        if row >= 0 and first.get(row, -1) < place:
            return row
    return -1


def _take(state: State, place: int, row: int, placed: Placed, *, follows: bool) -> None:
    """Put the event where its order is; what it says itself stands.

    But not the price: what is refunded may be a part of it.
    """
    ledger = state.ledger
    placed.sessions[place] = ledger.session[row]
    if placed.product[place] < 0:
        placed.product[place] = ledger.product[row]
    if ledger.band[row] >= 0 and (follows or placed.band[place] < 0):
        placed.band[place] = ledger.band[row]
    unknown = placed.traits[place] < 0
    placed.traits[place][unknown] = ledger.traits[row][unknown]
    placed.values[_KNOWN_AMOUNT, place] = placed.values[_AMOUNT, place]
    placed.ids[_KNOWN_USER, place] = placed.ids[_USER, place]
    placed.ids[_KNOWN_ORDER, place] = placed.ids[_ORDER, place]


def order_line(key: int, line_id: str | None) -> int:
    """Key of a line within an order; the order's own key where there is only one."""
    return key if line_id is None else key64(str(key), line_id)
