"""Whether a text has one of the words. Texts are brought to one spelling first."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

Judge = Callable[[str], bool]
"""Tells of any text, as viewers wrote it, whether it has one of some words."""

MAX_CHARS: Final = 500
"""Of a longer comment only so many characters are read: viewers' text is hostile."""

_ASCII_WORD: Final = re.compile(r"[a-z0-9]")


def normal(text: str) -> str:
    """One spelling: NFKC (full width becomes plain), case folded, invisible characters out."""
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()[:MAX_CHARS]
    if not folded.isascii():
        folded = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return folded


class Matcher:
    """The entries of a word list, compiled; see `operators.talk.words` for their form."""

    def __init__(self, entries: Iterable[str]) -> None:
        plain: list[str] = []
        self._combined: list[tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]] = []
        for entry in entries:
            parts = [part.strip() for part in entry.split("+")]
            wanted = [normal(part) for part in parts if part and not part.startswith("!")]
            barred = [normal(part[1:]) for part in parts if part.startswith("!") and part != "!"]
            if len(wanted) == 1 and not barred:
                plain.append(_pattern(wanted[0]))
            elif wanted:
                self._combined.append((_compiled(wanted), _compiled(barred)))
        self._plain = re.compile("|".join(plain)) if plain else None

    def __call__(self, text: str) -> bool:
        """Whether an entry stands in a `normal` text."""
        if self._plain is not None and self._plain.search(text):
            return True
        return any(
            all(one.search(text) for one in wanted) and not any(one.search(text) for one in barred)
            for wanted, barred in self._combined
        )


def judge_of(entries: Iterable[str]) -> Judge:
    """A judge of a word list; what it saw lately it knows by heart."""
    matcher = Matcher(entries)
    known = lru_cache(maxsize=8_192)(lambda text: matcher(normal(text)))
    return lambda text: known(text[:MAX_CHARS])


def _compiled(words: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_pattern(word)) for word in words)


def _pattern(word: str) -> str:
    """The word as a pattern; its ASCII ends must be the ends of a word."""
    before = "(?<![a-z0-9])" if _ASCII_WORD.match(word[:1]) else ""
    after = "(?![a-z0-9])" if _ASCII_WORD.match(word[-1:]) else ""
    return f"{before}{re.escape(word)}{after}"
