"""Read a rule file and explain every mistake with its line."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Final

from operators.rules.kinds import (
    BEAT_S,
    KINDS,
    KNOWN_EVENTS,
    ROLES,
    SCOPES,
    SETTINGS,
    SEVERITIES,
    TEXT_KEYS,
    TIMES,
    Kind,
)
from operators.rules.lines import Lines
from operators.rules.metrics import metric_problem, window_problem
from operators.rules.model import Rule, RuleProblem, RuleSet
from operators.talk.words import NEGATIVE

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEXT_LIMIT: Final = 500


def parse_rules(text: str) -> RuleSet | list[RuleProblem]:
    """Rules of a TOML text, or every problem found in it, in line order."""
    try:
        data: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        return [RuleProblem(int(found[1]) if found else 0, f"not TOML: {error}")]
    reader = _Reader(Lines(text))
    rules = reader.read(data)
    if reader.problems:
        return sorted(reader.problems, key=lambda problem: (problem.line, problem.message))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return RuleSet(tuple(rules), digest, reader.settings, reader.negative_words, text)


class _Reader:
    """Collects rules and problems; one instance reads one file."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[RuleProblem] = []
        self.negative_words: tuple[str, ...] = NEGATIVE
        self.settings = {name: default for name, (default, _, _) in SETTINGS.items()}

    def read(self, data: Mapping[str, object]) -> list[Rule]:
        for name in data:
            if name not in ("rule", "settings"):
                self._wrong(self.lines.top(name), f"unknown table {name!r}; use rule or settings")
        self._read_settings(data.get("settings", {}))
        tables = data.get("rule", [])
        if not isinstance(tables, list):
            self._wrong(self.lines.top("rule"), "write [[rule]] with two brackets")
            return []
        rules = [self._rule(number, table) for number, table in enumerate(tables)]
        known = [rule for rule in rules if rule is not None]
        self._cross_check(tables, known)
        return known

    def _wrong(self, line: int, message: str) -> None:
        self.problems.append(RuleProblem(line, message))

    def _read_settings(self, table: object) -> None:
        if not isinstance(table, dict):
            self._wrong(self.lines.top("settings"), "settings must be a table: [settings]")
            return
        for name, value in table.items():
            line = self.lines.setting(name)
            if name == "negative_words":
                self._read_words(value, line)
                continue
            if name not in SETTINGS:
                self._wrong(
                    line, f"unknown setting {name!r}; known: {_list(SETTINGS)}, negative_words"
                )
                continue
            _, low, high = SETTINGS[name]
            number = self._int(value, line, name, low, high)
            if number is not None:
                self.settings[name] = number

    def _read_words(self, value: object, line: int) -> None:
        good = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
        if not good or not isinstance(value, list):
            self._wrong(line, "negative_words must be a list of texts")
            return
        self.negative_words = tuple(str(one).strip().lower() for one in value)

    def _int(self, value: object, line: int, name: str, low: int, high: int) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(line, f"{name} must be a whole number, not {value!r}")
            return None
        if not low <= value <= high:
            self._wrong(line, f"{name} = {value} is outside {low} to {high}")
            return None
        return value

    def _rule(self, number: int, table: object) -> Rule | None:
        if not isinstance(table, dict):
            self._wrong(self.lines.top("rule"), "write [[rule]] with two brackets")
            return None
        fields = _Fields(self, number, table)
        return fields.rule()

    def _cross_check(self, tables: list[object], rules: list[Rule]) -> None:
        names: dict[str, int] = {}
        for number, table in enumerate(tables):
            name = table.get("name") if isinstance(table, dict) else None
            if isinstance(name, str):
                if name in names:
                    first = self.lines.key(names[name], "name")
                    line = self.lines.key(number, "name")
                    self._wrong(line, f"a second rule {name!r}; the first is in line {first}")
                names.setdefault(name, number)
        for rule in rules:
            for other in rule.silenced_by:
                if other not in names:
                    line = self.lines.key(names.get(rule.name, 0), "silenced_by")
                    self._wrong(line, f"silenced_by names {other!r}, but no rule is called so")
        silencers = {rule.name: rule.silenced_by for rule in rules}
        for rule in rules:
            if rule.name in _reached(silencers, rule.name):
                line = self.lines.key(names[rule.name], "silenced_by")
                self._wrong(line, f"rule {rule.name!r} silences itself in a circle")


class _Fields:
    """Reads one [[rule]] table; every wrong key is one problem."""

    def __init__(self, reader: _Reader, number: int, table: Mapping[str, object]) -> None:
        self.reader = reader
        self.number = number
        self.table = table
        self.bad = False

    def wrong(self, key: str, message: str) -> None:
        self.bad = True
        self.reader._wrong(self.reader.lines.key(self.number, key), message)

    def rule(self) -> Rule | None:
        name = self.text("name", "")
        if not _NAME.fullmatch(name):
            self.wrong("name", f"name {name!r} must be lower-case letters, digits and _")
        kind = KINDS.get(self.choice("kind", tuple(KINDS), None))
        if kind is None:
            return None
        self.unknown_keys(kind)
        numbers = self.numbers(kind)
        scope = self.choice("scope", SCOPES, "room")
        metric, window = self.text("metric", None), self.text("window", "")
        words = self.words(kind)
        named = [metric, *(words.get(word, "") for word in ("per", "users", "reported"))]
        for name_of_metric in [one for one in named if one]:
            problem = metric_problem(name_of_metric, scope)
            if problem is not None:
                self.wrong("metric" if name_of_metric == metric else "kind", problem)
        times = self.times()
        if not _often_enough(times["every_s"], scope, metric):
            self.wrong("every_s", "every_s must be 5 or more; 1 for scope pool and violations")
        problem = window_problem(metric, scope, window, kind.name)
        if problem is not None:
            self.wrong("window" if "window" in self.table else "metric", problem)
        rule = Rule(
            name=name,
            kind=kind.name,
            scope=scope,
            metric=metric,
            window=window,
            severity=self.choice("severity", SEVERITIES, "warning"),
            role=self.choice("role", ROLES, "operator"),
            silenced_by=self.names("silenced_by", None),
            resets_on=self.names("resets_on", KNOWN_EVENTS),
            only=self.names("only", None),
            incidents=self.names("incidents", None),
            also=self.names("also", None),
            texts={key: self.text(key, None) for key in TEXT_KEYS},
            numbers=numbers,
            words=words,
            **times,
        )
        return None if self.bad else rule

    def unknown_keys(self, kind: Kind) -> None:
        allowed = {
            "name", "kind", "scope", "metric", "window", "severity", "role",
            "silenced_by", "resets_on", "only", "incidents", "also", *TEXT_KEYS, *TIMES,
            *(word.name for word in kind.words),
            *(parameter.name for parameter in kind.parameters),
        }  # fmt: skip
        for key in self.table:
            if key not in allowed:
                self.wrong(key, f"unknown key {key!r} for kind {kind.name!r}")

    def text(self, key: str, default: str | None) -> str:
        value = self.table.get(key, default)
        if value is None:
            self.wrong(key, f"{key} is missing")
            return ""
        if not isinstance(value, str) or len(value) > _TEXT_LIMIT:
            self.wrong(key, f"{key} must be text of at most {_TEXT_LIMIT} characters")
            return ""
        return value

    def words(self, kind: Kind) -> dict[str, str]:
        found: dict[str, str] = {}
        for word in kind.words:
            value = self.text(word.name, word.default)
            if value and word.choices and value not in word.choices:
                self.wrong(word.name, f"{word.name} {value!r} is not one of {_list(word.choices)}")
            if value:
                found[word.name] = value
        return found

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None) -> str:
        value = self.text(key, default)
        if value and value not in allowed:
            self.wrong(key, f"{key} {value!r} is not one of {_list(allowed)}")
            return ""
        return value

    def names(self, key: str, allowed: tuple[str, ...] | None) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.wrong(key, f"{key} must be a list of texts")
            return ()
        for one in value:
            if allowed is not None and one not in allowed:
                self.wrong(key, f"{key}: {one!r} is not one of {_list(allowed)}")
        return tuple(value)

    def times(self) -> dict[str, int]:
        found = {}
        for key, (default, low, high) in TIMES.items():
            line = self.reader.lines.key(self.number, key)
            before = len(self.reader.problems)
            value = self.reader._int(self.table.get(key, default), line, key, low, high)
            self.bad = self.bad or len(self.reader.problems) > before
            found[key] = default if value is None else value
        return found

    def numbers(self, kind: Kind) -> dict[str, float]:
        found: dict[str, float] = {}
        for parameter in kind.parameters:
            value = self.table.get(parameter.name, parameter.default)
            if value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool):
                self.wrong(parameter.name, f"{parameter.name} must be a number, not {value!r}")
            elif not parameter.low <= value <= parameter.high:
                span = f"{parameter.low:g} to {parameter.high:g}"
                self.wrong(parameter.name, f"{parameter.name} = {value} is outside {span}")
            else:
                found[parameter.name] = value
        if kind.one_of and not any(name in self.table for name in kind.one_of):
            self.wrong("kind", f"kind {kind.name!r} needs one of {_list(kind.one_of)}")
        return found


def _often_enough(every_s: int, scope: str, metric: str) -> bool:
    urgent = scope == "pool" or metric == "violations"
    return every_s >= BEAT_S or (every_s == 1 and urgent)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _reached(silencers: Mapping[str, tuple[str, ...]], start: str) -> set[str]:
    """All rules that silence `start`, directly or through others."""
    found: set[str] = set()
    waiting = list(silencers.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += silencers.get(name, ())
    return found
