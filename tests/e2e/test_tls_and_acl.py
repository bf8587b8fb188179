"""Everything over TLS, as an ACL user that may do what `docs/redis.md` says and no more."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sinks.redis_client import Link
from stream.errors import SinkError
from stream.supervisor import liveroom_argv
from tests.chaos.faults import Report
from tests.chaos.rig import Rig, differences, recorded_s
from tests.chaos.screen import Watched
from tests.e2e.conftest import SECONDS
from tests.support.tls_redis import free_port, make_certificate, open_tls, tls_config

DOCS = Path(__file__).resolve().parents[2] / "docs" / "redis.md"


def documented_rights() -> list[str]:
    """The ACL rule that the page tells an operator to set."""
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    pattern = r"keys `([^`]+)` and the commands `([^`]+)` and those the scripts call \(`([^`]+)`"
    listed = re.search(pattern, text)
    assert listed is not None
    return [*listed[1].split(), *(f"+{name}" for name in f"{listed[2]} {listed[3]}".split())]


def test_engine_gateway_and_producer_over_tls_as_an_acl_user(
    recording: Path, undisturbed: Report, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    port = free_port(tmp_path)
    rig = Rig(tmp_path / "rig", config=tls_config(tmp_path))
    open_tls(rig.redis, port)
    rig.link.call("ACL", "SETUSER", "liveroom", "on", ">pa55word", *documented_rights())
    address = f"127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / 'cert.pem'}"
    rig.settings = replace(rig.settings, redis_url=f"rediss://liveroom:pa55word@{address}")
    with rig, Watched(rig) as watched:
        speed = f"{recorded_s(recording) / SECONDS:.6f}"
        options = ("--to-redis", "--format", "ndjson", "--speed", speed)
        replay = rig.child("replay", liveroom_argv("replay", str(recording), *options))
        rig.finish(replay)
        shown_wrong = watched.wrong()
        outcome = rig.outcome()
    assert differences(undisturbed.outcome, outcome) == []
    assert shown_wrong == []
    assert "pa55word" not in (tmp_path / "rig" / "engine.log").read_text()


def test_the_documented_rights_are_no_more_than_keys_of_ours(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "rig")
    rig.link.call("ACL", "SETUSER", "liveroom", "on", ">pa55word", *documented_rights())
    user = Link(rig.redis.url.replace("127.0.0.1", "liveroom:pa55word@127.0.0.1"))
    for command in (("HSET", "other", "a", "1"), ("FLUSHALL",), ("CONFIG", "GET", "*")):
        with pytest.raises(SinkError, match="NOPERM"):
            user.call(*command)
    user.close()
    rig.__exit__()
