"""Profiles: what the fold needs of an event's source, type, place and traits, told once.

A live feed has few profiles, so their checks and codes are made once each, and an event's are
one gather by profile number. The traits are the dimensions an event carries itself.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.hashindex import I32, I64, U64, Bool
from stream.events import EVENT_TYPES, IDENTITIES, TYPE_CODE, Level
from stream.ids import key64
from stream.validate import id_fits

U8 = npt.NDArray[np.uint8]

TRAITS: Final = ("channel", "host_id", "segment", "campaign_id", "platform")
"""Fields of the profile that are dimensions, in the order of `Profiles.traits` columns."""

MAX_DIMENSIONS: Final = 16
"""As many as the cube has numbers for."""

profile_of: Final = attrgetter("source", "type", "tenant", "group", "room_id", *TRAITS, "identity")


class Names:
    """Text to small codes and back; -1 is None. Codes are by first appearance."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts = list(texts)
        self.code: dict[str | None, int] = {None: -1}
        self.code.update((text, number) for number, text in enumerate(self.texts))

    def __getitem__(self, text: str | None) -> int:
        found = self.code.get(text)
        return self.add(text) if found is None and text is not None else self.code[text]

    def add(self, text: str) -> int:
        """Code of a text not seen before."""
        self.code[text] = len(self.texts)
        self.texts.append(text)
        return len(self.texts) - 1

    def text(self, code: int) -> str | None:
        """The text of a code, None for -1."""
        return None if code < 0 else self.texts[code]


class Profiles:
    """Profiles seen, with what the fold needs of each as arrays by profile number.

    Only a cache: nothing in it outlives the process, and it is dropped when it grows past
    `MAX_PROFILES`.
    """

    MAX_PROFILES: Final = 262_144

    def __init__(self, names: Names) -> None:
        self._names = names
        self.clear()

    def clear(self) -> None:
        """Forget all profiles; numbers given before are void."""
        self.number: dict[tuple[str | None, ...], int] = {}
        self.places: list[tuple[str, str, str | None]] = []
        self._capacity = 0
        self._grow(256)

    def _grow(self, capacity: int) -> None:
        old = self._capacity
        self._capacity = capacity

        def bigger(name: str, fresh: npt.NDArray[np.generic]) -> None:
            if old:
                fresh[:old] = getattr(self, name)[:old]
            setattr(self, name, fresh)

        bigger("type", np.zeros(capacity, np.uint8))
        bigger("bad", np.zeros(capacity, np.bool_))
        bigger("masked", np.zeros(capacity, np.bool_))
        bigger("room", np.full(capacity, -2, np.int32))
        bigger("traits", np.full((capacity, len(TRAITS)), -1, np.int32))
        bigger("salt", np.zeros(capacity, np.uint64))
        bigger("cells", np.full((capacity, MAX_DIMENSIONS), -1, np.int64))
        bigger("cells_of", np.full(capacity, -9, np.int64))

    type: U8
    bad: Bool
    masked: Bool
    room: I32
    """Number of the room in the shard's registry; -1 no room, -2 not looked up yet."""
    traits: I32
    """Shape (profiles, len(TRAITS)): codes in `Names`, -1 for none."""
    salt: U64
    """Hash of the source, mixed into the key of its events."""
    cells: I64
    """Shape (profiles, MAX_DIMENSIONS): cells of the room and the traits in the session
    `cells_of`; a cache of the fold's."""
    cells_of: I64

    def add(self, profile: tuple[str | None, ...]) -> int:
        """Number a new profile and check it."""
        number = len(self.number)
        if number >= self._capacity:
            self._grow(self._capacity * 2)
        self.number[profile] = number
        source, type_, tenant, group, room, *rest = profile
        traits, identity = rest[:-1], rest[-1]
        code = TYPE_CODE.get(type_ or "")
        level = Level.SHARD if code is None else EVENT_TYPES[code].level
        ids = [text for text in (source, tenant, group, room, *traits) if text is not None]
        self.bad[number] = (
            code is None
            or (level is not Level.SHARD and tenant is None)
            or (level is Level.ROOM and room is None)
            or (identity is not None and identity not in IDENTITIES)
            or not all(map(id_fits, ids))
            or not _traits_allowed(code, profile)
        )
        self.places.append((tenant or "", tenant or "" if group is None else group, room))
        if not self.bad[number]:
            self.type[number] = code or 0
            self.masked[number] = identity == "masked"
            self.traits[number] = [self._names[text] for text in traits]
            self.salt[number] = key64(source or "")
        return number


def _traits_allowed(code: int | None, profile: tuple[str | None, ...]) -> bool:
    """Whether the host the type needs is there."""
    if code is None:
        return False
    required = EVENT_TYPES[code].required
    by_name = dict(zip(TRAITS, profile[5:-1], strict=True))
    return all(by_name.get(name, "") is not None for name in required)
