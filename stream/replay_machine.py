"""A shard on a tape: how far it has come, and what screens show there.

What Redis holds after a jump must be what it would hold had the tape run until there. The shard
cannot say all of that anew (charts' past minutes, alerts), so what it said is kept beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from operators.results import LogEntry, Output, Patch
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from stream.options import make_shard
from stream.replay import version_of
from stream.replay_tape import Tape
from stream.settings import Settings


@dataclass(slots=True)
class Shown:
    """Everything said so far: fields of state channels, entries of log channels."""

    states: dict[str, dict[str, object]] = field(default_factory=dict)
    logs: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)

    def take(self, output: Output) -> None:
        """Apply an output."""
        for patch in output.patches:
            state = self.states.setdefault(patch.channel, {})
            for name, value in patch.fields.items():
                if value is None:
                    state.pop(name, None)
                else:
                    state[name] = value
        for entry in output.entries:
            self.logs.setdefault(entry.channel, []).append(entry.data)


class Machine:
    """A shard that plays a tape from its beginning or from where it was frozen.

    `at` is the byte up to which the tape is folded. Whoever plays has to `flush`, else what is
    provisional is not shown.
    """

    def __init__(self, tape: Tape, settings: Settings, frozen: bytes | None = None) -> None:
        self.shown = Shown()
        self.at = 0
        self.closed = False
        self._tape = tape
        self._shard: Shard = make_shard(0, settings)
        if frozen is not None:
            size = int.from_bytes(frozen[:8], "big")
            beside = orjson.loads(frozen[8 : 8 + size])
            self.at = beside["at"]
            self.shown = Shown(beside["states"], beside["logs"])
            thaw(self._shard, frozen[8 + size :])
            self._shard.forget_sent()

    @property
    def counters(self) -> Mapping[str, int]:
        """The shard's totals as far as it has come."""
        return self._shard.state.counters

    def freeze(self) -> bytes:
        """Shard, place and what was said, in one. Only before the end of the tape."""
        beside = orjson.dumps(
            {"at": self.at, "states": self.shown.states, "logs": self.shown.logs},
            default=orjson.Fragment,  # values that are JSON already
        )
        return len(beside).to_bytes(8, "big") + beside + freeze(self._shard)

    @property
    def ticks(self) -> int:
        """How many ticks of the tape are folded."""
        return self._tape.before(self.at)

    def play(self, end: int, as_of_ms: int) -> list[Output]:
        """Fold the tape up to the byte `end`, a line end; nothing for what is folded already.

        At the end of the tape open sessions are closed, as at the end of a replay.
        """
        outputs: list[Output] = []
        if end > self.at:
            body = self._tape.read(self.at, end)
            self.at = end
            outputs = self._shard.step([Record(version_of(end), as_of_ms, body)])
        if self.at >= self._tape.end(self._tape.count) and not self.closed:
            self.closed = True
            outputs += self._shard.close(as_of_ms)
        return self._said(outputs)

    def flush(self, as_of_ms: int) -> Output:
        """Provisional figures that changed."""
        return self._said([self._shard.flush(as_of_ms)])[0]

    def whole(self, as_of_ms: int) -> Output:
        """Everything said so far as one output."""
        return Output(
            0,
            version_of(self.at),
            as_of_ms,
            tuple(Patch(channel, fields) for channel, fields in self.shown.states.items()),
            tuple(
                LogEntry(channel, place, data)
                for channel, entries in self.shown.logs.items()
                for place, data in enumerate(entries)
            ),
        )

    def _said(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            self.shown.take(output)
        return outputs


def alerts_of(outputs: Sequence[Output]) -> list[Mapping[str, object]]:
    """The alerts that begin to fire in some outputs: entries as on `alerts:`."""
    return [
        entry.data
        for output in outputs
        for entry in output.entries
        if entry.channel.startswith("alerts:") and entry.data.get("state") == "firing"
    ]
