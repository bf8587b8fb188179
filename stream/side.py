"""What runs beside the fold in an engine process: the webhook, the metrics page, the collector."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import start_http_server

from sinks.webhook import HttpPost, Webhook
from stream.errors import ConfigError
from stream.rules_watch import watch_rules
from stream.settings import Settings

GC_THRESHOLDS: Final = (200_000, 20, 100)
"""Rows and patches are made by the thousand and freed at once; with Python's 700 the collector
took a sixth of a replay's time and freed nothing."""


@contextmanager
def beside(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Start what the settings ask for; all of it ends with `stop`.

    Raises:
        ConfigError: the webhook lacks its secret or the metrics port is taken.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    first = settings.process_id in (None, 0)
    _metrics(settings, first)
    threads = [_webhook(settings, stop), watch_rules(settings, stop)] if first else []
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            if thread is not None:
                thread.join(timeout=5.0)


def _metrics(settings: Settings, first: bool) -> None:
    if settings.metrics_port is None:
        return
    port = settings.metrics_port + (0 if first else settings.process_id or 0)
    try:
        start_http_server(port, addr="127.0.0.1")
    except OSError as error:
        raise ConfigError("metrics_port", port, f"a free port ({error.strerror})") from error


def _webhook(settings: Settings, stop: threading.Event) -> threading.Thread | None:
    if settings.webhook_url is None or settings.redis_url is None:
        return None
    if settings.webhook_secret is None:
        raise ConfigError("webhook_secret", None, "a secret to sign the webhook's posts with")
    post = HttpPost(settings.webhook_url)
    hook = Webhook(settings.redis_url, range(settings.shards), post, settings.webhook_secret)
    thread = threading.Thread(target=hook.run, args=(stop,), name="webhook", daemon=True)
    thread.start()
    return thread
