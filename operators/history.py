"""The charts' past: what `hist:` channels said, kept so that it can be said again.

Kept packed: the last minutes of a channel as JSON each, older ones compressed together, which
takes a tenth. Bounded by minutes a channel, and by a day after its last one.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from operators.results import Patch

PACKED: Final = 15
"""Minutes packed together in the end."""
STEP: Final = 5
"""Minutes packed together at first; corrections come for the last few only."""
KEPT_MS: Final = 86_400_000
"""As long as the keys of an ended session live by default."""
_LEVEL: Final = 6

Fields = dict[str, object]
Packed = tuple[dict[int, bytes], list[bytes], int, list[bytes]]
"""The fields of a `Past`; one of an earlier version lacks the last."""


class Past(msgspec.Struct):
    """One channel: fields as JSON by start of the minutes not packed yet, packed ones before.

    Each of `packed` has `PACKED` minutes, each of `steps` after them `STEP`.
    """

    recent: dict[int, bytes] = {}
    packed: list[bytes] = []
    newest_ms: int = 0
    steps: list[bytes] = []

    def put(self, start_ms: int, fields: Mapping[str, object], limit: int) -> None:
        """Keep fields of a minute, or their corrections; at most `limit` minutes stay."""
        known = self.recent.get(start_ms)
        if known is not None:
            fields = {**msgspec.json.decode(known, type=Fields), **fields}
        self.recent[start_ms] = msgspec.json.encode(fields)
        self.newest_ms = max(self.newest_ms, start_ms)
        if len(self.recent) >= 2 * STEP:
            self._pack()
        while len(self) > limit:
            for parts in (self.packed, self.steps):
                if parts:
                    del parts[0]
                    break
            else:
                del self.recent[min(self.recent)]

    def __len__(self) -> int:
        """Minutes kept."""
        return len(self.packed) * PACKED + len(self.steps) * STEP + len(self.recent)

    def _pack(self) -> None:
        oldest = sorted(self.recent)[:STEP]
        self.steps.append(_packed([msgspec.Raw(self.recent.pop(at)) for at in oldest]))
        if len(self.steps) * STEP >= PACKED:
            self.packed.append(_packed([raw for part in self.steps for raw in _raws(part)]))
            self.steps = []

    def fields(self) -> Fields:
        """All kept fields, oldest minute first."""
        found: Fields = {}
        for part in (*self.packed, *self.steps):
            for raw in _raws(part):
                found.update(msgspec.json.decode(raw, type=Fields))
        for at in sorted(self.recent):
            found.update(msgspec.json.decode(self.recent[at], type=Fields))
        return found


def _packed(minutes: list[msgspec.Raw]) -> bytes:
    return zlib.compress(msgspec.json.encode(minutes), _LEVEL)


def _raws(part: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(zlib.decompress(part), type=list[msgspec.Raw])


class History:
    """Channels `hist:…` of one shard; their fields begin with `<start_ms>` of their minute.

    `limit`: minutes kept of each; 0: none.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pasts: dict[str, Past] = {}
        self._again = False

    def keep(self, patches: Iterable[Patch]) -> list[Patch]:
        """Keep what these patches say, and give them back."""
        said = list(patches)
        for patch in said if self._limit else ():
            minutes: dict[int, Fields] = {}
            for name, value in patch.fields.items():
                minutes.setdefault(int(name.partition(".")[0]), {})[name] = value
            past = self._pasts.setdefault(patch.channel, Past())
            for start_ms in sorted(minutes):
                past.put(start_ms, minutes[start_ms], self._limit)
        return said

    def forget(self, watermark_ms: int) -> None:
        """Let go of channels that have had no minute for a day."""
        before_ms = watermark_ms - KEPT_MS
        gone = [name for name, past in self._pasts.items() if past.newest_ms < before_ms]
        for name in gone:
            del self._pasts[name]

    def forget_sent(self) -> None:
        """All was lost where it was sent: the next flush says it again."""
        self._again = True

    def flush(self) -> list[Patch]:
        """Everything kept, if it was lost; else nothing, since minutes are said with their rows."""
        if not self._again:
            return []
        self._again = False
        return [Patch(name, self._pasts[name].fields()) for name in sorted(self._pasts)]

    def snapshot(self) -> dict[str, Packed]:
        """Plain data."""
        return {
            name: (dict(past.recent), list(past.packed), past.newest_ms, list(past.steps))
            for name, past in self._pasts.items()
        }

    def restore(self, data: Mapping[str, Packed]) -> None:
        """Take a snapshot."""
        self._pasts = {name: Past(*parts) for name, parts in data.items()}
