from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from sinks.redis_client import Backoff, Link, Refusal, hide_password, refusal
from sinks.redis_server import RedisServer
from stream.errors import ConfigError, SinkError
from tests.support.redis_server import StartRedis
from tests.support.tls_redis import tls_redis


@pytest.mark.parametrize(
    "url",
    ["http://h", "h:6379", "redis://h:port", "redis://h?socket_timeout=x", "", "redis://h?no=1"],
)
def test_an_unusable_address_is_a_setting_error(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Link(url)
    assert caught.value.setting == "redis_url"


def test_a_password_is_never_shown() -> None:
    assert hide_password("redis://user:secret@h:1/0") == "redis://user:***@h:1/0"
    assert hide_password("redis://h:1/0") == "redis://h:1/0"
    with pytest.raises(ConfigError) as broken:
        Link("redis://user:secret@h:1/0?no=1")
    link = Link("redis://user:secret@127.0.0.1:1/0")
    with pytest.raises(SinkError) as away:
        link.call("PING")
    link.close()
    assert "secret" not in str(broken.value) + str(away.value)


def test_delays_grow_to_the_cap_and_stay_in_their_upper_half() -> None:
    backoff = Backoff(base_ms=100, cap_ms=1_000)
    assert [backoff.delay_ms(n, roll=0.0) for n in (1, 2, 3, 4, 5, 99)] == [
        50, 100, 200, 400, 500, 500
    ]  # fmt: skip
    assert backoff.delay_ms(2, roll=0.999) < 200
    assert all(50 <= backoff.delay_ms(1) <= 100 for _ in range(100))


@pytest.mark.parametrize(
    ("text", "kind", "may_pass"),
    [
        ("OOM command not allowed", "OOM", True),
        ("Error running script (call to f_1): @user_script:1: -OOM command x", "OOM", True),
        ("@user_script: 31: -OOM command not allowed when used memory", "OOM", True),
        ("LOADING Redis is loading", "LOADING", True),
        ("BUSY Redis is busy running a script", "BUSY", True),
        ("WRONGTYPE Operation", "WRONGTYPE", False),
        ("MOVED 1 127.0.0.1:7000", "MOVED", False),
        ("Error running script (call to f_1): user_script:1: oops", "Error", False),
    ],
)
def test_refusals_are_named_by_their_first_or_inner_word(
    text: str, kind: str, may_pass: bool
) -> None:
    found = refusal(ResponseError(text))
    assert (found.kind, found.may_pass) == (kind, may_pass)


def test_a_cluster_is_said_to_be_one() -> None:
    assert "not supported" in refusal(ResponseError("MOVED 1 127.0.0.1:7000")).text


def test_one_refused_command_leaves_the_others_their_replies(link: Link) -> None:
    replies = link.run([("SET", "k", "v"), ("INCR", "k"), ("GET", "k")])
    assert replies[0] == b"OK" and isinstance(replies[1], Refusal) and replies[2] == b"v"
    assert link.run([]) == []


def test_large_arguments_arrive_whole_among_small_ones(link: Link) -> None:
    big = bytes(range(256)) * 400
    replies = link.run(
        [("SET", "a", big), ("SET", "n", 7), ("SET", "é", big[:8_192]), ("APPEND", "a", "é\r\n")]
    )
    assert replies[:3] == [b"OK"] * 3
    assert link.run([("GET", "a"), ("GET", "n"), ("GET", "é")]) == [
        big + "é\r\n".encode(),
        b"7",
        big[:8_192],
    ]


def test_a_link_connects_again_as_often_as_it_must(redis_server: RedisServer) -> None:
    link = Link(redis_server.url)
    for _ in range(250):
        assert link.call("PING") == b"PONG"
        link.drop()
    link.close()


def test_an_acl_user_in_the_address_is_used(start_redis: StartRedis) -> None:
    server = start_redis()
    admin = Link(server.url)
    admin.call("ACL", "SETUSER", "engine", "on", ">s3cr3t", "~{*", "+@all")
    user = Link(server.url.replace("127.0.0.1", "engine:s3cr3t@127.0.0.1"))
    assert user.call("ACL", "WHOAMI") == b"engine"
    with pytest.raises(SinkError, match="NOPERM") as denied:
        user.call("SET", "other", "x")
    assert denied.value.retry_after_ms is None
    wrong = Link(server.url.replace("127.0.0.1", "engine:wrong@127.0.0.1"))
    with pytest.raises(SinkError) as refused:
        wrong.call("PING")
    assert refused.value.retry_after_ms is None, "a wrong password does not get right by itself"
    for one in (admin, user, wrong):
        one.close()


def test_tls_checks_the_certificate(tmp_path: Path) -> None:
    with tls_redis(tmp_path) as redis:
        trusting = Link(redis.url())
        assert trusting.call("PING") == b"PONG"
        trusting.close()
        stranger = Link(f"rediss://127.0.0.1:{redis.port}/0")
        with pytest.raises(SinkError):
            stranger.call("PING")
        stranger.close()
