import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.log_batcher import MAX_ENTRY_BYTES, MAX_ENTRY_EVENTS, MAX_LINE_BYTES, Batcher
from stream.ids import shard_of

TICK = b'{"event_id":"1","source":"clock","type":"tick","event_time_ms":1}'


def line(tenant: str, group: str | None = None, extra: str = "") -> bytes:
    return orjson.dumps({"tenant": tenant, "group": group, "type": "enter", "text": extra})


def test_lines_go_to_the_shard_of_their_group_in_order() -> None:
    batcher = Batcher(4, producer="p")
    lines = [line(f"t{i % 5}", None if i % 2 else "g", str(i)) for i in range(50)]
    batcher.add_all(lines)
    assert batcher.take() == []
    for entry in batcher.flush():
        wanted = [
            raw
            for raw in lines
            if shard_of((e := orjson.loads(raw))["tenant"], e["group"], 4) == entry.shard
        ]
        assert entry.lines == b"\n".join(wanted) + b"\n"
        assert entry.producer == "p"
    assert batcher.flush() == []


def test_a_full_entry_is_handed_out_at_once() -> None:
    batcher = Batcher(1)
    batcher.add_all([line("t")] * (MAX_ENTRY_EVENTS + 1))
    (full,) = batcher.take()
    assert full.lines.count(b"\n") == MAX_ENTRY_EVENTS
    assert [entry.lines.count(b"\n") for entry in batcher.flush()] == [1]


def test_no_entry_of_several_lines_exceeds_the_bound_of_bytes() -> None:
    batcher = Batcher(1)
    batcher.add_all([line("t", None, "x" * 10_000)] * 100)
    entries = batcher.flush()
    assert len(entries) > 1
    assert all(len(entry.lines) <= MAX_ENTRY_BYTES for entry in entries)


def test_a_tick_goes_to_every_shard_after_what_came_before_it() -> None:
    batcher = Batcher(3)
    batcher.add(line("t"))
    batcher.add(TICK + b"\n")
    home = shard_of("t", None, 3)
    for entry in batcher.flush():
        wanted = line("t") + b"\n" + TICK + b"\n" if entry.shard == home else TICK + b"\n"
        assert entry.lines == wanted


def test_an_overlong_line_is_cut_but_still_recognisably_too_long() -> None:
    batcher = Batcher(2)
    batcher.add(line("t", None, "x" * 10_000_000))
    (entry,) = batcher.flush()
    assert len(entry.lines) == MAX_LINE_BYTES + 2
    assert entry.shard == shard_of("t", None, 2)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"").strip(b"\r"))))
def test_whatever_the_lines_hold_none_is_lost(lines: list[bytes]) -> None:
    batcher = Batcher(3)
    batcher.add_all(lines)
    entries = batcher.flush()
    got = sorted(raw for entry in entries for raw in entry.lines.split(b"\n") if raw)
    assert got == sorted(raw for raw in lines if raw)
