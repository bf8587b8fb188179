"""Which rooms somebody looks at: those are said at once, the others when there is time.

A platform has thousands of rooms and screens on some of them, and one event changes a hundred
figures. Final rows, alerts and boards of groups do not depend on who looks.
"""

import numpy as np

from operators.hashindex import I64, Bool
from operators.options import State
from operators.plan import Plan
from operators.sessions import TOTAL_ROOM, Place


def room_channels(plan: Plan, where: Place) -> list[str]:
    """The channels of figures of a room."""
    room = f"{where.tenant}/{where.room_id}"
    splits = [
        f"split:{room}/{view.dimension}"
        for view in plan.views
        if view.dimension not in ("room", "tenant")
    ]
    return [f"room:{room}", f"hist:{room}", f"hist:{room}/product", *splits]


class Watched:
    """Rooms of which any channel is watched; all, where nobody tells who watches what."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._names: frozenset[str] | None = None
        self._rooms: Bool = np.zeros(0, np.bool_)

    def tell(self, names: frozenset[str] | None) -> None:
        """The channels that are watched from now on; None: nobody knows."""
        if names != self._names:
            self._names, self._rooms = names, np.zeros(0, np.bool_)

    def of(self, cells: I64) -> Bool:
        """Which cells are of a watched room; those of totals always are."""
        if self._names is None:
            return np.ones(len(cells), np.bool_)
        sessions = self._state.sessions
        new = sessions.places[len(self._rooms) :]
        if new:
            found = np.fromiter(map(self._is_watched, new), np.bool_, len(new))
            self._rooms = np.concatenate((self._rooms, found))
        return np.asarray(self._rooms[sessions.room[self._state.cube.cell_session[cells]]])

    def _is_watched(self, where: Place) -> bool:
        names = self._names or frozenset()
        if where.room_id == TOTAL_ROOM:
            return True
        return not names.isdisjoint(room_channels(self._state.plan, where))
