import pytest

from sinks.client.backoff import Window
from sinks.client.state import Broken, ChannelState

NAME = "room:t1/r1"


def state(recovered: bool = False, kind: str = "state") -> ChannelState:
    channel = ChannelState(NAME)
    channel.subscribed({"kind": kind, "recovered": recovered})
    return channel


def snap(s: int, data: object, part: int = 0, parts: int = 1, e: str = "e1") -> dict[str, object]:
    return {"type": "snap", "e": e, "s": s, "ts": 9, "part": part, "parts": parts, "data": data}


def upd(p: int, s: int, d: dict[str, object]) -> dict[str, object]:
    return {"type": "upd", "p": p, "s": s, "ts": 10, "d": d}


def test_a_snapshot_and_its_successors_make_the_state() -> None:
    channel = state()
    channel.apply(snap(5, {"a": 1, "b": 2}))
    update = channel.apply(upd(5, 7, {"a": None, "c": 3}))
    assert update is not None
    assert update.fields == {"a": None, "c": 3}
    assert channel.values == {"b": 2, "c": 3}
    assert channel.since() == {"e": "e1", "s": 7}


def test_parts_count_only_together_and_in_order() -> None:
    channel = state()
    assert channel.apply(snap(5, {"a": 1}, 0, 2)) is None
    assert channel.values == {}
    assert channel.apply(snap(5, {"b": 1}, 1, 2)) is not None
    assert channel.values == {"a": 1, "b": 1}
    assert channel.apply(snap(9, {"z": 1}, 1, 2)) is None
    assert channel.values == {"a": 1, "b": 1}


def test_a_wrong_predecessor_is_never_applied() -> None:
    channel = state()
    channel.apply(snap(5, {"a": 1}))
    with pytest.raises(Broken):
        channel.apply(upd(6, 7, {"a": 2}))
    assert channel.values == {"a": 1}
    assert channel.apply(upd(7, 8, {"a": 3})) is None
    channel.apply(snap(8, {"a": 3}))
    assert channel.values == {"a": 3}


def test_before_a_snapshot_updates_are_ignored() -> None:
    assert state().apply(upd(0, 1, {"a": 1})) is None
    assert state().since() is None


def test_a_gap_is_handed_on_and_the_old_state_kept_until_the_snapshot() -> None:
    channel = state()
    channel.apply(snap(5, {"a": 1}))
    gap = channel.apply({"type": "gap", "e": "e2", "s": 1, "reason": "epoch"})
    assert gap is not None
    assert (gap.kind, gap.lost, gap.reason) == ("gap", None, "epoch")
    assert channel.values == {"a": 1}
    channel.apply(snap(1, {"b": 1}, e="e2"))
    assert channel.values == {"b": 1}
    assert channel.gaps == 1


def test_a_resumed_log_goes_on_where_it_was() -> None:
    channel = state(kind="log")
    first = channel.apply(snap(2, [{"s": 1, "ts": 1, "data": "a"}, {"s": 2, "ts": 1, "data": "b"}]))
    assert first is not None
    assert first.entries == ("a", "b")
    channel.subscribed({"kind": "log", "recovered": True})
    event = channel.apply({"type": "evt", "p": 2, "s": 3, "ts": 2, "data": "c"})
    assert event is not None
    assert event.entries == ("c",)


@pytest.mark.parametrize(
    ("tries", "code", "delay_ms"),
    [
        (1, 4001, None),
        (5, 4099, None),
        (1, 4200, 50),
        (1, 4101, 100),
        (1, None, 100),
        (2, None, 100),
        (3, 4108, 200),
        (30, None, 2_000),
        (30, 4200, 2_000),
    ],
)
def test_the_wait_follows_the_code_and_the_window(
    tries: int, code: int | None, delay_ms: float | None
) -> None:
    window = Window(min_ms=100, max_ms=4_000, first_ms=200)
    assert window.delay_ms(tries, code, 0.5) == delay_ms


def test_the_servers_window_is_adopted() -> None:
    window = Window()
    window.adopt({"min_ms": 1, "max_ms": 2, "first_ms": [0, 3]})
    assert (window.min_ms, window.max_ms, window.first_ms) == (1, 2, 3)
