"""What mutated inputs are thrown at: log lines, foreign formats, gateway commands, rule files.

A target takes a number of inputs at a time, checks what must hold after them, and lets every
exception out: here each is a crash.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

from operators.rules.model import RuleSet
from operators.rules.parse import parse_rules
from operators.shard import Record, Shard
from operators.snapshot import freeze, thaw
from simulators.api import HARD_DISORDER, SimulationPlan, simulate_lines
from sinks.gateway.actions import action_event
from sinks.gateway.auth import Claims, Denied
from sinks.gateway.limits import Limits
from sinks.gateway.session import Accept, Act, Close, Now, Reply, Session
from sinks.redis_pending import Pending
from sinks.results import encode_row
from stream.codec import MAX_LINE_BYTES, decode_line, encode
from stream.errors import ConfigError, InvariantError
from stream.events import Event
from stream.formats import FORMATS, Unreadable, read_events
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from stream.validate import reject_reason
from tests.chaos.fuzz_samples import COMMANDS, DOCUMENTS
from tests.chaos.mutate import Mutator
from tests.support.accounts import balance

BATCH: Final = 64
SHARD_LIFE: Final = 100
"""Batches that one shard folds before the next begins: its state may not hide a leak of ours."""
FLUSH_EVERY: Final = 10
KEY: Final = b"fuzz key"


class Target(Protocol):
    """One surface."""

    name: str

    def run(self, mutator: Mutator) -> int:
        """Throw some inputs at it; how many.

        Raises:
            Exception: whatever came out: a crash.
        """

    def renew(self) -> None:
        """Start over with fresh state, after a crash."""


class Lines:
    """NDJSON lines through codec, validation, fold, beats, flush and sink encoding.

    Two thirds of the lines are mutated; the rest keeps rooms alive between them.
    """

    name = "log lines"

    def __init__(self) -> None:
        plan = SimulationPlan(
            rooms=4, tenants=2, minutes=4, rate=120, disorder=HARD_DISORDER, scenario="flash_sale"
        )
        self._chunks = [chunk.lines for chunk in simulate_lines(plan)][:-1]
        self._samples = [line for chunk in self._chunks for line in chunk.splitlines()]
        self._at = 0
        self.renew()

    def renew(self) -> None:
        """A fresh shard, which goes on in the recording."""
        self._shard, self._number, self._told = _shard(), 0, 0
        self._pending = Pending(0)

    def run(self, mutator: Mutator) -> int:
        """Fold one second of a recording with its lines mutated."""
        if self._number >= SHARD_LIFE or self._at == len(self._chunks):
            self._at %= len(self._chunks)
            self.renew()
        lines = self._chunks[self._at].splitlines()
        self._at += 1
        self._number += 1
        body, mutated = [], 0
        for line in lines:
            # The clock's own line is trusted; now and then it is not.
            keep = mutator.draw.random() < (0.9 if b'"tick"' in line else 0.33)
            body.append(line if keep else mutator.mutate(line, self._samples))
            mutated += not keep
        self._fold(b"\n".join(body))
        if self._number % 40 == 0:
            self._resume()
        return mutated

    def _fold(self, body: bytes) -> None:
        shard = self._shard
        outputs = shard.step([Record(version_of(self._number), 0, body)])
        if self._number % FLUSH_EVERY == 0:
            outputs.append(shard.flush(0))
        for output in outputs:
            for row in output.rows:
                encode_row(row)
            self._pending.add(output)
        self._pending = Pending(0)
        self._told += countable(body)
        check_balance(shard, self._told)

    def _resume(self) -> None:
        """On from a snapshot, as after a kill."""
        fresh = _shard()
        thaw(fresh, freeze(self._shard))
        self._shard = fresh


class Documents:
    """Files of foreign formats through their adapters, and what they yield through a shard."""

    name = "adapters"

    def __init__(self, folder: Path) -> None:
        self._readers = [
            (entry.name, entry.read, DOCUMENTS[entry.name]) for entry in FORMATS if entry.read
        ]
        self._file = folder / "document"
        self.renew()

    def renew(self) -> None:
        """A fresh shard."""
        self._shard, self._number, self._told = _shard(), 0, 0

    def run(self, mutator: Mutator) -> int:
        """Read some mutated files of each format."""
        if self._number >= SHARD_LIFE:
            self.renew()
        lines: list[bytes] = []
        for _, read, samples in self._readers * FLUSH_EVERY:
            for record in read(mutator.some(samples), KEY):
                if not isinstance(record, Unreadable):
                    lines.append(encode(record))
                elif len(record.raw) > 4_096 or not record.reason:
                    raise InvariantError("an unreadable record is too long or has no reason")
        self._fold(lines)
        self._from_file(mutator.some(mutator.draw.choice(self._readers)[2]))
        return len(self._readers) * FLUSH_EVERY + 1

    def _from_file(self, data: bytes) -> None:
        """As `liveroom replay --format auto` reads it."""
        self._file.write_bytes(data)
        try:
            for _ in read_events(self._file, "auto", KEY):
                pass
        except ConfigError:
            pass

    def _fold(self, lines: list[bytes]) -> None:
        self._number += 1
        if not lines:
            return
        for line in lines:
            if len(line) <= MAX_LINE_BYTES and not isinstance(decode_line(line), Event):
                raise InvariantError("an adapter's event cannot be decoded")
        self._shard.step([Record(version_of(self._number), 0, b"\n".join(lines))])
        self._told += len(lines)
        check_balance(self._shard, self._told)


class Commands:
    """Gateway commands through the protocol's decoder and a session's decisions."""

    name = "protocol"
    _LIFE: Final = 100

    def __init__(self) -> None:
        self._samples = [json.dumps(command).encode() for command in COMMANDS]
        self._claims = Claims(
            "u", "j", 4_000_000_000, "operator", ["t1"], ["*"], ["*"], ["*"], rpc=True
        )
        self.renew()

    def renew(self) -> None:
        """A new connection, connected."""
        self._now_s = 0.0
        self._session = Session(Limits(), self._verify, self._now())
        self._session.claims = self._claims

    def _verify(self, token: str) -> Claims | Denied:
        return self._claims if token == "good" else Denied("unauthorized", "no")

    def _now(self) -> Now:
        return Now(self._now_s, 1_700_000_000_000 + int(self._now_s * 1_000))

    def run(self, mutator: Mutator) -> int:
        """A connection's worth of mutated commands."""
        self.renew()
        for _ in range(self._LIFE):
            self._now_s += 0.2
            text = mutator.some(self._samples, 0.7).decode("utf-8", "surrogateescape")
            for effect in (
                *self._session.receive(text, self._now()),
                *self._session.tick(self._now()),
            ):
                if isinstance(effect, Reply):
                    _checked_frame(effect.frame)
                elif isinstance(effect, Act):
                    _checked_action(effect)
                elif isinstance(effect, Accept | Close):
                    continue
        return self._LIFE


class Rules:
    """Rule files: rules, or problems each with its line; never an exception."""

    name = "rule files"

    def __init__(self) -> None:
        text = files("operators.rules").joinpath("default.toml").read_text(encoding="utf-8")
        head, *blocks = text.split("[[rule]]")
        self._head = head.encode()
        self._samples = [b"[[rule]]" + block.encode() for block in blocks]

    def renew(self) -> None:
        """Nothing is kept."""

    def run(self, mutator: Mutator) -> int:
        """Some files of one or two mutated rules."""
        for _ in range(BATCH // 4):
            data = mutator.some(self._samples)
            if mutator.draw.random() < 0.3:
                data = self._head + data + mutator.draw.choice(self._samples)
            found = parse_rules(data.decode("utf-8", "replace"))
            if not isinstance(found, RuleSet) and not found:
                raise InvariantError("neither rules nor a problem")
        return BATCH // 4


def countable(body: bytes) -> int:
    """Lines that must be accounted for: all but blank ones and usable ticks."""
    total = 0
    for line in body.split(b"\n"):
        if line.strip():
            event = decode_line(line) if b"tick" in line else None
            usable = isinstance(event, Event) and event.type == "tick" and not reject_reason(event)
            total += not usable
    return total


def check_balance(shard: Shard, told: int) -> None:
    """Whether all that went in is accounted for.

    Raises:
        InvariantError: it is not.
    """
    counters = shard.state.counters
    if counters.get("in", 0) != told or balance(counters):
        message = f"{told} lines went in, the counters say {dict(counters)}"
        raise InvariantError(message)


def _shard() -> Shard:
    return make_shard(0, Settings())


def _checked_frame(frame: bytes) -> None:
    skip = 2 if frame[1] < 126 else 4 if frame[1] == 126 else 10
    json.loads(frame[skip:])


def _checked_action(effect: Act) -> None:
    event = action_event(
        effect.method, effect.params, effect.user, "operator", KEY, 1_700_000_000_000
    )
    if isinstance(event, Event) and not isinstance(decode_line(encode(event)), Event):
        raise InvariantError("an action cannot be decoded")


def targets(folder: Path) -> list[tuple[Target, float]]:
    """Every surface with its share of the inputs."""
    return [(Lines(), 0.6), (Documents(folder), 0.15), (Commands(), 0.23), (Rules(), 0.02)]
