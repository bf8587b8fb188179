"""What an operator does with an alert, as an event in the log of the right shard."""

from typing import Final

import msgspec

from sinks.gateway.protocol import RpcParams
from sinks.log_async import AsyncLogWriter
from sinks.log_writer import Wait
from stream.events import MAX_ID_CHARS, MAX_TEXT_CHARS, Event
from stream.ids import hash_user, shard_of

SOURCE: Final = "gateway"
MAX_SNOOZE_MS: Final = 86_400_000


def action_event(
    method: str, params: RpcParams, user: str, role: str, key: bytes, now_ms: int
) -> Event | str:
    """The `operator_action` event of an rpc, or what is wrong with its parameters.

    `event_id` is the rpc's id, so the engine's dedupe makes a repeat harmless. `value` of a
    snooze is in whole seconds, as the rules take it; None is the rule file's `snooze_s`.
    """
    if len(params.alert_id) > MAX_ID_CHARS:
        return f"alert_id is longer than {MAX_ID_CHARS} characters"
    if params.text is not None and len(params.text) > MAX_TEXT_CHARS // 10:
        return "text is too long"
    snooze_s = None
    if method == "snooze" and params.snooze_ms is not None:
        if not 0 < params.snooze_ms <= MAX_SNOOZE_MS:
            return f"snooze_ms must be 1 to {MAX_SNOOZE_MS}"
        snooze_s = -(-params.snooze_ms // 1_000)
    return Event(
        event_id=params.id,
        source=SOURCE,
        type="operator_action",
        event_time_ms=now_ms,
        recv_time_ms=now_ms,
        tenant=params.tenant,
        group=params.group,
        room_id=None,
        user_id=hash_user(key, user),
        target_id=params.alert_id,
        status=method,
        value=snooze_s,
        text=params.text,
        role=role,
    )


class Actions:
    """Appends actions to the log; answered only when they stand in it."""

    def __init__(self, writer: AsyncLogWriter) -> None:
        self._writer = writer

    async def append(self, event: Event) -> int | None:
        """Append one event; None when it is in the log, else milliseconds to wait.

        Raises:
            SinkError: Redis is out of reach; appending again is safe.
        """
        shard = shard_of(event.tenant or "", event.group, self._writer.shards)
        line = msgspec.json.encode(event) + b"\n"
        result = await self._writer.append(shard, line, producer=SOURCE)
        return result.retry_ms if isinstance(result, Wait) else None
