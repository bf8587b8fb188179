"""Text to words. With the extra `zh`: rjieba; without it: pairs of neighbouring characters.

Both are functions of the text and the dictionary alone. Which one was used is said in every
row, because they give different terms.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from typing import Final

Segment = Callable[[str], list[str]]

_RUNS: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff\uf900-\ufaff]+")
_IS_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WHOLE: Final = 1_000_000
"""Weight of the shop's own words: more than any other way to cut the same characters."""


def segmenter(dictionary: Iterable[str]) -> tuple[str, Segment]:
    """The best segmenter there is: its name, and itself."""
    try:
        return "rjieba", _loaded(tuple(dictionary))
    except ImportError:
        return "bigrams", bigrams


@lru_cache(maxsize=4)
def _loaded(dictionary: tuple[str, ...]) -> Segment:
    """Rjieba with a dictionary: 0.1 s and 24 MB, so all shards of a process share it."""
    jieba = import_module("rjieba").Jieba()
    for word in dictionary:
        jieba.add_word(word, _WHOLE, "")
    return lambda text: list(jieba.cut(text))


def bigrams(text: str) -> list[str]:
    """Runs of letters and digits as they stand; of a run of Han characters all neighbours."""
    words: list[str] = []
    for run in _RUNS.findall(text):
        if _IS_HAN.match(run):
            words += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        else:
            words.append(run)
    return words
