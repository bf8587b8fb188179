"""What comments say, recomputed: one text at a time, without any table of what was seen.

Of `operators` only the word lists are taken, which are settings, not code.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import duckdb

from operators.talk.words import Words

READ_CHARS: Final = 500
ASCII: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def plain(text: str) -> str:
    """NFKC, case folded, without format characters; at most 500 characters are read."""
    folded = unicodedata.normalize("NFKC", text[:READ_CHARS]).casefold()[:READ_CHARS]
    return "".join(one for one in folded if unicodedata.category(one) != "Cf")


def stands(word: str, text: str) -> bool:
    """Whether a word stands in a text; its ASCII ends may not touch ASCII letters or digits."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        inside = word[:1] in ASCII and text[at - 1 : at] in ASCII if at else False
        inside |= word[-1:] in ASCII and text[end : end + 1] in ASCII
        if not inside:
            return True
        at = text.find(word, at + 1)
    return False


def has(entries: Iterable[str], text: str) -> bool:
    """Whether one of the entries holds: all its parts stand, none of those after `!` does."""
    for entry in entries:
        parts = [part.strip() for part in entry.split("+")]
        wanted = [plain(part) for part in parts if part[:1] not in ("", "!")]
        barred = [plain(part[1:]) for part in parts if part[:1] == "!" and len(part) > 1]
        good = all(stands(part, text) for part in wanted)
        if wanted and good and not any(stands(part, text) for part in barred):
            return True
    return False


def tell(connection: duckdb.DuckDBPyConnection, words: Words) -> None:
    """Make the tables `said` (pos, question, negative) and `terms` (pos, term) of all comments."""
    found = connection.execute(
        "SELECT DISTINCT coalesce(text, '') FROM events WHERE type = 'comment'"
    ).fetchall()
    texts = [text for (text,) in found]
    reads = [plain(text) for text in texts]
    cut = cutter(words)
    pairs = [(text, term) for text in texts for term in terms_of(text, words, cut)]
    connection.execute(
        "CREATE TABLE readings AS SELECT unnest($texts::VARCHAR[]) AS text, "
        "unnest($question::BOOLEAN[]) AS question, unnest($negative::BOOLEAN[]) AS negative",
        {
            "texts": texts,
            "question": [has(words.question_words, read) for read in reads],
            "negative": [has(words.negative_words, read) for read in reads],
        },
    )
    connection.execute(
        "CREATE TABLE texts AS "
        "SELECT unnest($texts::VARCHAR[]) AS text, unnest($terms::VARCHAR[]) AS term",
        {"texts": [text for text, _ in pairs], "terms": [term for _, term in pairs]},
    )
    comments = "(SELECT pos, coalesce(text, '') AS text FROM events WHERE type = 'comment')"
    for name, columns, table in (
        ("said", "pos, question, negative", "readings"),
        ("terms", "pos, term", "texts"),
    ):
        query = f"SELECT {columns} FROM {comments} JOIN {table} USING (text)"
        connection.execute(f"CREATE TABLE {name} AS {query}")


@lru_cache(maxsize=4)
def cutter(words: Words) -> Callable[[str], list[str]]:
    """The segmenter: rjieba with the shop's own words, else `neighbours`."""
    if find_spec("rjieba") is None:
        return neighbours
    jieba = import_module("rjieba").Jieba()
    for word in (*words.dictionary, *words.keywords):
        jieba.add_word(plain(word), 1_000_000, "")

    def cut(text: str) -> list[str]:
        return [str(word) for word in jieba.cut(text)]

    return cut


def neighbours(text: str) -> list[str]:
    """Words of letters and digits; of Han characters each with the next one."""
    words: list[str] = []
    before = ""
    for char in text:
        if _is_han(char):
            if _is_han(before[-1:]):
                words[-1 if len(words[-1]) == 1 else len(words) :] = [before[-1] + char]
            else:
                words.append(char)
        elif char.isalnum():
            if before[-1:].isalnum() and not _is_han(before[-1:]):
                words[-1] += char
            else:
                words.append(char)
        before = char
    return words


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff"


def terms_of(text: str, words: Words, cut: Callable[[str], list[str]]) -> list[str]:
    """Terms of a comment: keywords that stand in it, then words that say something."""
    read = plain(text)
    stop = {plain(word) for word in words.stop_words}
    found = [plain(word) for word in words.keywords if has([word], read)]
    for word in cut(read):
        long_enough = 2 <= len(word) <= 24 and len(set(word)) >= 2
        if long_enough and word.isalnum() and not word.isdecimal() and word not in stop:
            found.append(word)
    return list(dict.fromkeys(found))[:24]
