"""What comments say, recomputed: one text at a time, without any table of what was seen.

Of `operators` only the word lists are taken, which are settings, not code.
"""

import unicodedata
from collections.abc import Iterable, Iterator
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
    """Make the table `said` (pos, question, negative) of all comments among `events`."""
    connection.execute("CREATE TABLE said (pos BIGINT, question BOOLEAN, negative BOOLEAN)")
    rows = list(_rows(connection, words))
    if rows:
        connection.executemany("INSERT INTO said VALUES (?, ?, ?)", rows)


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
