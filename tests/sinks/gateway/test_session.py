import json
import time
from typing import Any

import pytest

from sinks.gateway.auth import Claims, Denied, mint_token, verify_token
from sinks.gateway.limits import Limits
from sinks.gateway.protocol import Since
from sinks.gateway.session import (
    Accept,
    Act,
    Close,
    Effect,
    ListChannels,
    Now,
    Refresh,
    Reply,
    Session,
    Subscribe,
    Unsubscribe,
    Wind,
)
from tests.sinks.gateway.support import Settings
from tests.sinks.gateway.test_protocol import payload

SETTINGS = Settings(None)
WALL_MS = time.time_ns() // 1_000_000
START = Now(0.0, WALL_MS)


def verify(token: str) -> Claims | Denied:
    return verify_token(SETTINGS, token)


def session(limits: Limits | None = None) -> Session:
    return Session(limits or Limits(), verify, START)


def say(target: Session, at_s: float = 0.0, **fields: Any) -> list[Effect]:
    return target.receive(json.dumps(fields), Now(at_s, WALL_MS + int(at_s * 1_000)))


def opened(limits: Limits | None = None, role: str = "operator", **token: Any) -> Session:
    target = session(limits)
    effects = say(target, type="connect", id=1, token=SETTINGS.token(role, **token))
    assert isinstance(effects[0], Accept)
    return target


def error(effects: list[Effect]) -> object:
    assert isinstance(effects[0], Reply)
    return payload(effects[0].frame).get("name")


def test_nothing_is_served_before_connect() -> None:
    assert say(session(), type="sub", id=1, ch="room:t1/r1") == [Close("bad_frame")]
    assert say(session(), type="list", id=1) == [Close("bad_frame")]


@pytest.mark.parametrize(
    ("token", "name"), [("rubbish", "bad_token"), (SETTINGS.token(ttl_s=1), "token_expired")]
)
def test_a_bad_token_is_answered_and_closed(token: str, name: str) -> None:
    def expired(text: str) -> Claims | Denied:
        return Denied("token_expired", "") if text != "rubbish" else verify(text)

    target = Session(Limits(), expired, START)
    effects = say(target, type="connect", id=1, token=token)
    assert isinstance(effects[0], Reply)
    assert effects[1] == Close(name)


def test_connect_comes_once_and_in_time() -> None:
    assert say(opened(), type="connect", id=2, token=SETTINGS.token()) == [Close("bad_frame")]
    target = session(Limits(connect_timeout_s=5))
    assert target.tick(Now(5.0, WALL_MS)) == []
    assert target.tick(Now(5.1, WALL_MS)) == [Close("connect_timeout")]


def test_a_subscription_carries_its_rate_class_and_its_place() -> None:
    target = opened()
    effects = say(target, type="sub", id=2, ch="room:t1/r1", since={"e": "x", "s": 5}, rate_ms=150)
    assert effects == [Subscribe(2, "room:t1/r1", Since("x", 5), 200)]
    assert error(say(target, type="sub", id=3, ch="room:t1/r1")) == "already_subscribed"
    assert say(target, type="resync", id=4, ch="room:t1/r1") == [Refresh(4, "room:t1/r1")]
    assert say(target, type="unsub", id=5, ch="room:t1/r1") == [Unsubscribe(5, "room:t1/r1")]
    assert error(say(target, type="unsub", id=6, ch="room:t1/r1")) == "not_subscribed"
    assert error(say(target, type="resync", id=7, ch="room:t1/r1")) == "not_subscribed"


def test_many_subscriptions_are_judged_one_by_one() -> None:
    names = ["room:t1/r1", "room:t2/r1", "nope:t1/r1", "stock:t1/t1"]
    subs = [{"ch": name} for name in names]
    effects = say(opened(), type="sub_many", id=2, subs=subs)
    assert isinstance(effects[0], Subscribe)
    assert error(effects[1:]) == "forbidden"
    assert error(effects[2:]) == "unknown_channel"
    assert isinstance(effects[3], Subscribe)


def test_the_number_of_channels_is_limited() -> None:
    target = opened(Limits(max_channels=2))
    for number in range(2):
        assert isinstance(say(target, type="sub", id=2, ch=f"room:t1/r{number}")[0], Subscribe)
    assert error(say(target, type="sub", id=3, ch="room:t1/r9")) == "limit"
    subs = [{"ch": "room:t1/x"}] * 3
    assert error(say(target, type="sub_many", id=4, subs=subs)) == "limit"


def test_floods_are_answered_then_closed() -> None:
    target = opened(Limits(commands_per_s=1, command_burst=3, strikes=2))
    answers = [say(target, type="ping", id=number) for number in range(6)]
    assert error(answers[2]) == "too_many_requests"
    assert error(answers[3]) == "too_many_requests"
    assert answers[4] == [Close("abuse")]


def test_binary_and_unreadable_messages_close() -> None:
    assert opened().receive(b"\x00", START) == [Close("bad_frame")]
    assert opened().receive("[1]", START) == [Close("bad_frame")]
    assert error(opened().receive('{"type":"what","id":4}', START)) == "bad_request"


def test_silence_is_pinged_and_then_closed() -> None:
    target = opened(Limits(ping_s=25, pong_s=20))
    assert target.tick(Now(24.0, WALL_MS)) == []
    ping = target.tick(Now(25.0, WALL_MS))[0]
    assert isinstance(ping, Reply)
    assert payload(ping.frame) == {"type": "ping", "t": WALL_MS}
    assert target.tick(Now(26.0, WALL_MS)) == []
    assert say(target, 30.0, type="pong", t=1) == []
    assert target.tick(Now(50.0, WALL_MS)) == []
    assert target.tick(Now(76.0, WALL_MS)) == [Close("no_pong")]


def test_a_token_that_runs_out_closes_unless_it_was_refreshed() -> None:
    target = opened(ttl_s=60)
    assert target.claims is not None
    late = Now(20.0, target.claims.exp * 1_000)
    assert target.tick(late) == [Close("token_expired")]
    answer = say(target, type="auth", id=2, token=SETTINGS.token(ttl_s=600))[0]
    assert isinstance(answer, Reply)
    assert target.tick(late) == []


def test_a_refresh_may_narrow_but_not_change_the_user() -> None:
    target = opened()
    say(target, type="sub", id=2, ch="room:t1/r1")
    say(target, type="sub", id=3, ch="stock:t1/t1")
    assert error(say(target, type="auth", id=4, token=SETTINGS.token(user="eve"))) == "forbidden"
    assert error(say(target, type="auth", id=5, token="rubbish")) == "unauthorized"
    narrow = mint_token(SETTINGS, ["t1"], ["r1"], "operator", 600)
    effects = say(target, type="auth", id=6, token=narrow)
    assert effects[1] == Unsubscribe(6, "stock:t1/t1")
    assert target.channels == {"room:t1/r1"}


ALERT = {"id": "a-1", "tenant": "t1", "alert_id": "t1/r1/rule/x@5"}


def test_an_action_needs_its_scope_and_its_own_tenants_alert() -> None:
    effects = say(opened(), type="rpc", id=2, method="ack", params=ALERT)
    assert isinstance(effects[0], Act)
    assert effects[0].user == "local"
    screen = opened(role="screen")
    assert error(say(screen, type="rpc", id=2, method="ack", params=ALERT)) == "forbidden"
    other = ALERT | {"tenant": "t2", "alert_id": "t2/r1/rule/x@5"}
    assert error(say(opened(), type="rpc", id=2, method="ack", params=other)) == "forbidden"
    smuggled = ALERT | {"alert_id": "t2/r1/rule/x@5"}
    assert error(say(opened(), type="rpc", id=2, method="ack", params=smuggled)) == "forbidden"
    assert error(say(opened(), type="rpc", id=2, method="drop", params=ALERT)) == "unknown_method"
    empty = ALERT | {"id": ""}
    assert error(say(opened(), type="rpc", id=2, method="ack", params=empty)) == "bad_request"


def test_a_list_carries_the_claims_it_is_limited_by() -> None:
    effects = say(opened(), type="list", id=2, kind="room")
    assert isinstance(effects[0], ListChannels)
    assert effects[0].kind == "room"
    assert effects[0].claims.tenants == ["t1"]


def test_a_replay_is_steered_with_a_scope_of_its_own() -> None:
    order: dict[str, Any] = {"type": "steer", "id": 7, "do": "seek", "to_ms": 60_000}
    for role in ("operator", "analyst"):
        assert error(say(opened(role=role), **order)) == "forbidden"
    (effect,) = say(opened(role="screen", steer=True), **order)
    assert isinstance(effect, Wind)
    assert (effect.order.do, effect.order.to_ms) == ("seek", 60_000)
    assert error(say(opened(steer=True), **(order | {"do": "eject"}))) == "bad_request"
