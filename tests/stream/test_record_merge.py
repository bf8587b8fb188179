import json

from hypothesis import given
from hypothesis import strategies as st

from stream.formats import closing_tick_ms, tick_line
from stream.record_merge import PATIENCE_MS, Merge

T = 1_700_000_000_000


def event(name: str, time_ms: int = T) -> bytes:
    return json.dumps({"event_id": name, "type": "enter", "event_time_ms": time_ms}).encode()


def clocks(lines: list[bytes]) -> dict[str, int | None]:
    """Each event's last tick before it."""
    now: int | None = None
    seen: dict[str, int | None] = {}
    for line in lines:
        fields = json.loads(line)
        if fields.get("type") == "tick":
            now = fields["event_time_ms"]
        else:
            seen[fields["event_id"]] = now
    return seen


shards = st.lists(
    st.lists(st.one_of(st.none(), st.integers(0, 1)), max_size=12), min_size=1, max_size=4
)


@given(shards)
def test_every_event_keeps_its_own_clock_and_order(plan: list[list[int | None]]) -> None:
    logs: list[list[bytes]] = []
    for number, steps in enumerate(plan):
        tick_ms, log = T, [tick_line(T)]
        for place, step in enumerate(steps):
            if step is None:
                tick_ms += 1000
                log.append(tick_line(tick_ms))
            else:
                log.append(event(f"{number}.{place}"))
        logs.append(log)
    merge = Merge(len(logs), 0)
    out: list[bytes] = []
    for round_ in range(max(map(len, logs))):
        for number, log in enumerate(logs):
            if round_ < len(log):
                merge.push(number, log[round_] + b"\n", 0)
        out += merge.drain(0)
    out += merge.finish()
    merged = clocks(out)
    for number, log in enumerate(logs):
        own = clocks(log)
        assert own == {name: merged[name] for name in own}
        order = [name for name in merged if name.startswith(f"{number}.")]
        assert order == list(own)
    ticks = [json.loads(line)["event_time_ms"] for line in out if b'"tick"' in line]
    assert ticks == sorted(set(ticks))
    assert len(out) - len(ticks) == sum(len(clocks(log)) for log in logs)


def test_a_silent_shard_is_waited_for_and_then_no_more() -> None:
    merge = Merge(2, 0)
    merge.push(0, b"\n".join([tick_line(T), event("a"), tick_line(T + 1000)]), 1)
    assert merge.drain(PATIENCE_MS - 1) == []
    assert merge.drain(PATIENCE_MS) == [tick_line(T), event("a")]


def test_what_came_before_the_first_tick_stays_before_it() -> None:
    merge = Merge(2, 0)
    merge.push(0, b"\n".join([event("early"), tick_line(T), event("a")]), 0)
    merge.push(1, b"\n".join([tick_line(T), b"junk", event("b")]), 0)
    lines = merge.finish()
    assert lines[:2] == [event("early"), tick_line(T)]
    assert lines[2:5] == [event("a"), b"junk", event("b")]


def test_the_recording_ends_with_a_closing_tick_once() -> None:
    merge = Merge(1, 0)
    merge.push(0, b"\n".join([tick_line(T), event("a", T + 5), event("far", T * 2)]), 0)
    first = merge.finish()
    assert first[-1] == tick_line(closing_tick_ms(T + 5))
    again = Merge(1, 0)
    again.push(0, b"\n".join([tick_line(T), event("a"), tick_line(closing_tick_ms(T))]), 0)
    assert again.finish()[-1] == tick_line(closing_tick_ms(T))
    later = Merge(1, 0)
    later.push(0, b"\n".join([tick_line(T), event("a"), tick_line(T + 10**6)]), 0)
    assert later.finish()[-1] == tick_line(T + 10**6)


def test_nothing_recorded_is_nothing_written() -> None:
    assert Merge(3, 0).finish() == []
