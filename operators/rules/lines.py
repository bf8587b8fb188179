"""Where things stand in a TOML text: tomllib keeps no line numbers, so we look them up."""

import re
from typing import Final

_TABLE: Final = re.compile(r"\s*\[\[?\s*([\w.\-]+)\s*\]\]?")
_KEY: Final = re.compile(r"\s*[\"']?([\w\-]+)[\"']?\s*(?:=|\.)")


class Lines:
    """Line numbers (from 1) of tables and keys of a rule file that tomllib accepted."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, int] = {}
        self._rules: list[int] = []
        self._keys: dict[tuple[str, int, str], int] = {}
        table, fence = "", ""
        for number, line in enumerate(text.splitlines(), 1):
            if fence:
                fence = "" if line.count(fence) % 2 else fence
                continue
            header = _TABLE.match(line)
            if header is not None:
                table = header[1]
                self._tables.setdefault(table, number)
                if table == "rule":
                    self._rules.append(number)
                continue
            key = _KEY.match(line)
            if key is not None:
                place = (table, len(self._rules) - 1 if table == "rule" else 0, key[1])
                self._keys.setdefault(place, number)
            fence = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")

    def top(self, name: str) -> int:
        """Line of a table or a key outside all tables; 0 when not found."""
        return self._tables.get(name, self._keys.get(("", 0, name), 0))

    def setting(self, name: str) -> int:
        """Line of a key of [settings], else of its header."""
        return self._keys.get(("settings", 0, name), self._tables.get("settings", 0))

    def key(self, rule: int, name: str) -> int:
        """Line of a key of the rule with that number (from 0), else of its header."""
        header = self._rules[rule] if rule < len(self._rules) else 0
        return self._keys.get(("rule", rule, name), header)
