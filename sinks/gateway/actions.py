"""What an operator does with an alert, as an event in the log of the right shard."""

import msgspec

from sinks.gateway.protocol import RpcParams
from sinks.log_async import AsyncLogWriter
from sinks.log_writer import Wait
from stream.events import MAX_ID_CHARS, MAX_TEXT_CHARS, Event
from stream.ids import hash_user, shard_of

SOURCE = "gateway"


def action_event(
    method: str, params: RpcParams, user: str, role: str, key: bytes, now_ms: int
) -> Event | str:
    """The `operator_action` event of an rpc, or what is wrong with its parameters.

    `event_id` is the rpc's id, so the engine's dedupe makes a repeat harmless.
    """
    if len(params.alert_id) > MAX_ID_CHARS:
        return f"alert_id is longer than {MAX_ID_CHARS} characters"
    if params.text is not None and len(params.text) > MAX_TEXT_CHARS // 10:
        return "text is too long"
    if method == "snooze" and (params.snooze_ms is None or params.snooze_ms <= 0):
        return "snooze_ms must be a positive number"
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
        value=params.snooze_ms if method == "snooze" else None,
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
