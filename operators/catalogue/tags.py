"""Behaviour tags: every viewer who entered has one, by the deepest step of the session.

Their sum is `view_uv`. Who did something without an enter message (a feed may show a sample of
them) has no tag, buyers included: `pay_uv` minus `viewers_buyer` is how many those are.
"""

from typing import Final

from operators.catalogue.model import Metric, one

_BROWSES: Final = "product_exposure, comment, like, share, follow, gift or fans_join"


def _tag(name: str, en: str, zh: str, did: str, rival: str) -> Metric:
    return Metric(
        name,
        en,
        zh,
        f"distinct viewers with an enter and {did} in the session",
        one(name),
        basis="uv",
        windows=("session",),
        not_to_confuse=rival,
        source="dy",
        pack="traffic",
    )


TAG_METRICS: Final[tuple[Metric, ...]] = (
    _tag(
        "viewers_silent",
        "Silent viewers",
        "沉默观众",
        "no product_exposure, comment, like, share, follow, gift, fans_join, product_click, "
        "add_to_cart or order_paid",
        "viewers online who do nothing now",
    ),
    _tag(
        "viewers_browser",
        "Browsing viewers",
        "浏览观众",
        f"{_BROWSES}, but no product_click, add_to_cart or order_paid",
        "product_exposure_uv: all who were shown a product, buyers too",
    ),
    _tag(
        "viewers_clicker",
        "Clicking viewers",
        "点击观众",
        "product_click, but no add_to_cart or order_paid",
        "product_click_uv: all who clicked, buyers too",
    ),
    _tag(
        "viewers_carter",
        "Viewers who stopped at the cart",
        "加购未付观众",
        "add_to_cart, but no order_paid",
        "cart_uv: all with add_to_cart, buyers too",
    ),
    _tag(
        "viewers_buyer",
        "Viewers who bought",
        "成交观众",
        "order_paid",
        "pay_uv: buyers without an enter message too",
    ),
)
