"""Posts alerts to a webhook: signed, in order, at least once, across restarts.

The alert channels in Redis are the outbox: `{p}:hook:<name>` holds how far each of them has been
delivered, so that nothing is lost while the receiver or we are away (up to the channels' length).
"""

import http.client
import logging
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import Counter

from sinks.redis_client import Backoff, Link
from sinks.redis_keys import key
from sinks.redis_reply import pairs
from sinks.redis_upkeep import directory
from sinks.webhook_sign import Message, Verdict, alert_message, headers, judge, secret_key
from stream.errors import ConfigError, SinkError

DELIVERED: Final = "_delivered"
GIVEN_UP: Final = "_given_up"
PAGE: Final = 100
MAX_AGE_MS: Final = 86_400_000
"""An alert is given up after having been tried for this long."""
POLL_S: Final = 0.5
_SENT: Final = Counter("liveroom_webhook", "alerts posted to the webhook", ("verdict",))
_LOG: Final = logging.getLogger("liveroom.webhook")


class Post(Protocol):
    """Sends one message. Returns the HTTP status, None without an answer."""

    def __call__(self, body: bytes, headers: dict[str, str]) -> int | None:
        """Send `body` with `headers`."""


@dataclass(frozen=True, slots=True)
class HttpPost:
    """`Post` over HTTP(S); redirects are not followed: they would carry the message elsewhere."""

    url: str
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("webhook_url", self.url, "an http:// or https:// address")

    def __call__(self, body: bytes, headers: dict[str, str]) -> int | None:
        """Post; see `Post`."""
        request = urllib.request.Request(self.url, body, headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_s) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except (OSError, http.client.HTTPException):
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Take the redirect as the answer."""


class Webhook:
    """Delivers the alerts of some shards to one receiver.

    `name` keeps receivers apart; two processes with the same name and shard would deliver twice.
    On its very first start it begins with what comes from then on. One thread.
    """

    def __init__(
        self,
        redis_url: str,
        shards: Iterable[int],
        post: Post,
        secret: str,
        *,
        name: str = "default",
        max_age_ms: int = MAX_AGE_MS,
        backoff: Backoff | None = None,
    ) -> None:
        self._link = Link(redis_url)
        self._shards = tuple(shards)
        self._post = post
        self._key = secret_key(secret)
        self._name = name
        self._max_age_ms = max_age_ms
        self._backoff = backoff or Backoff(base_ms=500, cap_ms=60_000)
        self._attempt = 0
        self._wait_until_s = 0.0
        self._last_status: int | None = None
        self._begun: set[int] = set()
        self._first_try_s: dict[str, float] = {}

    @property
    def healthy(self) -> bool:
        """Whether the last message was taken (or given up for good)."""
        return self._attempt == 0

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; survives a Redis that is away."""
        failures = 0
        while not stop.is_set():
            try:
                self.deliver(stop)
                failures, pause_s = 0, POLL_S
            except SinkError as error:
                failures += 1
                pause_s = Backoff().delay_ms(failures) / 1_000
                _LOG.warning("webhook: %s", error.why)
            stop.wait(max(pause_s, self._wait_until_s - time.monotonic()))
        self._link.close()

    def deliver(self, stop: threading.Event | None = None) -> int:
        """Post what is waiting, unless a back-off is running. Returns how many were taken.

        Raises:
            SinkError: Redis is away or refuses; what was posted and not noted goes out again.
        """
        taken = 0
        for shard in self._shards:
            for channel, position in self._positions(shard).items():
                while time.monotonic() >= self._wait_until_s:
                    done = self._page(shard, channel, position, stop)
                    taken += len(done)
                    if len(done) < PAGE:
                        break
                    position = done[-1]
        return taken

    def close(self) -> None:
        """Close the connection; for callers of `deliver`."""
        self._link.close()

    def _positions(self, shard: int) -> dict[str, str]:
        """Alert channels of a shard, each with the last id that is dealt with."""
        hook = key(shard, "hook", self._name)
        known = pairs(self._link.call("HGETALL", hook))
        channels = [n for n, one in directory(self._link, shard).items() if one.kind == "log"]
        if known or shard in self._begun:
            # In a Redis that lost our place everything is new.
            self._begun.add(shard)
            return {name: known.get(name.encode(), b"0-0").decode() for name in channels}
        found = {name: self._end(shard, name) for name in channels}
        fields = [part for item in found.items() for part in item]
        self._link.call("HSET", hook, DELIVERED, 0, GIVEN_UP, 0, *fields)
        self._begun.add(shard)
        return found

    def _end(self, shard: int, channel: str) -> str:
        reply = self._link.call("XREVRANGE", key(shard, "log", channel), "+", "-", "COUNT", 1)
        if isinstance(reply, list) and reply and isinstance(reply[0], list):
            last = reply[0][0]
            if isinstance(last, bytes):
                return last.decode()
        return "0-0"

    def _page(
        self, shard: int, channel: str, after: str, stop: threading.Event | None
    ) -> list[str]:
        """Post entries behind `after`; ids of those dealt with, fewer than a page at the end."""
        stream = key(shard, "log", channel)
        reply = self._link.call("XRANGE", stream, f"({after}", "+", "COUNT", PAGE)
        done: list[str] = []
        for entry in reply if isinstance(reply, list) else ():
            if stop is not None and stop.is_set():
                break
            if not isinstance(entry, list) or not isinstance(entry[0], bytes):
                continue
            fields, entry_id = pairs(entry[1]), entry[0].decode()
            seq = int(fields.get(b"s", b"0"))
            message = alert_message(shard, channel, entry_id, seq, fields.get(b"d", b"null"))
            verdict = self._send(message)
            if verdict is Verdict.RETRY:
                break
            self._note(shard, channel, entry_id, verdict)
            done.append(entry_id)
        return done

    def _send(self, message: Message) -> Verdict:
        tried_s = time.monotonic() - self._first_try_s.setdefault(message.id, time.monotonic())
        self._last_status = self._post(message.body, headers(self._key, message, int(time.time())))
        verdict = judge(self._last_status, int(tried_s * 1_000), self._max_age_ms)
        if verdict is not Verdict.RETRY:
            del self._first_try_s[message.id]
        _SENT.labels(verdict.value).inc()
        if verdict is Verdict.RETRY:
            self._attempt += 1
            delay_ms = self._backoff.delay_ms(self._attempt)
            self._wait_until_s = time.monotonic() + delay_ms / 1_000
            answer = self._last_status or "no answer"
            _LOG.warning("webhook: %s for %s; retry in %d ms", answer, message.id, delay_ms)
        else:
            self._attempt = 0
        if verdict is Verdict.GIVE_UP:
            _LOG.error("webhook: gave up %s: %s", message.id, self._last_status or "too old")
        return verdict

    def _note(self, shard: int, channel: str, entry_id: str, verdict: Verdict) -> None:
        hook = key(shard, "hook", self._name)
        field = DELIVERED if verdict is Verdict.DELIVERED else GIVEN_UP
        # In this order: when the second is lost, only the count is wrong.
        self._link.call("HSET", hook, channel, entry_id)
        self._link.call("HINCRBY", hook, field, 1)
