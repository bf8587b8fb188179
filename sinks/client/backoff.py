"""When to connect again: the close code's range decides, full jitter inside the server's window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinks.gateway.protocol import Verdict, verdict_of


@dataclass(slots=True)
class Window:
    """Bounds of the wait, as the server gave them in `connected`, in milliseconds."""

    min_ms: int = 500
    max_ms: int = 20_000
    first_ms: int = 1_000

    def adopt(self, retry: Mapping[str, Any]) -> None:
        """Take over the server's window."""
        self.min_ms, self.max_ms = int(retry["min_ms"]), int(retry["max_ms"])
        self.first_ms = int(retry["first_ms"][1])

    def delay_ms(self, tries: int, code: int | None, chance: float) -> float | None:
        """Milliseconds to wait before try number `tries` (from 1); None: never.

        Args:
            tries: failed or lost connections in a row.
            code: close code; None if there was no close frame.
            chance: uniform in `[0, 1)`.
        """
        verdict = Verdict.BACK_OFF if code is None else verdict_of(code)
        if verdict == Verdict.NEVER:
            return None
        if tries <= 1:
            return chance * (self.min_ms if verdict == Verdict.NOW else self.first_ms)
        return chance * min(self.max_ms, self.min_ms * (1 << min(tries - 1, 10)))
