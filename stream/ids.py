"""Stable identifiers: viewer hashes at the edge, shard numbers, 64-bit keys in the core.

Nothing here depends on `PYTHONHASHSEED` or the platform, so a recording means the same on
every machine.
"""

from hashlib import blake2b

import xxhash


def hash_user(key: bytes, raw: str) -> str:
    """Hash a platform's viewer id: 16 hex digits of keyed BLAKE2b.

    Args:
        key: the deployment's secret, at most 64 bytes; longer keys are cut.
        raw: the id as the platform gives it.
    """
    return blake2b(raw.encode(), digest_size=8, key=key[:64]).hexdigest()


def shard_of(tenant: str, group: str | None, shards: int) -> int:
    """Shard of a group, in `[0, shards)`. A null group is the tenant's own."""
    name = f"{tenant}\x00{tenant if group is None else group}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % shards


def key64(*parts: str) -> int:
    """64-bit key of a tuple of ids, for sets of ids in the state (XXH3, unsigned).

    Two of n ids collide with odds n²/2⁶⁵: 4e-8 at a million, so a set of keys is exact in
    practice at an eighth of the memory of the ids.
    """
    return xxhash.xxh3_64_intdigest("\x00".join(parts).encode())
