"""A Redis server that speaks TLS, with a certificate made on the spot."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sinks.redis_client import Link
from sinks.redis_server import RedisServer
from stream.errors import SinkError


@dataclass(frozen=True, slots=True)
class TlsRedis:
    """`server` also listens without TLS, for the test itself; `authority` is a PEM file."""

    server: RedisServer
    port: int
    authority: Path

    def url(self, credentials: str = "") -> str:
        """Address over TLS; `credentials` is `user:password@` or empty."""
        return f"rediss://{credentials}127.0.0.1:{self.port}/0?ssl_ca_certs={self.authority}"


def make_certificate(folder: Path) -> None:
    """Write `cert.pem` and `key.pem`, good for 127.0.0.1. Skips without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("NOT TESTED: needs openssl (apt-get install openssl)")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def tls_config(folder: Path) -> tuple[str, ...]:
    """Arguments of a server for the certificate in `folder`; its TLS port is set later."""
    return (
        *("--tls-port", "0", "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(folder / "cert.pem")),
        *("--tls-key-file", str(folder / "key.pem")),
        *("--tls-ca-cert-file", str(folder / "cert.pem")),
    )


def open_tls(server: RedisServer, port: int) -> None:
    """Let a server of `tls_config` listen for TLS on a free port."""
    admin = Link(server.url)
    admin.call("CONFIG", "SET", "tls-port", port)
    admin.close()


def free_port(folder: Path) -> int:
    """A port that was free a moment ago, found by a server that took it."""
    plain = RedisServer.start(folder)
    plain.stop()
    return plain.port


@contextlib.contextmanager
def tls_redis(folder: Path) -> Iterator[TlsRedis]:
    """Start one in an empty folder. Skips where openssl or the server's TLS is missing."""
    make_certificate(folder)
    port = free_port(folder)
    try:
        server = RedisServer.start(folder, config=tls_config(folder))
    except SinkError as error:
        if "tls" in str(error).lower():
            pytest.skip("NOT TESTED: this redis-server was built without TLS")
        raise
    with server:
        open_tls(server, port)
        yield TlsRedis(server, port, folder / "cert.pem")
