"""Behaviour tags: against plain sets, in any order and batches; sealed sessions, masked viewers."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.shard import Record
from operators.snapshot import freeze, thaw
from operators.tags import STEP, TAGS, Tags
from stream.events import TYPE_CODE
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings
from tests.operators.one_room import event, play, tick, ticks

DEEPEST_FIRST = (
    ("viewers_buyer", {"order_paid"}),
    ("viewers_carter", {"add_to_cart"}),
    ("viewers_clicker", {"product_click"}),
    (
        "viewers_browser",
        {"product_exposure", "comment", "like", "share", "follow", "gift", "fans_join"},
    ),
    ("viewers_silent", {"enter"}),
)
KINDS = sorted({"order_created", *(name for _, names in DEEPEST_FIRST for name in names)})
DONE = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4), st.sampled_from(KINDS)), max_size=60
)
HOUR_S = 3_600


def expected(done: list[tuple[int, int, str]], session: int) -> dict[str, int]:
    counts = dict.fromkeys(TAGS, 0)
    for viewer in range(5):
        kinds = {kind for s, v, kind in done if (s, v) == (session, viewer)}
        if "enter" in kinds:
            counts[next(tag for tag, names in DEEPEST_FIRST if names & kinds)] += 1
    return counts


def told(tags: Tags, sessions: int = 3) -> list[dict[str, int]]:
    return [
        dict(zip(TAGS, counts, strict=True)) for counts in tags.read(np.arange(sessions)).tolist()
    ]


def seen(tags: Tags, done: list[tuple[int, int, str]], batch: int) -> Tags:
    for start in range(0, len(done), batch):
        part = done[start : start + batch]
        sessions = np.array([session for session, _, _ in part])
        viewers = np.array([viewer for _, viewer, _ in part])
        steps = STEP[[TYPE_CODE[kind] for _, _, kind in part]]
        tags.see(sessions, viewers, steps)
    return tags


@given(DONE, st.randoms(), st.integers(1, 60))
def test_the_deepest_step_counts_in_any_order_and_batches(
    done: list[tuple[int, int, str]], random: Random, batch: int
) -> None:
    shuffled = sorted(done + done[:9], key=lambda _: random.random())
    tags = seen(Tags(), shuffled, batch)
    assert told(tags) == [expected(done, session) for session in range(3)]


@given(DONE, DONE)
def test_other_viewer_numbers_change_nothing(
    done: list[tuple[int, int, str]], more: list[tuple[int, int, str]]
) -> None:
    tags = seen(Tags(), done, 7)
    alive = np.zeros(5, np.bool_)
    tags.mark_viewers(alive)
    assert set(np.flatnonzero(alive).tolist()) == {viewer for _, viewer, _ in done}
    numbers = np.array([4, 3, 2, 1, 0])
    tags.renumber_viewers(numbers)
    seen(tags, [(session, int(numbers[viewer]), kind) for session, viewer, kind in more], 7)
    assert told(tags) == [expected(done + more, session) for session in range(3)]


def test_of_sealed_sessions_only_orders_to_be_paid_are_kept() -> None:
    done = [
        *((0, viewer, "enter") for viewer in range(4)),
        (0, 0, "order_created"),
        (0, 1, "order_created"),
        (0, 1, "order_paid"),
        (0, 2, "product_click"),
        (1, 2, "enter"),
    ]
    tags = seen(Tags(), done, 9)
    tags.release(np.array([True, False, False]))
    assert tags.index.count == 2
    seen(tags, [(0, 0, "order_paid"), (0, 1, "order_paid"), (1, 2, "add_to_cart")], 9)
    everything = [*done, (0, 0, "order_paid"), (1, 2, "add_to_cart")]
    assert told(tags, 2) == [expected(everything, 0), expected(everything, 1)]


def order(kind: str, at_ms: int, number: int, user: int, **more: object) -> bytes:
    return event(kind, at_ms, number, user, order_id=f"o{user}", amount_minor=100, **more)


LOG = [
    tick(0),
    event("room_status", 100, 1, status="start"),
    *(event("enter", 200 + user, 10 + user, user) for user in range(1, 7)),
    event("heartbeat", 300, 20, 1),
    event("gift", 310, 21, 2),
    event("comment", 320, 22, 3, text="hi"),
    event("product_click", 330, 23, 3, product_id="p1"),
    event("add_to_cart", 340, 24, 4, product_id="p1"),
    event("product_click", 350, 25, 4, product_id="p1"),
    order("order_created", 360, 26, 5),
    order("order_paid", 370, 27, 6),
    order("order_paid", 380, 28, 7),
    *ticks(1, 20),
    event("room_status", 20_000, 2, status="end"),
]
SILENT, BROWSER, CLICKER, CARTER, BUYER = TAGS


def tags_of(lines: list[bytes]) -> list[dict[str, object]]:
    rows = play(lines).metrics("session")
    found = []
    for row in rows:
        metrics = row["metrics"]
        assert isinstance(metrics, dict)
        found.append({name: metrics[name] for name in (*TAGS, "view_uv", "pay_uv")})
    return found


def test_each_viewer_with_an_enter_has_one_tag_and_a_later_payment_moves_it() -> None:
    paid_later = order("order_paid", HOUR_S * 1000, 30, 5, room_id="null")
    closed = [*LOG, *ticks(21, 400)]
    late = [*closed, tick(HOUR_S * 1000), paid_later, *ticks(HOUR_S + 1, HOUR_S + 90)]
    first, last = tags_of(late)
    want: dict[str, object] = {SILENT: 2, BROWSER: 1, CLICKER: 1, CARTER: 1, BUYER: 1}
    assert first == want | {"view_uv": 6, "pay_uv": 2}
    assert last == {**want, SILENT: 1, BUYER: 2, "view_uv": 6, "pay_uv": 3}


def test_a_masked_viewer_leaves_all_five_null_with_the_reason() -> None:
    masked = event("like", 400, 40, 9, identity="masked")
    (row,) = play([*LOG, masked, *ticks(21, 60)]).metrics("session")
    metrics, nulls = row["metrics"], row["nulls"]
    assert isinstance(metrics, dict)
    assert isinstance(nulls, dict)
    assert [metrics[name] for name in TAGS] == [None] * 5
    assert {nulls[name] for name in TAGS} == {"masked_identity"}
    assert metrics["view_uv"] == 6


def test_a_frozen_shard_goes_on_with_the_tags_it_had() -> None:
    rest = ticks(21, 60)
    shard = make_shard(0, Settings())
    shard.step([Record(version_of(1), 0, b"".join(LOG[:12]))])
    fresh = make_shard(0, Settings())
    thaw(fresh, freeze(shard))
    outputs = fresh.step([Record(version_of(2), 0, b"".join([*LOG[12:], *rest]))])
    rows = [row for output in outputs for row in output.rows if row.kind == "metric"]
    (got,) = (row.body["metrics"] for row in rows if (row.window, row.key) == ("session", None))
    assert isinstance(got, dict)
    (want,) = tags_of([*LOG, *rest])
    assert {name: got[name] for name in want} == want
