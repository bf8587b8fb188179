"""The word lists: what is no term, what asks, what complains, what a shop watches.

An entry is text that must stand in a comment; `a+b` wants both, `a+!b` wants a without b. An
entry of ASCII letters must be a word of its own ("how" is not in "show").
"""

import tomllib
from dataclasses import dataclass, fields
from typing import Final

NEGATIVE: Final = (
    *("假货", "假的", "骗", "虚假", "上当", "不发货", "没发货", "还没发", "没收到", "太差", "很差"),
    *("质量差", "差评", "垃圾", "难用", "坏了", "坏的", "破损", "掉色", "色差", "过敏", "不给退"),
    *("不退", "没人理", "不理人", "投诉", "举报", "维权", "再也不", "后悔", "失望"),
    *("发货+太慢", "客服+不回"),
    *("fake", "scam", "fraud", "broken", "terrible", "awful", "worst", "never arrived"),
    *("no refund", "rip-off", "disappointed", "complain"),
)
"""Words of complaint, unless the rule file has `negative_words` of its own."""

QUESTION: Final = (
    *("?", "吗", "呢", "多少", "几号", "几天", "怎么", "怎样", "为什么", "什么", "哪"),
    *("谁", "能不能", "可不可以", "有没有", "是不是", "会不会", "要不要", "多久", "多大"),
    *("how", "what", "when", "where", "which", "why", "who", "can i", "is it", "does it"),
)
STOP: Final = (
    *("这个", "那个", "一个", "什么", "怎么", "时候", "我们", "你们", "他们", "自己", "就是"),
    *("不是", "没有", "可以", "还是", "真的", "一下", "这么", "那么", "因为", "所以", "但是"),
    *("the", "and", "you", "for", "are", "is", "it", "to", "of", "in", "my", "me", "we", "this"),
    *("that", "with", "have", "has", "was", "not", "but", "can", "do", "does", "be", "on", "at"),
)
KEYWORDS: Final = ("多少钱", "链接", "优惠", "包邮", "发货", "敏感肌", "尺码", "库存")
DICTIONARY: Final = (
    *("主播", "上链接", "讲解", "玻尿酸", "烟酰胺", "面膜", "小样", "赠品", "运费险", "优惠券"),
    *("七天无理由", "直播间", "下单", "回购", "色号", "孕妇", "保质期"),
)

MAX_ENTRIES: Final = 5_000
MAX_ENTRY_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Words:
    """The lists in force. Names are the keys of a words file, but for `negative_words`.

    Attributes:
        stop_words: never a term.
        question_words: make a comment a question.
        keywords: always a term where they stand; their orders are followed.
        dictionary: words a segmenter would take apart.
        negative_words: of the rule file, so that rules and figures use one list.
    """

    stop_words: tuple[str, ...] = STOP
    question_words: tuple[str, ...] = QUESTION
    keywords: tuple[str, ...] = KEYWORDS
    dictionary: tuple[str, ...] = DICTIONARY
    negative_words: tuple[str, ...] = NEGATIVE


FILE_KEYS: Final = tuple(f.name for f in fields(Words) if f.name != "negative_words")


def parse_words(text: str) -> Words | str:
    """The lists of a words file, or what is wrong with it.

    A list that the file has not is the shipped one; an empty list is an empty list.
    """
    try:
        data: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return f"not TOML: {error}"
    lists: dict[str, tuple[str, ...]] = {}
    for name, value in data.items():
        if name == "negative_words":
            return "negative_words belongs into the [settings] of the rule file"
        if name not in FILE_KEYS:
            return f"unknown list {name!r}; known: {', '.join(FILE_KEYS)}"
        if not isinstance(value, list) or len(value) > MAX_ENTRIES:
            return f"{name} must be a list of at most {MAX_ENTRIES} texts"
        if not all(isinstance(one, str) and 0 < len(one) <= MAX_ENTRY_CHARS for one in value):
            return f"an entry of {name} is no text of 1 to {MAX_ENTRY_CHARS} characters"
        lists[name] = tuple(map(str, value))
    return Words(**lists)
