import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sinks.redis_client import Backoff, Link
from sinks.redis_reply import pairs
from sinks.redis_server import RedisServer
from sinks.redis_sink import RedisSink
from sinks.webhook import HttpPost, Webhook
from sinks.webhook_sign import Message, Verdict, alert_message, headers, judge, secret_key
from stream.errors import ConfigError
from tests.sinks.outputs import ALERTS, output

SECRET = "a secret of sixteen"
QUICK = Backoff(base_ms=5, cap_ms=20)
DEADLINE_S = 60.0


class Receiver(ThreadingHTTPServer):
    """A real HTTP server that answers as told and keeps what it took."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.attempts = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    @property
    def alerts(self) -> list[int]:
        return [json.loads(body)["data"]["alert"] for _, body in self.taken]

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.attempts += 1
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status < 300:
            found = {name.lower(): value for name, value in self.headers.items()}
            self.server.taken.append((found, body))
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def sink(redis_server: RedisServer) -> Iterator[RedisSink]:
    sink = RedisSink(redis_server.url, 0)
    sink.claim()
    yield sink
    sink.close()


def hook(server: RedisServer, receiver: Receiver) -> Webhook:
    return Webhook(server.url, [0], HttpPost(receiver.url), SECRET, backoff=QUICK)


def deliver_until(webhook: Webhook, receiver: Receiver, count: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while len(receiver.taken) < count:
        assert time.monotonic() < deadline, f"{len(receiver.taken)} of {count} came"
        webhook.deliver()


def totals(link: Link) -> tuple[bytes, bytes]:
    found = pairs(link.call("HGETALL", "{0}:hook:default"))
    return found[b"_delivered"], found[b"_given_up"]


def test_alerts_are_posted_in_order_and_once_while_all_is_well(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink, link: Link
) -> None:
    webhook = hook(redis_server, receiver)
    assert webhook.deliver() == 0
    for n in range(1, 251):
        sink.write([output(n, {"a": n}, alerts=(n,))])
    assert webhook.deliver() == 250
    assert webhook.deliver() == 0
    assert receiver.alerts == list(range(1, 251))
    assert [json.loads(body)["seq"] for _, body in receiver.taken] == list(range(1, 251))
    assert totals(link) == (b"250", b"0")
    webhook.close()


def test_the_signature_is_that_of_standard_webhooks(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink
) -> None:
    webhook = hook(redis_server, receiver)
    webhook.deliver()
    sink.write([output(1, alerts=(7,))])
    webhook.deliver()
    ((found, body),) = receiver.taken
    assert json.loads(body) == {
        "type": "alert",
        "channel": ALERTS,
        "seq": 1,
        "data": {"alert": 7},
    }
    signed = f"{found['webhook-id']}.{found['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
    assert found["webhook-signature"] == f"v1,{wanted}"
    webhook.close()


def test_a_receiver_that_fails_gets_the_same_alert_again_and_the_order_is_kept(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink, link: Link
) -> None:
    webhook = hook(redis_server, receiver)
    webhook.deliver()
    sink.write([output(1, alerts=(1, 2, 3))])
    receiver.answers = [500, 429, 503]
    deliver_until(webhook, receiver, 3)
    assert receiver.alerts == [1, 2, 3]
    assert receiver.attempts == 6
    assert webhook.healthy
    assert totals(link) == (b"3", b"0")
    webhook.close()


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_an_alert_that_will_never_be_taken_is_given_up_and_counted(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink, link: Link, status: int
) -> None:
    webhook = hook(redis_server, receiver)
    webhook.deliver()
    sink.write([output(1, alerts=(1, 2))])
    receiver.answers = [status]
    webhook.deliver()
    assert receiver.alerts == [2]
    assert receiver.attempts == 2, "a redirect is not followed"
    assert totals(link) == (b"1", b"1")
    webhook.close()


def test_what_was_raised_while_we_were_down_is_posted_after_a_restart(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink
) -> None:
    first = hook(redis_server, receiver)
    first.deliver()
    sink.write([output(1, alerts=(1, 2))])
    receiver.answers = [204, 500]
    first.deliver()
    first.close()
    sink.write([output(2, alerts=(3,))])
    second = hook(redis_server, receiver)
    second.deliver()
    assert receiver.alerts == [1, 2, 3]
    second.close()


def test_the_very_first_start_does_not_post_old_alerts(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink
) -> None:
    sink.write([output(1, alerts=(1,))])
    webhook = hook(redis_server, receiver)
    webhook.deliver()
    sink.write([output(2, alerts=(2,))])
    webhook.deliver()
    assert receiver.alerts == [2]
    webhook.close()


def test_alerts_after_a_flushed_redis_are_posted(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink, link: Link
) -> None:
    webhook = hook(redis_server, receiver)
    webhook.deliver()
    link.call("FLUSHALL")
    assert sink.write([output(1, alerts=(1,))]).lost_state
    sink.new_epoch()
    sink.write()
    webhook.deliver()
    assert receiver.alerts == [1]
    webhook.close()


def test_it_runs_in_the_background_until_told_to_stop(
    redis_server: RedisServer, receiver: Receiver, sink: RedisSink, link: Link
) -> None:
    webhook = hook(redis_server, receiver)
    stop = threading.Event()
    thread = threading.Thread(target=webhook.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    while link.call("EXISTS", "{0}:hook:default") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    sink.write([output(1, alerts=(1,))])
    while receiver.alerts != [1]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_no_answer_is_a_retry_until_the_alert_is_too_old() -> None:
    post = HttpPost("http://127.0.0.1:1/", timeout_s=1.0)
    assert post(b"{}", {}) is None
    assert judge(None, 5, 10) is Verdict.RETRY
    assert judge(503, 11, 10) is Verdict.GIVE_UP
    assert judge(200, 11, 10) is Verdict.DELIVERED


def test_a_secret_may_be_base64_behind_its_prefix() -> None:
    assert secret_key("whsec_" + base64.b64encode(b"\x00key").decode()) == b"\x00key"
    assert secret_key("plain text secret") == b"plain text secret"
    with pytest.raises(ConfigError) as caught:
        secret_key("whsec_not base64!")
    assert "not base64!" not in str(caught.value)


def test_the_signature_matches_the_published_example() -> None:
    # From the Standard Webhooks specification's reference libraries.
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    message = Message("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')
    found = headers(key, message, 1614265330)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_channel_with_quotes_makes_valid_json() -> None:
    message = alert_message(0, 'alerts:t"\\/g', "1-1", 1, b"{}")
    assert json.loads(message.body)["channel"] == 'alerts:t"\\/g'


@pytest.mark.parametrize("url", ["ftp://h/x", "http:///x", "nonsense"])
def test_an_unusable_address_is_a_setting_error(url: str) -> None:
    with pytest.raises(ConfigError):
        HttpPost(url)
