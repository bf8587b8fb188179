"""What was said of many things some hours ago, by key: 9 to 12 bytes a thing instead of 180.

Kept by the hour of event time, so that what is forgotten depends on the log alone.
"""

from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from operators.hashindex import U64
from stream.ids import key64

Codes = npt.NDArray[np.unsignedinteger[Any]]

HOUR_MS: Final = 3_600_000
HOURS: Final = 6
"""A thing is remembered to the end of so many full hours after it was said."""
FRESH: Final = 512
"""Things kept as they are until they are packed."""


class Run(msgspec.Struct):
    """Sorted keys (uint64) and the codes of their texts, as bytes.

    Codes are unsigned integers as wide as the largest needs.
    """

    hour: int
    keys: bytes
    codes: bytes

    def find(self, key: int) -> int:
        """Code of a key, -1 where absent."""
        keys = np.frombuffer(self.keys, np.uint64)
        place = int(np.searchsorted(keys, np.uint64(key)))
        if place == len(keys) or int(keys[place]) != key:
            return -1
        return int(self.all_codes()[place])

    def all_codes(self) -> Codes:
        """The codes of all keys, shape `(n,)`."""
        width = len(self.codes) * 8 // len(self.keys)
        return np.frombuffer(self.codes, f"<u{width}")


class Memo(msgspec.Struct):
    """Texts by key; plain data. Texts are few and stay, keys go with their hour."""

    texts: list[str] = []
    fresh: dict[str, tuple[int, int]] = {}
    """Key to (code, hour)."""
    runs: list[Run] = []
    """Oldest first; a key's newest run stands."""
    code_of: dict[str, int] = {}

    def put(self, key: str, text: str, at_ms: int) -> None:
        """From now on the key has this text."""
        code = self.code_of.get(text)
        if code is None:
            code = self.code_of[text] = len(self.texts)
            self.texts.append(text)
        self.fresh[key] = (code, at_ms // HOUR_MS)
        if len(self.fresh) >= FRESH:
            self._pack()

    def get(self, key: str) -> str:
        """The text of a key; "" where there is none."""
        found = self.fresh.get(key)
        if found is not None:
            return self.texts[found[0]]
        number = key64(key)
        for run in reversed(self.runs):
            code = run.find(number)
            if code >= 0:
                return self.texts[code]
        return ""

    def forget(self, now_ms: int) -> None:
        """Drop what was said too long ago."""
        first = now_ms // HOUR_MS - HOURS
        if any(run.hour < first for run in self.runs):
            self.runs = [run for run in self.runs if run.hour >= first]
        if any(hour < first for _, hour in self.fresh.values()):
            self.fresh = {key: one for key, one in self.fresh.items() if one[1] >= first}

    def _pack(self) -> None:
        for hour in sorted({hour for _, hour in self.fresh.values()}):
            mine = [(key64(key), code) for key, (code, of) in self.fresh.items() if of == hour]
            keys, codes = zip(*sorted(mine), strict=True)
            self._append(hour, np.array(keys, np.uint64), np.array(codes, np.uint32))
        self.fresh = {}

    def _append(self, hour: int, keys: U64, codes: Codes) -> None:
        """Add a run, merged with the last ones of its hour that are not twice as long."""
        while self.runs and self.runs[-1].hour == hour:
            last = np.frombuffer(self.runs[-1].keys, np.uint64)
            if len(last) >= 2 * len(keys):
                break
            known = self.runs.pop().all_codes()
            # Of equal keys the first is taken: that of the newer run.
            keys, first = np.unique(np.concatenate((keys, last)), return_index=True)
            codes = np.concatenate((codes, known))[first]
        narrow = codes.astype(np.min_scalar_type(int(codes.max())))
        self.runs.append(Run(hour, keys.tobytes(), narrow.tobytes()))
