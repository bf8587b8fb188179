"""Synthetic facts and the reader of alert transcripts (`tests/transcripts/alerts`)."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from operators.rules import AlertBook, AlertChange, RoomFacts, RuleSet, parse_rules
from operators.rules.model import Value
from stream.events import Event

BEAT_MS = 5_000
T0_MS = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
DEFAULT = Path(__file__).parents[2] / "operators/rules/default.toml"


@dataclass
class Table:
    """Facts that hold until they are changed."""

    room_facts: dict[str, RoomFacts] = field(default_factory=dict)
    values: dict[tuple[str, str, str, str, str], Value] = field(default_factory=dict)
    stock: dict[str, dict[str, object]] = field(default_factory=dict)
    shares: dict[tuple[str, str, str], tuple[str, str, float]] = field(default_factory=dict)

    def rooms(self) -> Sequence[RoomFacts]:
        return list(self.room_facts.values())

    def keys(self, room: str, dimension: str) -> Sequence[str]:
        return sorted({key for r, d, key, _, _ in self.values if (r, d) == (room, dimension)})

    def value(self, room: str, dimension: str, key: str, window: str, metric: str) -> Value:
        return self.values.get((room, dimension, key, window, metric), (None, None))

    def pools(self) -> Sequence[str]:
        return list(self.stock)

    def pool(self, pool: str) -> Mapping[str, object]:
        return self.stock.get(pool, {})

    def contributor(self, room: str, metric: str, window: str) -> tuple[str, str, float] | None:
        return self.shares.get((room, metric, window))

    def put(self, name: str, value: object) -> None:
        """`pool P METRIC` or `ROOM WINDOW METRIC` or `ROOM DIMENSION KEY WINDOW METRIC`."""
        words = name.split()
        if words[0] == "pool":
            self.stock.setdefault(words[1], {})[words[2]] = value
            return
        if len(words) == 3:
            words = [words[0], "room", "", *words[1:]]
        room, dimension, key, window, metric = words
        number: Value = (None, None)
        if isinstance(value, list):
            number = (value[0], value[1])
        elif isinstance(value, int | float):
            number = (value, None)
        self.values[room, dimension, key, window, metric] = number

    def add(self, name: str, more: int) -> None:
        """Let a running total `ROOM WINDOW METRIC` grow."""
        room, window, metric = name.split()
        old = self.value(room, "room", "", window, metric)[0] or 0
        self.values[room, "room", "", window, metric] = (old + more, None)

    def room(self, room_id: str, at_ms: int, body: Mapping[str, int]) -> None:
        old = self.room_facts.get(room_id) or RoomFacts(room_id, at_ms, None, at_ms)
        ended_s, silent = body.get("ended_s"), body.get("silent")
        self.room_facts[room_id] = RoomFacts(
            room_id,
            T0_MS + body["started_s"] * 1000 if "started_s" in body else old.started_ms,
            old.ended_ms if ended_s is None else T0_MS + ended_s * 1000,
            0 if silent == 0 else (at_ms if silent else old.last_event_ms),
        )


def rules_of(text: str) -> RuleSet:
    parsed = parse_rules(text)
    assert isinstance(parsed, RuleSet), parsed
    return parsed


TEXTS = """
title_en = "{subject}"
title_zh = "{subject}"
action_en = "-"
action_zh = "-"
"""


def with_texts(rules: str) -> str:
    """Rules of a transcript leave their texts out; they need some."""
    return rules.replace("[[rule]]", f"[[rule]]{TEXTS}")


def play(path: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Run a transcript; returns (told, expected) as comparable dicts."""
    script = tomllib.loads(path.read_text())
    text = with_texts(script["rules"]) if "rules" in script else DEFAULT.read_text()
    book, told = AlertBook(rules_of(text), "t1", "t1"), []
    table, silent_rooms = Table(), set[str]()
    steps = {step["s"]: step for step in script["at"]}
    for second in range(0, script["until_s"] + 1):
        now_ms = T0_MS + second * 1000
        if second in steps:
            _change(table, book, steps[second], now_ms, silent_rooms)
        for name in table.room_facts:
            if name not in silent_rooms:
                old = table.room_facts[name]
                table.room_facts[name] = RoomFacts(name, old.started_ms, old.ended_ms, now_ms)
        for run in script.get("run", []):
            if run["from"] <= second < run["until"] and (second - run["from"]) % run["each"] == 0:
                _change(table, book, run, now_ms, silent_rooms)
        if now_ms % BEAT_MS == 0:
            told += [_line(change, second) for change in book.evaluate(now_ms, table)]
            book = _restored(book)
    expected = [dict(one) for one in script.get("expect", [])]
    keys = {key for one in expected for key in one} | {"s", "rule", "subject", "state"}
    return [{key: line[key] for key in keys if key in line} for line in told], expected


def _restored(book: AlertBook) -> AlertBook:
    """Every transcript also proves the snapshot: the book is replaced at each beat."""
    again = AlertBook(book.rules, book.tenant, book.group)
    again.restore(book.snapshot())
    return again


def _change(
    table: Table, book: AlertBook, step: Mapping[str, object], now_ms: int, silent: set[str]
) -> None:
    for name, value in msgspec.convert(step.get("set", {}), dict[str, object]).items():
        table.put(name, value)
    for name, value in msgspec.convert(step.get("add", {}), dict[str, int]).items():
        table.add(name, value)
    for room, facts in msgspec.convert(step.get("room", {}), dict[str, dict[str, int]]).items():
        table.room(room, now_ms, facts)
        if "silent" in facts:
            (silent.add if facts["silent"] else silent.discard)(room)
    for number, body in enumerate(msgspec.convert(step.get("event", []), list[dict[str, object]])):
        kind = body.get("type", "")
        base = {"event_id": f"{now_ms}-{kind}-{number}", "source": "/test", "event_time_ms": now_ms}
        filled = {
            key: _filled(value, now_ms) if isinstance(value, str) else value
            for key, value in body.items()
        }
        book.observe(msgspec.convert({**base, "tenant": "t1", **filled}, Event))


def _line(change: AlertChange, second: int) -> dict[str, object]:
    return {"s": second, **change.as_dict()}


def _filled(text: str, now_ms: int) -> str:
    """`{now}` is the moment; `{s:40}` the epoch ms of second 40."""
    text = text.replace("{now}", str(now_ms))
    return re.sub(r"{s:(\d+)}", lambda found: str(T0_MS + int(found[1]) * 1000), text)
