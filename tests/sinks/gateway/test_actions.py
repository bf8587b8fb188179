import msgspec
import pytest

from operators.rules.answers import answer_of
from sinks.gateway.actions import MAX_SNOOZE_MS, action_event
from sinks.gateway.protocol import RPC_METHODS, RpcParams
from stream.events import Event

KEY = b"k" * 32


def made(method: str, **changes: object) -> Event | str:
    body = {"id": "a-1", "tenant": "t1", "alert_id": "t1/r1/rule/x@5"} | changes
    params = msgspec.convert(body, RpcParams)
    return action_event(method, params, "ann", "operator", KEY, 1_700_000_000_000)


@pytest.mark.parametrize("method", RPC_METHODS)
def test_the_rules_understand_every_method(method: str) -> None:
    event = made(method)
    assert isinstance(event, Event)
    answer = answer_of(event)
    assert answer is not None
    assert (answer.status, answer.alert_id, answer.actor) == (method, "t1/r1/rule/x@5", "operator")


@pytest.mark.parametrize(("asked_ms", "seconds"), [(None, None), (1, 1), (60_000, 60), (1_001, 2)])
def test_a_snooze_is_told_in_the_rules_seconds(asked_ms: int | None, seconds: int | None) -> None:
    event = made("snooze", snooze_ms=asked_ms)
    assert isinstance(event, Event)
    assert event.value == seconds


@pytest.mark.parametrize(
    "changes",
    [
        {"snooze_ms": 0},
        {"snooze_ms": MAX_SNOOZE_MS + 1},
        {"alert_id": "t1/" + "x" * 200},
        {"text": "x" * 2_000},
    ],
)
def test_what_the_log_would_refuse_is_told_to_the_caller(changes: dict[str, object]) -> None:
    assert isinstance(made("snooze", **changes), str)


def test_the_user_is_hashed_before_it_is_written() -> None:
    event = made("ack")
    assert isinstance(event, Event)
    assert event.user_id is not None
    assert "ann" not in event.user_id
    assert len(event.user_id) == 16
