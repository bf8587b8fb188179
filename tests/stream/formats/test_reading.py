import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import ConfigError
from stream.formats import FORMATS, closing_tick_ms, read_events, with_ticks
from stream.formats.ndjson import MAX_LINE_BYTES, whole_lines
from tests.stream.formats.support import KEY, lines, shared_data

T = 1_700_000_000_000


def event(event_id: str, time_ms: int) -> bytes:
    fields = {"event_id": event_id, "source": "s", "type": "enter", "event_time_ms": time_ms}
    return json.dumps(fields).encode()


def ids(path: Path) -> list[str]:
    read = lines(read_events(path, "auto", KEY))
    return [str(line["event_id"]) for line in read if line["type"] != "tick"]


def test_every_second_with_events_gets_a_tick_before_them_and_a_closing_tick() -> None:
    out = list(with_ticks([(T + 100, b"a"), (T + 900, b"b"), (T + 5000, b"c")]))
    ticks = [json.loads(line)["event_time_ms"] for line in out if len(line) > 1]
    assert ticks == [T, T + 5000, closing_tick_ms(T + 5999)]
    assert [line for line in out if len(line) == 1] == [b"a", b"b", b"c"]
    assert len(out[0]) > 1
    assert len(out[-1]) > 1
    assert list(with_ticks([])) == []


@given(st.integers(min_value=0, max_value=10**13))
def test_the_closing_tick_passes_every_window_of_the_last_event(last_ms: int) -> None:
    end = closing_tick_ms(last_ms)
    assert end % 60_000 == 0
    assert 122_000 <= end - last_ms < 182_000


def test_a_recording_without_ticks_is_sorted_by_event_time(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    broken = b'{"event_id":"x","event_time_ms":'
    path.write_bytes(b"\n".join([event("b", T + 9000), broken, event("a", T), b"", b"junk"]))
    out = b"".join(read_events(path, "auto", KEY)).splitlines()
    assert [line for line in out if b"tick" not in line] == [
        event("a", T),
        b"junk",
        event("b", T + 9000),
        broken,
    ]


def test_a_time_out_of_bounds_does_not_move_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\n".join([event("far", 32_503_680_000_000), event("a", T)]))
    ticks = [line for line in lines(read_events(path, "ndjson", KEY)) if line["type"] == "tick"]
    assert [tick["event_time_ms"] for tick in ticks] == [T, closing_tick_ms(T + 999)]
    assert ids(path) == ["far", "a"]


def test_a_recording_with_ticks_passes_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    rows = list(with_ticks([(T, event("a", T)), (T + 1, b"\xff\x00junk")]))
    path.write_bytes(b"\n".join(rows))
    assert b"".join(read_events(path, "auto", KEY)) == b"\n".join(rows) + b"\n"
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(b"\n".join(rows))
    assert b"".join(read_events(tmp_path / "a.gz", "auto", KEY)) == b"\n".join(rows) + b"\n"


@given(st.lists(st.sampled_from([b"ab\n", b"c", b"\n", b"defg"])))
def test_blocks_are_cut_at_line_ends_and_lose_nothing(blocks: list[bytes]) -> None:
    out = list(whole_lines(blocks))
    whole = b"".join(blocks)
    assert b"".join(out) == (whole if not whole or whole.endswith(b"\n") else whole + b"\n")
    assert all(chunk.endswith(b"\n") for chunk in out)


def test_a_line_without_end_never_grows_the_buffer() -> None:
    out = list(whole_lines([b"x" * 100_000] * 50))
    assert [len(chunk) for chunk in out] == [MAX_LINE_BYTES + 2]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("uci_online_retail", "2010-12-01.csv"), "uci"),
        (("otto", "train.jsonl"), "otto"),
        (("bilibili_xml", "sample.xml"), "bilibili-xml"),
        (("doudian_push_fixtures", "Trade__TradePaidEvent.json"), "doudian"),
    ],
)
def test_recorded_files_are_recognised_by_one_format_only(
    parts: tuple[str, ...], name: str
) -> None:
    head = shared_data(*parts).read_bytes()[:65_536]
    assert [entry.name for entry in FORMATS if entry.sniff(head)] == [name]
    chunks = list(read_events(shared_data(*parts), "auto", KEY))
    assert all(chunk.count(b"\n") <= 2000 for chunk in chunks)
    times = [int(str(line["event_time_ms"])) for line in lines(chunks)]
    assert times == sorted(times)


def test_cloudevents_are_told_from_our_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    one = {"specversion": "1.0", "id": "e", "source": "s", "type": "enter"}
    path.write_text(json.dumps([{**one, "time": "2026-01-02T03:04:05Z"}]))
    assert ids(path) == ["e"]


def test_unknown_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"\x00\x01")
    with pytest.raises(ConfigError, match="format"):
        list(read_events(path, "auto", KEY))
    with pytest.raises(ConfigError, match="format"):
        list(read_events(path, "nonsense", KEY))
    with pytest.raises(ConfigError, match=r"no\.csv"):
        list(read_events(tmp_path / "no.csv", "auto", KEY))
    path.write_bytes(b"")
    assert list(read_events(path, "auto", KEY)) == []
