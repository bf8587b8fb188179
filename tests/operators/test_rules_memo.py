"""What is remembered of orders for some hours."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.rules.memo import FRESH, HOUR_MS, HOURS, Memo


@given(st.integers(0, 2**32), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_the_last_text_of_a_key_stands(seed: int, often: int) -> None:
    memo, plain = Memo(), dict[str, str]()
    for number in range(FRESH * 3):
        key, text = f"k{(number * often) ^ (seed & 1_023)}", f"t{(number + seed) % 7}"
        memo.put(key, text, (number // 600) * HOUR_MS)
        plain[key] = text
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(memo), type=Memo)
    for key, text in plain.items():
        assert memo.get(key) == again.get(key) == text
    assert memo.get("nobody") == ""


def test_things_go_with_their_hour_whether_they_are_packed_or_not() -> None:
    memo = Memo()
    for number in range(FRESH + 10):
        memo.put(f"k{number}", "r1", number % 2 * HOUR_MS)
    memo.forget(HOURS * HOUR_MS)
    assert memo.get("k0") == memo.get(f"k{FRESH}") == "r1"
    memo.forget((HOURS + 1) * HOUR_MS)
    assert memo.get("k0") == memo.get(f"k{FRESH}") == ""
    assert memo.get("k1") == memo.get(f"k{FRESH + 1}") == "r1"
    memo.forget((HOURS + 2) * HOUR_MS)
    assert memo.get("k1") == memo.get(f"k{FRESH + 1}") == ""


@pytest.mark.parametrize(("texts", "bytes_each"), [(9, 9), (300, 10), (70_000, 12)])
def test_a_thing_takes_nine_bytes_and_more_of_many_texts(texts: int, bytes_each: int) -> None:
    memo = Memo()
    count = FRESH * (20 if texts < FRESH else 160)
    for number in range(count):
        memo.put(f"order-{number}", f"room {number % texts}", number)
    assert not memo.fresh
    assert sum(len(run.keys) + len(run.codes) for run in memo.runs) <= count * bytes_each
    for number in (0, 255, 256, 5_000, count - 1):
        assert memo.get(f"order-{number}") == f"room {number % texts}"
