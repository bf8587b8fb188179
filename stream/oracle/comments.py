"""What comments say, recomputed: one text at a time, without any table of what was seen.

Of `operators` only the word lists are taken, which are settings, not code.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
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
    connection.execute("CREATE TABLE said (pos BIGINT, question BOOLEAN, negative BOOLEAN)")
    rows = list(_rows(connection, words))
    if rows:
        connection.executemany("INSERT INTO said VALUES (?, ?, ?)", rows)
    connection.execute("CREATE TABLE texts (text VARCHAR, term VARCHAR)")
    cut = cutter(words)
    found = connection.execute("SELECT DISTINCT text FROM events WHERE type = 'comment'").fetchall()
    pairs = [(text, term) for (text,) in found if text for term in terms_of(text, words, cut)]
    if pairs:
        connection.executemany("INSERT INTO texts VALUES (?, ?)", pairs)
    connection.execute(
        "CREATE TABLE terms AS SELECT pos, term FROM events JOIN texts USING (text) "
        "WHERE type = 'comment'"
    )


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


def _rows(connection: duckdb.DuckDBPyConnection, words: Words) -> Iterator[tuple[int, bool, bool]]:
    known: dict[str, tuple[bool, bool]] = {}
    cursor = connection.execute(
        "SELECT pos, coalesce(text, '') FROM events WHERE type = 'comment' ORDER BY pos"
    )
    for pos, text in cursor.fetchall():
        if text not in known:
            read = plain(text)
            known[text] = has(words.question_words, read), has(words.negative_words, read)
        yield pos, *known[text]
