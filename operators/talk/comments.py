"""Comments to what is counted of them: their terms, whether they ask, whether they complain.

Viewers repeat themselves, so a text is read once and kept; a batch is then one look-up a
comment, the rest is done on arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from operators.hashindex import I64
from operators.profiles import Names
from operators.talk.matching import Matcher, normal
from operators.talk.segment import Segment, segmenter
from operators.talk.words import Words

MAX_TERMS: Final = 24
"""Of a comment with more different terms the first count, keywords before them."""
MIN_CHARS, MAX_CHARS = 2, 24
_MAX_TEXTS: Final = 50_000
_MAX_HELD_CHARS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """Of each comment: 1 if it asks, 1 if it complains; and all (comment place, term code)."""

    question: I64
    negative: I64
    place: I64
    term: I64


class Comments:
    """Reads comments; keeps the codes of terms, and what it read of recent texts."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self.names = Names()
        self._is_question = Matcher(words.question_words)
        self._is_negative = Matcher(words.negative_words)
        self._keywords = [(normal(word), Matcher([word])) for word in dict.fromkeys(words.keywords)]
        self._stop = frozenset(map(normal, words.stop_words))
        self._segment: Segment | None = None
        self._name = ""
        self.forget_texts()

    @property
    def segmenter(self) -> str:
        """Which segmenter cuts texts."""
        self._load()
        return self._name

    def rename(self, names: Names) -> None:
        """Use other codes for terms."""
        self.names = names
        self.forget_texts()

    def forget_texts(self) -> None:
        """Drop what was kept of texts; needed when codes of terms change."""
        self._row: dict[str, int] = {}
        self._chars = 0
        self._flags: list[tuple[int, int]] = []
        self._terms: list[list[int]] = []

    def keywords(self) -> list[int]:
        """Codes of the keywords, in the order of the list; those nobody said have none."""
        return [self.names.code[word] for word, _ in self._keywords if word in self.names.code]

    def read(self, texts: Sequence[str]) -> Said:
        """Read comments."""
        if len(self._row) > _MAX_TEXTS or self._chars > _MAX_HELD_CHARS:
            self.forget_texts()
        row = self._row
        rows = [row[text] if text in row else self._add(text) for text in texts]
        flags = np.array([self._flags[r] for r in rows], np.int64).reshape(-1, 2)
        terms = [self._terms[r] for r in rows]
        counts = np.fromiter(map(len, terms), np.int64, len(terms))
        flat = [code for of_one in terms for code in of_one]
        place = np.repeat(np.arange(len(terms)), counts)
        return Said(flags[:, 0], flags[:, 1], place, np.array(flat, np.int64))

    def terms_of(self, text: str) -> list[str]:
        """The different terms of a `normal` text: keywords, then words in their order."""
        found = [word for word, stands in self._keywords if stands(text)]
        found += [word for word in self._load()(text) if self._is_term(word)]
        return list(dict.fromkeys(found))[:MAX_TERMS]

    def _add(self, text: str) -> int:
        number = self._row[text] = len(self._flags)
        self._chars += len(text)
        plain = normal(text)
        self._flags.append((int(self._is_question(plain)), int(self._is_negative(plain))))
        self._terms.append([self.names[word] for word in self.terms_of(plain)])
        return number

    def _is_term(self, word: str) -> bool:
        """Letters and digits, not digits alone, not one character over and over, no stop word."""
        return (
            MIN_CHARS <= len(word) <= MAX_CHARS
            and word.isalnum()
            and not word.isdecimal()
            and len(set(word)) > 1
            and word not in self._stop
        )

    def _load(self) -> Segment:
        if self._segment is None:
            whole = (*self._words.dictionary, *self._words.keywords)
            self._name, self._segment = segmenter(map(normal, whole))
        return self._segment
