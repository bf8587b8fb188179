"""Signed webhook messages and what an answer means. Pure.

The headers follow the Standard Webhooks convention, so that receivers can use its libraries:
`webhook-signature: v1,<base64 HMAC-SHA256 of "id.timestamp.body">`.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

import orjson

from stream.errors import ConfigError

PREFIX: Final = "whsec_"
RETRYABLE: Final = frozenset((408, 409, 425, 429))
"""Client errors that may pass; the others mean that this message will never be taken."""


class Verdict(Enum):
    """What becomes of a message."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Message:
    """One alert on its way: `id` is the same at every attempt."""

    id: str
    body: bytes


def secret_key(secret: str) -> bytes:
    """Key of a secret: base64 behind `whsec_`, else the text itself.

    Raises:
        ConfigError: behind `whsec_` stands no base64; the secret is not shown.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError("webhook_secret", "(hidden)", f"base64 behind {PREFIX}") from None


def alert_message(shard: int, channel: str, entry_id: str, seq: int, data: bytes) -> Message:
    """Message of one entry of an alert channel; `data` is its JSON object.

    `seq` counts the channel's entries without a hole: a receiver tells missing ones by it.
    """
    quoted = orjson.dumps(channel)
    body = b'{"type":"alert","channel":%b,"seq":%d,"data":%b}' % (quoted, seq, data)
    return Message(f"{shard}.{entry_id}", body)


def headers(key: bytes, message: Message, sent_s: int) -> dict[str, str]:
    """HTTP headers of a message sent at `sent_s` (seconds since 1970)."""
    return {
        "content-type": "application/json",
        "user-agent": "liveroom",
        "webhook-id": message.id,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": "v1," + sign(key, message, sent_s),
    }


def sign(key: bytes, message: Message, sent_s: int) -> str:
    """Base64 of the HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{message.id}.{sent_s}.".encode() + message.body
    return base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def judge(status: int | None, age_ms: int, max_age_ms: int) -> Verdict:
    """What an answer means.

    Args:
        status: HTTP status; None: no answer.
        age_ms: time since the first attempt.
        max_age_ms: an alert tried for longer than this is given up.
    """
    if status is not None and 200 <= status < 300:
        return Verdict.DELIVERED
    if status is not None and 300 <= status < 500 and status not in RETRYABLE:
        return Verdict.GIVE_UP
    return Verdict.GIVE_UP if age_ms > max_age_ms else Verdict.RETRY
