"""Shapes of Redis replies (protocol 2)."""

from sinks.redis_client import Refusal, Reply


def pairs(reply: Reply | Refusal) -> dict[bytes, bytes]:
    """Flat `[name, value, ...]` as a dict; values that are no text are left out."""
    if not isinstance(reply, list):
        return {}
    return {
        name: value
        for name, value in zip(reply[::2], reply[1::2], strict=True)
        if isinstance(name, bytes) and isinstance(value, bytes)
    }
