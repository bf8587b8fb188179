"""Every board: what stands on its lines, in which order, and on which channel."""

from dataclasses import dataclass
from typing import Final

TERM_LINES: Final = 40
PAIR_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A figure of a board's lines."""

    field: str
    title_en: str
    title_zh: str
    formula: str
    unit: str = "count"


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of leaderboard: keys of a dimension by a measure, in the group or per room."""

    name: str
    dimension: str
    measure: str
    per_room: bool
    title_en: str
    title_zh: str


@dataclass(frozen=True, slots=True)
class TalkBoard:
    """One kind of board of a room.

    Attributes:
        name: the dimension of its rows.
        channel: its name on the wire.
        limit: most lines.
        keys: what its lines are about, `term` or `pair` (of products, fields `a` and `b`).
        columns: ordered by the first, then the second, both descending, then the key.
    """

    name: str
    channel: str
    window: str
    limit: int
    title_en: str
    title_zh: str
    keys: str
    columns: tuple[BoardColumn, ...]


BOARDS: Final = (
    Board("products_gmv", "product", "paid_minor", False, "Products by GMV", "商品成交榜"),
    Board("products_units", "product", "units_paid", False, "Products by units", "商品销量榜"),
    Board("rooms_gmv", "room", "paid_minor", False, "Rooms by GMV", "直播间成交榜"),
    Board("hosts_gmv", "host", "paid_minor", False, "Hosts by GMV", "主播成交榜"),
    Board("products_gmv", "product", "paid_minor", True, "Products by GMV", "商品成交榜"),
    Board("products_units", "product", "units_paid", True, "Products by units", "商品销量榜"),
)
"""Every leaderboard; a room's own has the room in its channel name."""

_TERMS: Final = (
    BoardColumn("value", "Viewers", "人数", "distinct viewers whose comments have the term"),
    BoardColumn("mentions", "Comments", "评论数", "comments that have the term"),
)
TERMS_R5: Final = TalkBoard(
    "terms", "terms", "r5", TERM_LINES, "Comment terms", "评论热词", "term", _TERMS
)
TERMS_ALL: Final = TalkBoard(
    "terms", "terms_session", "session", TERM_LINES, "Comment terms of the session",
    "本场评论热词", "term", _TERMS,
)  # fmt: skip
KEYWORDS: Final = TalkBoard(
    "keywords", "keywords", "session", TERM_LINES, "Keywords", "关键词", "term",
    (
        BoardColumn(
            "value", "Orders after", "其后订单",
            "orders that viewers paid within term_horizon_ms after saying the term; who would "
            "have bought anyway is in there: it describes, it proves nothing",
        ),
        BoardColumn("users", "Viewers", "人数", "distinct viewers who said the term"),
        BoardColumn("paid_minor", "Paid after", "其后成交额", "money of these orders", "minor"),
    ),
)  # fmt: skip
PAIRS: Final = TalkBoard(
    "pairs", "pairs", "session", PAIR_LINES, "Bought together", "连带购买", "pair",
    (
        BoardColumn("value", "Buyers", "买家", "buyers who paid both products in the session"),
        BoardColumn("orders", "Orders", "订单", "orders in which both were paid"),
    ),
)  # fmt: skip
TALK_BOARDS: Final = (TERMS_R5, TERMS_ALL, KEYWORDS, PAIRS)
"""Every board of what viewers say and buy together; all of them are a room's own."""
