"""Word lists, how texts are matched, cut into terms, and what of it reaches the figures."""

import sys

import pytest

from operators.talk.comments import MAX_TERMS, Comments
from operators.talk.matching import MAX_CHARS, Matcher, judge_of, normal
from operators.talk.segment import bigrams, segmenter
from operators.talk.words import FILE_KEYS, Words, parse_words
from tests.operators.one_room import event, play, quiet_shard, tick, ticks


@pytest.mark.parametrize(
    ("entry", "text", "stands"),
    [
        ("假货", "是不是假货啊", True),
        ("how", "show me", False),
        ("how", "How much", True),
        ("how", "ＨＯＷ　ｍｕｃｈ", True),
        ("?", "多少钱？", True),
        ("发货+慢", "发货太慢了", True),
        ("发货+慢", "发货很快", False),
        ("假货+!不是假货", "这不是假货", False),
        ("假货+!不是假货", "假货", True),
        ("假货", "假\u200b货", True),
        ("no refund", "they give NO REFUND at all", True),
        ("a.c", "abc", False),
    ],
)
def test_an_entry_stands_in_a_text_or_not(entry: str, text: str, stands: bool) -> None:
    assert Matcher([entry])(normal(text)) is stands
    assert judge_of(["不会有这个", entry])(text) is stands


@pytest.mark.parametrize("entries", [(), ("",), ("+",), ("!",), ("!假货",)])
def test_an_empty_list_or_entry_finds_nothing(entries: tuple[str, ...]) -> None:
    assert not Matcher(entries)("假货")


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert judge_of(["假货"])("好" * (MAX_CHARS - 2) + "假货")
    assert not judge_of(["假货"])("好" * (MAX_CHARS - 1) + "假货")
    assert len(normal("\ufdfa" * MAX_CHARS)) == MAX_CHARS


def test_terms_are_words_of_two_characters_or_more_that_say_something() -> None:
    comments = Comments(Words(keywords=("多少钱",), stop_words=("这个",)))
    assert comments.segmenter == "rjieba"
    assert comments.terms_of(normal("这个面霜多少钱？")) == ["多少钱", "面霜"]
    assert comments.terms_of(normal("666 哈哈哈 👍🏻 <b>iPhone15</b> 好")) == ["iphone15"]
    assert comments.terms_of("") == []


def test_without_the_extra_han_text_is_cut_into_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    name, segment = segmenter([])
    assert (name, segment("面霜好用 iphone15 啊")) == (
        "bigrams", ["面霜", "霜好", "好用", "iphone15", "啊"]
    )  # fmt: skip
    assert bigrams("") == []


def test_a_keyword_is_a_term_wherever_it_stands_and_a_comment_has_a_bound() -> None:
    comments = Comments(Words(keywords=("尿酸",)))
    assert comments.terms_of(normal("这瓶玻尿酸"))[0] == "尿酸"
    many = " ".join(f"word{number}x" for number in range(60))
    assert len(comments.terms_of(normal(many))) == MAX_TERMS


def test_reading_again_gives_the_same_after_the_texts_are_forgotten() -> None:
    comments = Comments(Words())
    first = comments.read(["面霜多少钱", "好", "假货"])
    comments.forget_texts()
    again = comments.read(["面霜多少钱", "好", "假货"])
    assert first.question.tolist() == again.question.tolist() == [1, 0, 0]
    assert first.negative.tolist() == again.negative.tolist() == [0, 0, 1]
    assert first.term.tolist() == again.term.tolist()
    assert set(first.place.tolist()) == {0, 2}


def test_a_words_file_replaces_the_lists_it_names() -> None:
    words = parse_words('keywords = ["口红"]\nstop_words = []\n')
    assert words == Words(keywords=("口红",), stop_words=())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("keywords = ", "not TOML"),
        ("keyword = []", "unknown list"),
        ('keywords = "one"', "must be a list"),
        ("keywords = [1]", "no text"),
        ('keywords = [""]', "no text"),
        ('negative_words = ["x"]', "rule file"),
    ],
)
def test_a_mistake_in_a_words_file_is_explained(text: str, problem: str) -> None:
    found = parse_words(text)
    assert isinstance(found, str)
    assert problem in found


def test_the_file_has_every_list_but_the_complaints() -> None:
    assert set(FILE_KEYS) == {"stop_words", "question_words", "keywords", "dictionary"}


def test_shares_of_questions_and_complaints_are_figures_of_the_room() -> None:
    texts = ("多少钱？", "假货", "假货怎么退", "好看", None)
    log = [tick(0)]
    log += [event("comment", 10 + n, n, n % 2, text=text) for n, text in enumerate(texts)]
    (row,) = play([*log, *ticks(1, 70)], quiet_shard()).metrics("1m")
    metrics = row["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["question_share"] == {"num": 2, "den": 5, "value": 0.4}
    assert metrics["negative_share"] == {"num": 2, "den": 5, "value": 0.4}
    assert metrics["negative_uv"] == 2
