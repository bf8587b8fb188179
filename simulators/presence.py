"""Who is online each second, from the contract's definition, for the ground truth.

Kept apart from the engine on purpose: the two must agree without sharing code.
"""

from typing import Final

import numpy as np

from simulators.columns import Col, Ints, is_type

PRESENCE_TTL_S: Final = 300
PRESENCE_TYPES: Final = (
    "enter",
    "heartbeat",
    "comment",
    "like",
    "gift",
    "follow",
    "share",
    "fans_join",
    "product_exposure",
    "product_click",
    "add_to_cart",
)


def online_by_second(events: Ints, start_ms: int, end_ms: int) -> Ints:
    """Viewers online at each whole second of `[start_ms, end_ms)`, first entry floor(start).

    A viewer is online at second t when its last presence event at or before t is less than
    PRESENCE_TTL_S old and no leave lies after it; within one second the leave wins.
    """
    first, last = start_ms // 1_000, -(-end_ms // 1_000)
    picked = events[:, is_type(events, "leave", *PRESENCE_TYPES)]
    second = picked[Col.TIME] // 1_000
    leave = is_type(picked, "leave").astype(np.int64)
    order = np.lexsort((leave, second, picked[Col.USER]))
    user, second, leave = picked[Col.USER][order], second[order], leave[order]
    follows = np.full(len(user), np.iinfo(np.int64).max)
    same = user[1:] == user[:-1]
    follows[:-1][same] = second[1:][same]
    stop = np.minimum(second + PRESENCE_TTL_S, follows)
    change = np.zeros(last - first + 1, dtype=np.int64)
    stay = leave == 0
    for times, step in ((second[stay], 1), (stop[stay], -1)):
        place = np.clip(times - first, 0, last - first)
        np.add.at(change, place, step)
    return np.cumsum(change)[:-1]
