"""A recording whose clock jumps: forward and back again, and back for a while."""

import json
from pathlib import Path
from typing import Final

PERIOD_S: Final = 45
"""Seconds of ticks from one jump to the next."""
LONG_S: Final = 12
"""Seconds that a jump lasts."""
JUMPS_MS: Final = (20_000, -30_000, 45_000, -120_000)
"""By how much, in turns; a forward one within the allowed lateness makes events late."""


def with_jumps(source: Path, out: Path) -> int:
    """Copy a recording; its ticks jump now and then. The number of ticks that were changed."""
    ticks = changed = 0
    lines = source.read_bytes().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if b'"type":"tick"' in line)
    with out.open("wb") as file:
        for place, line in enumerate(lines):
            if b'"type":"tick"' in line and place != last:
                ticks += 1
                turn, second = divmod(ticks, PERIOD_S)
                if turn and second < LONG_S:
                    line = _moved(line, JUMPS_MS[turn % len(JUMPS_MS)])
                    changed += 1
            file.write(line)
    return changed


def _moved(line: bytes, by_ms: int) -> bytes:
    tick = json.loads(line)
    tick["event_time_ms"] += by_ms
    return json.dumps(tick, separators=(",", ":")).encode() + b"\n"
