"""What a rule is, what it is judged on, and what it says. Plain values and protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from operators.talk.words import NEGATIVE

Number = int | float

Value = tuple[Number | None, Number | None]
"""A figure as (numerator, denominator); a plain figure has denominator None."""


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """One room's session. `ended_ms` None: live. `last_event_ms`: newest event, ticks excluded."""

    room_id: str
    started_ms: int
    ended_ms: int | None
    last_event_ms: int


class PoolFacts(Protocol):
    """Figures of one stock pool by name; None where nothing is known. A dict is one."""

    def get(self, name: str, /) -> object:
        """One figure."""
        ...


class Facts(Protocol):
    """Figures as of the watermark at which rules are evaluated."""

    def rooms(self) -> Sequence[RoomFacts]:
        """Rooms of the group, live ones and those that ended since the last evaluation."""
        ...

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        """Keys of a dimension seen in the room's session."""
        ...

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        """One figure; dimension `room` has key "". (None, None): no data."""
        ...

    def pools(self) -> Sequence[str]:
        """Stock pools of the group."""
        ...

    def pool(self, pool: str) -> PoolFacts:
        """Figures of one pool, those of `StockLedger.figures`."""
        ...

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        """Largest contributing (dimension, key, share of 0 to 1), if one is known."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rule file. Times in seconds as written; `numbers` are the detector's.

    `incidents` are the labels of a recording that it is to find, `also` those that it may tell
    of as well; only the back-test reads them.
    """

    name: str
    kind: str
    scope: str
    metric: str
    window: str
    severity: str
    role: str
    hold_s: int
    clear_s: int
    cooldown_s: int
    every_s: int
    silenced_by: tuple[str, ...]
    resets_on: tuple[str, ...]
    only: tuple[str, ...]
    incidents: tuple[str, ...]
    also: tuple[str, ...]
    texts: Mapping[str, str]
    numbers: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        """A detector parameter; None when the file does not set it and it has no default."""
        return self.numbers.get(name)


def unknown_rule(name: str) -> Rule:
    """Stands for a rule that is in no file any more, so that its open alerts can resolve."""
    texts = dict.fromkeys(("title_en", "title_zh"), name) | {"action_en": "", "action_zh": ""}
    return Rule(
        name, "gone", "room", "", "", "info", "operator", 0, 0, 0, 5, (), (), (), (), (), texts, {}
    )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of the group; `digest` names exactly this text in the log."""

    rules: tuple[Rule, ...]
    digest: str
    settings: Mapping[str, int]
    negative_words: tuple[str, ...] = NEGATIVE
    text: str = ""
    """The file as it was read; "" for rules that came from none."""


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One mistake in a rule file. `line` counts from 1; 0: the file as a whole."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector sees now. `breach` starts an alert, `clear` lets it go (hysteresis)."""

    breach: bool
    clear: bool
    value: float | None
    baseline: float | None = None
    num: Number | None = None
    den: Number | None = None


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One entry of channel `alerts:T/GROUP`; `as_dict` is its data as in the contract."""

    tenant: str
    group: str
    room_id: str | None
    rule: Rule
    subject: str
    state: str
    start_ms: int
    since_ms: int
    at_ms: int
    finding: Finding
    contributor: tuple[str, str, float] | None = None
    actor: str | None = None

    @property
    def id(self) -> str:
        """`<tenant>/<room>/<rule>/<subject>@<start_ms>`; `-` stands for no room."""
        room = self.room_id or "-"
        return f"{self.tenant}/{room}/{self.rule.name}/{self.subject}@{self.start_ms}"

    def as_dict(self) -> dict[str, object]:
        """The data of the log entry: integers, text, null, short floats."""
        found, rule = self.finding, self.rule
        data: dict[str, object] = {
            "id": self.id,
            "rule": rule.name,
            "tenant": self.tenant,
            "group": self.group,
            "room_id": self.room_id,
            "subject": self.subject,
            "state": self.state,
            "severity": rule.severity,
            "role": rule.role,
            "since_ms": self.since_ms,
            "at_ms": self.at_ms,
            "metric": rule.metric,
            "value": tidy(found.value),
            "baseline": tidy(found.baseline),
            "window": rule.window or None,
            "num": tidy(found.num),
            "den": tidy(found.den),
        }
        for name in ("title_en", "title_zh", "action_en", "action_zh"):
            data[name] = rule.texts[name].replace("{subject}", self.subject)
        data["contributor"] = None
        if self.contributor is not None:
            dimension, key, share = self.contributor
            data["contributor"] = {"dimension": dimension, "key": key, "share": tidy(share)}
        if self.actor is not None:
            data["actor"] = self.actor
        return data


def tidy(value: Number | None) -> Number | None:
    """A number as it is written: whole ones as integers, others to six digits."""
    if value is None or isinstance(value, int):
        return value
    short = round(value, 6)
    return int(short) if short.is_integer() else short
