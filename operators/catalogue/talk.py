"""What viewers say (research: capability F3)."""

from typing import Final

from operators.catalogue.model import TRAFFIC, Metric, one

TALK_METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "question_share",
        "Questions among comments",
        "提问占比",
        "comments with a question word or mark ÷ comments",
        one("questions"),
        one("comments"),
        unit="ratio",
        dimensions=TRAFFIC,
        not_to_confuse="share of viewers who ask",
        pack="talk",
    ),
    Metric(
        "negative_share",
        "Complaints among comments",
        "负面评论占比",
        "comments with a word of the negative list ÷ comments",
        one("negatives"),
        one("comments"),
        unit="ratio",
        dimensions=TRAFFIC,
        not_to_confuse="negative_uv ÷ commenters; sentiment of the text as a whole",
        pack="talk",
    ),
    Metric(
        "negative_uv",
        "Complaining viewers",
        "负面评论人数",
        "distinct users of negative comments",
        one("negative_users"),
        basis="uv",
        dimensions=TRAFFIC,
        not_to_confuse="negative comments: one viewer may write many",
        pack="talk",
    ),
)
