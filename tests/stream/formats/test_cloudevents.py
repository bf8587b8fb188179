import json

import pytest

from stream.formats.cloudevents import type_name
from stream.ids import hash_user
from tests.stream.formats.support import KEY, read

ONE: dict[str, object] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/douyin/room/77",
    "type": "com.example.live.gift.v1",
    "time": "2026-01-02T03:04:05.678+08:00",
    "tenant": "t1",
    "data": {"raw_user_id": "u1", "qty": 3, "amount_minor": 30},
}


def test_source_and_id_are_the_identity_and_the_room_comes_from_the_source() -> None:
    (event,), bad = read("cloudevents", json.dumps(ONE).encode())
    assert not bad
    assert (event.source, event.event_id, event.type) == ("/douyin/room/77", "e1", "gift")
    assert (event.tenant, event.room_id, event.qty, event.amount_minor) == ("t1", "77", 3, 30)
    assert event.user_id == hash_user(KEY, "u1")
    assert event.event_time_ms == 1_767_294_245_678


def test_batch_and_ndjson_give_the_same_events() -> None:
    two = [ONE, {**ONE, "id": "e2", "data": {"event_id": "forged", "room_id": "r"}}]
    batch, _ = read("cloudevents", json.dumps(two).encode())
    line_by_line, _ = read("cloudevents", "\n".join(map(json.dumps, two)).encode())
    pretty, _ = read("cloudevents", json.dumps(two, indent=2).encode())
    assert batch == line_by_line == pretty
    assert [event.event_id for event in batch] == ["e1", "e2"]
    assert batch[1].room_id == "r"


@pytest.mark.parametrize(
    ("ce_type", "name"),
    [
        ("gift", "gift"),
        ("com.shop.order.paid.v1", "order_paid"),
        ("com.shop.order_paid", "order_paid"),
        ("com.shop.purchase", "order_paid"),
        ("tick", None),
        ("com.shop.nothing.v2", None),
    ],
)
def test_type_names_lose_prefix_and_version(ce_type: str, name: str | None) -> None:
    assert type_name(ce_type) == name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"specversion": "0.3"}, "envelope"),
        ({"id": ""}, "envelope"),
        ({"type": "com.shop.nothing"}, "type"),
        ({"time": "2026-01-02T03:04:05"}, "time"),
        ({"time": "3000-01-02T03:04:05Z"}, "time"),
        ({"time": 5}, "time"),
        ({"data": [1]}, "data"),
        ({"data": {"qty": "three"}}, "data"),
    ],
)
def test_what_breaks_the_envelope_is_counted(change: dict[str, object], reason: str) -> None:
    events, bad = read("cloudevents", json.dumps([{**ONE, **change}, ONE]).encode())
    assert [record.reason for record in bad] == [reason]
    assert len(events) == 1


def test_a_cut_line_leaves_the_others() -> None:
    data = json.dumps(ONE) + "\n" + json.dumps(ONE)[:50] + "\n"
    events, bad = read("cloudevents", data.encode())
    assert (len(events), [record.reason for record in bad]) == (1, ["json"])
