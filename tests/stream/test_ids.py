"""Identifiers that mean the same on every machine."""

import re
from collections import Counter

from stream.ids import hash_user, key64, shard_of


def test_a_viewer_hash_is_sixteen_hex_digits_of_the_key_and_the_id() -> None:
    one = hash_user(b"secret", "viewer-1")
    assert re.fullmatch(r"[0-9a-f]{16}", one)
    assert hash_user(b"secret", "viewer-1") == one
    assert hash_user(b"secret", "viewer-2") != one
    assert hash_user(b"other", "viewer-1") != one


def test_the_values_are_pinned_because_recordings_and_snapshots_hold_them() -> None:
    assert hash_user(b"key", "观众") == "c58ccf7f44332631"
    assert key64("t1", "o1") == 0x46C63187DEE608B7
    assert [shard_of(f"t{n}", None, 8) for n in range(6)] == [0, 4, 1, 1, 1, 3]


def test_a_key_longer_than_the_hash_takes_is_cut() -> None:
    long = bytes(range(70))
    assert hash_user(long, "a") == hash_user(long[:64], "a")
    assert hash_user(long[:63], "a") != hash_user(long, "a")


def test_a_null_group_is_the_tenants_own() -> None:
    assert all(shard_of(f"t{n}", None, 16) == shard_of(f"t{n}", f"t{n}", 16) for n in range(50))


def test_parts_are_told_apart_where_text_alone_would_not() -> None:
    assert len({key64("ab", "c"), key64("a", "bc"), key64("abc"), key64("abc", "")}) == 4
    assert {shard_of("ab", "c", 2**61), shard_of("a", "bc", 2**61)} != {shard_of("ab", "c", 2**61)}


def test_groups_spread_over_the_shards() -> None:
    count = Counter(shard_of(f"tenant-{n}", None, 8) for n in range(4_000))
    assert set(count) == set(range(8))
    assert max(count.values()) < 1.25 * 500


def test_keys_fit_64_bits_and_do_not_collide() -> None:
    keys = {key64("t1", str(n)) for n in range(20_000)}
    assert len(keys) == 20_000
    assert all(0 <= key < 2**64 for key in keys)
