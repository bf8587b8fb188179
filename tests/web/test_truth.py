"""Every tile shows what the session really came to, to the minor unit."""

from typing import cast

import pytest
from playwright.sync_api import Page, expect

from operators.catalogue.boards import TALK_BOARDS
from tests.web.conftest import OpenPage
from tests.web.figures import NONE, count, percent, yuan
from tests.web.held_clock import HOLD_CLOCK
from tests.web.misfits import MISFITS
from tests.web.script import Script
from tests.web.script_cast import GROUP, Fields, names
from tests.web.stage import Stage

pytestmark = pytest.mark.browser

ROOM = "room:t1/r1"


def room(stage: Stage) -> Fields:
    return stage.state[ROOM]


def tile(page: Page, title: str) -> str:
    section = page.get_by_role("region", name=title, exact=True)
    return section.locator(".value-line").inner_text()


def lines(page: Page, title: str, cells: tuple[str, ...]) -> list[tuple[str, ...]]:
    rows = page.get_by_role("region", name=title, exact=True).locator(".tile-body li")
    return [tuple(row.locator(cell).inner_text() for cell in cells) for row in rows.all()]


def test_the_room_screen_shows_the_truth_to_the_minor_unit(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    stage.advance(7)
    truth = room(stage)
    expect(page.locator(".hero-figure")).to_have_text(yuan(truth["session.gmv_paid"]))
    side = page.locator(".hero-side dd").all_inner_texts()
    assert side == [yuan(truth["session.gmv_net"]), yuan(truth["session.refund_amount"])]
    assert tile(page, "Online now") == count(truth["session.online_now"])
    assert tile(page, "Viewers") == count(truth["session.view_uv"])
    assert tile(page, "Paid orders") == count(truth["session.orders_paid"])
    assert tile(page, "View-to-pay conversion") == percent(truth["session.cvr_view"])
    assert tile(page, "Click-to-pay conversion") == percent(truth["session.cvr_click"])
    order = cast("Fields", truth["session.aov_order"])
    average = round(cast("int", order["num"]) / cast("int", order["den"]))
    assert tile(page, "Average order value") == yuan(average)


def test_funnel_steps_are_the_rooms_distinct_viewers(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    shown = [value for (value,) in lines(page, "Funnel", (".funnel-value",))]
    truth = room(stage)
    steps = (
        "room_exposure_uv",
        "view_uv",
        "product_exposure_uv",
        "product_click_uv",
        "order_uv",
        "pay_uv",
    )
    possible = {count(truth[f"session.{step}"]) for step in steps}
    assert len(shown) in (4, 5)
    assert set(shown) <= possible
    assert shown[-1] == count(truth["session.pay_uv"])


def test_leaderboards_show_every_line_of_the_board_in_order(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    titles = {key: cast("str", cast("Fields", value)["title"]) for key, value in names().items()}
    board = stage.state[f"board:{GROUP}/products_gmv@r1"]
    expected = [
        (str(rank), titles[f"product.{line['key']}"], yuan(line["value"]))
        for rank, line in ((n, cast("Fields", board[str(n)])) for n in range(1, 9))
    ]
    assert lines(page, "Products", (".rank", ".board-name", ".board-value")) == expected
    hosts = stage.state[f"board:{GROUP}/hosts_gmv"]
    expected = [
        (str(rank), titles[f"host.{line['key']}"], yuan(line["value"]))
        for rank, line in ((n, cast("Fields", hosts[str(n)])) for n in range(1, 4))
    ]
    assert lines(page, "Hosts", (".rank", ".board-name", ".board-value")) == expected


def test_channel_shares_add_up_from_the_split(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    fields = stage.state["split:t1/r1/channel"]
    views = {
        name.rsplit(".", 1)[1]: cast("int", value)
        for name, value in fields.items()
        if name.startswith("session.view_uv.")
    }
    total = sum(views.values())
    expected = [
        (percent({"num": views[key], "den": total}, 1), count(fields[f"session.pay_uv.{key}"]))
        for key in sorted(views, key=lambda key: -views[key])
    ]
    assert lines(page, "Traffic channels", (".bar-value", ".bar-second")) == expected


def test_the_stock_table_shows_every_pool(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", role="warehouse", lang="en")).page
    shown = {
        row.locator("th").inner_text(): row.locator("td.col-available").inner_text()
        for row in page.locator("tbody tr").all()
    }
    expected = {
        cast("str", cast("Fields", names()[f"product.{code}"])["title"]): count(
            cast("Fields", pool)["available"]
        )
        for code, pool in stage.state[f"stock:{GROUP}"].items()
    }
    assert shown == expected


def test_the_cockpit_adds_rooms_up(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(lang="en")).page
    rooms = [stage.state[f"room:t1/r{n}"] for n in (1, 2, 3)]
    total = sum(cast("int", fields["session.gmv_paid"]) for fields in rooms)
    expect(page.locator(".hero-figure")).to_have_text(yuan(total))
    orders = sum(cast("int", fields["session.orders_paid"]) for fields in rooms)
    assert tile(page, "Paid orders") == count(orders)
    cards = [card.locator(".value-line").inner_text() for card in page.locator(".card").all()]
    assert cards == [yuan(fields["session.gmv_paid"]) for fields in rooms]


def test_no_data_is_a_dash_and_never_a_zero(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="en")).page
    stage.publish(
        {ROOM: {"session.aov_order": {"num": 0, "den": 0, "value": None}, "r5.aov_order": None}}
    )
    section = page.get_by_role("region", name="Average order value")
    expect(section.locator(".value-line")).to_have_text(NONE)
    stage.publish({ROOM: {"session.cvr_view": None}})
    expect(
        page.get_by_role("region", name="View-to-pay conversion").locator(".value-line")
    ).to_have_text(NONE)
    stage.script = Script(3)
    stage.publish(stage.script.state())


def test_gmv_counts_up_and_ends_exact(stage: Stage, open_page: OpenPage) -> None:
    # The page's clock stands still but for what the test lets pass, so that however seldom the
    # browser comes to draw, it draws every step.
    page = open_page(stage.url(rooms="t1/r1", lang="en"), reduced=False).page
    figure = page.locator(".hero-figure")
    before, orders = (cast("int", room(stage)[f"session.{n}"]) for n in ("gmv_paid", "orders_paid"))
    expect(figure).to_have_text(yuan(before))
    page.evaluate(HOLD_CLOCK)
    stage.publish({ROOM: {"session.gmv_paid": before + 999_999, "session.orders_paid": orders + 1}})
    # Drawn at once with the figure: this says that it has begun to count.
    tile = page.get_by_role("region", name="Paid orders", exact=True)
    expect(tile.locator(".value-line")).to_have_text(count(orders + 1))
    shown = [figure.inner_text()]
    while shown[-1] != yuan(before + 999_999):
        assert len(shown) < 100
        page.evaluate("passMs(50)")
        expect(figure).not_to_have_text(shown[-1])
        shown.append(figure.inner_text())
    figures = [int("".join(filter(str.isdigit, text))) for text in shown]
    assert figures[0] == before
    assert figures == sorted(figures)
    assert len(figures) > 5
    stage.publish({ROOM: {"session.gmv_paid": before, "session.orders_paid": orders}})


def test_terms_show_the_boards_lines_and_the_shares(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    board = stage.state[f"board:{GROUP}/terms@r1"]
    expected = [
        (str(line["key"]), count(line["value"]))
        for line in (cast("Fields", board[str(rank)]) for rank in range(1, len(board) + 1))
    ]
    assert lines(page, "Comment terms", (".term-text", ".term-count")) == expected
    truth = room(stage)
    shares = [percent(truth[f"r5.{name}"], 0) for name in ("question_share", "negative_share")]
    tile = page.get_by_role("region", name="Comment terms", exact=True)
    expect(tile.locator(".tile-extra")).to_have_text(f"ask {shares[0]} · neg {shares[1]}")


TALK = {
    "keywords": ("Keywords", "关键词", ("value", "users", "paid_minor")),
    "pairs": ("Bought together", "连带购买", ("value", "orders")),
}


def talk_line(line: Fields, fields: tuple[str, ...]) -> tuple[str, ...]:
    titles = names()
    named = [str(cast("Fields", titles[f"product.{line[side]}"])["title"])
             for side in ("a", "b") if side in line]  # fmt: skip
    figures = [yuan(line[f]) if f == "paid_minor" else count(line[f]) for f in fields]
    # The gap between the two names is the style sheet's.
    return ("+ ".join(named) or str(line["key"]), *figures)


@pytest.mark.parametrize("board", TALK)
def test_what_is_said_and_bought_together_is_on_console_and_screen(
    stage: Stage, open_page: OpenPage, board: str
) -> None:
    title, _, fields = TALK[board]
    channel = stage.state[f"board:{GROUP}/{board}@r1"]
    truth = [cast("Fields", channel[str(rank)]) for rank in range(1, len(channel) + 1)]
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    rows = page.get_by_role("region", name=title, exact=True).locator("tbody tr").all()
    shown = [
        (row.locator(".line-name").text_content(), *row.locator("td").all_inner_texts())
        for row in rows
    ]
    assert len(shown) >= 9
    assert shown == [talk_line(line, fields) for line in truth]
    page.get_by_role("button", name=title).click()
    columns = next(one for one in TALK_BOARDS if one.channel == board).columns
    for column in columns:
        expect(page.get_by_role("dialog")).to_contain_text(column.formula)
    screen = open_page(stage.url(rooms="t1/r1", lang="en")).page
    brief = [
        (row.locator(".line-name").text_content(), row.locator(".line-value").last.inner_text())
        for row in screen.get_by_role("region", name=title, exact=True).locator("li").all()
    ]
    assert brief == [talk_line(line, ("value",)) for line in truth[:4]]


def test_boards_of_talk_are_titled_by_the_catalogue(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="zh")).page
    for _, title, _ in TALK.values():
        expect(page.get_by_role("region", name=title, exact=True)).to_be_visible()


def test_the_sessions_terms_stand_in_when_nothing_was_said_lately(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    old = {"rank": 1, "key": "旧词", "value": 7, "mentions": 9, "prev_rank": None}
    recent = dict(stage.state[f"board:{GROUP}/terms@r1"])
    stage.publish({f"board:{GROUP}/terms_session@r1": {"1": old}})
    stage.publish({f"board:{GROUP}/terms@r1": dict.fromkeys(recent)})
    tile = page.get_by_role("region", name="Comment terms", exact=True)
    expect(tile.locator(".term-text")).to_have_text(["旧词"])
    stage.publish(
        {f"board:{GROUP}/terms@r1": recent, f"board:{GROUP}/terms_session@r1": {"1": None}}
    )


def test_terms_that_do_not_fit_are_left_out_as_a_whole(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url(rooms="t1/r1", lang="zh"), size=(1366, 768)).page
    channel = f"board:{GROUP}/terms@r1"
    before = dict(stage.state[channel])
    long: Fields = {
        str(rank): {"rank": rank, "key": f"很长的评论热词{rank}", "value": 9, "mentions": 9}
        for rank in range(1, 19)
    }
    stage.publish({channel: dict.fromkeys(before) | long})
    shown = page.get_by_role("region", name="评论热词", exact=True).locator(".term-text")
    expect(shown.last).to_have_text("很长的评论热词18")
    expect(shown.first).to_be_visible()
    expect(shown.last).to_be_hidden()
    assert page.evaluate(MISFITS, True) == []
    stage.publish({channel: dict.fromkeys(long) | before})


def test_the_heat_map_names_kinds_and_products(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.url("/console", rooms="t1/r1", lang="en")).page
    label = page.get_by_role("region", name="Interaction heat", exact=True).get_by_role("img")
    told = label.get_attribute("aria-label") or ""
    assert "Comment" in told or "comment" in told
    fields = stage.state["hist:t1/r1/product"]
    codes = {name.split(".", 1)[1] for name in fields}
    titles = [str(cast("Fields", names()[f"product.{code}"])["title"]) for code in codes]
    assert sum(any(title.startswith(word.strip().rstrip("…")) for title in titles)
               for word in told.split(",") if word.strip()) >= 5  # fmt: skip
