"""Columns that count only some events: the filters of measures.

A measure names the column it adds or tells apart; a filtered column holds nothing (0 or -1)
where an event does not pass, so that a filter costs nothing in the fold itself.
"""

from typing import Final

import numpy as np

from operators.columns import Columns
from operators.placed import Placed
from operators.plan import ID_COLUMNS
from operators.profiles import TRAITS, Names
from stream.events import TYPE_CODE

_USER, _ORDER = ID_COLUMNS.index("user"), ID_COLUMNS.index("order")
_TOLD_USER, _NEW_USER = ID_COLUMNS.index("told_user"), ID_COLUMNS.index("new_user")
_LISTED: Final = TYPE_CODE["product_listed"]
_PRODUCT: Final = ID_COLUMNS.index("product")
_SEGMENT: Final = TRAITS.index("segment")
NEW: Final = "new"
"""The segment of a viewer who has not bought here before, as the feed says it."""


def fill_filtered(names: Names, columns: Columns, placed: Placed) -> None:
    """Fill `product` of what is sold or listed; of orders also `told_user` and `new_user`."""
    listed = np.flatnonzero(columns.type == _LISTED)
    placed.ids[_PRODUCT, listed] = placed.product[listed]
    orders = np.flatnonzero(placed.ids[_ORDER] >= 0)
    if not len(orders):
        return
    placed.ids[_PRODUCT, orders] = placed.product[orders]
    user, segment = placed.ids[_USER, orders], placed.traits[orders, _SEGMENT]
    placed.ids[_TOLD_USER, orders] = np.where(segment >= 0, user, -1)
    is_new = (segment >= 0) & (segment == names[NEW])
    placed.ids[_NEW_USER, orders] = np.where(is_new, user, -1)
