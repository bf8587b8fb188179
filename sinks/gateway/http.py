"""What the gateway serves over HTTP on the WebSocket's port: pages, health, catalogue.

Files are served from an exact table made at start, so no path is ever built from a request.
"""

import gzip
import mimetypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Response

from stream.errors import ConfigError

PAGES: Final[dict[str, str]] = {
    "/": "screen.html",
    "/screen": "screen.html",
    "/console": "console.html",
}
PACK_FROM_BYTES: Final = 1_024
FOR_GOOD: Final = "max-age=31536000, immutable"
ASSET_SUFFIXES: Final = (".js", ".css", ".svg")
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SECURITY: Final[dict[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Body:
    """What one path answers with."""

    content: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK
    cache: str = "no-store"
    packed: bytes | None = None
    etag: str | None = None


Route = Callable[[], Body]


def response(body: Body, extra: Mapping[str, str] | None = None) -> Response:
    """An HTTP response with the security headers of every answer."""
    headers = Headers(
        {
            "Content-Type": body.content_type,
            "Content-Length": str(len(body.content)),
            "Cache-Control": body.cache,
            "Connection": "close",
            **_SECURITY,
            **(extra or {}),
        }
    )
    return Response(body.status.value, body.status.phrase, headers, body.content)


def answer(body: Body, request: Headers) -> Response:
    """A route's answer to a request: nothing new (304), packed if the browser takes it, or plain.

    A page and its library must be through before the handshake's deadline, also on slow lines.
    """
    extra = {} if body.etag is None else {"ETag": body.etag}
    if body.etag is not None and request.get("If-None-Match") == body.etag:
        return response(Body(b"", body.content_type, HTTPStatus.NOT_MODIFIED, body.cache), extra)
    if body.packed is None:
        return response(body, extra)
    extra["Vary"] = "Accept-Encoding"
    if "gzip" not in request.get("Accept-Encoding", ""):
        return response(body, extra)
    extra["Content-Encoding"] = "gzip"
    return response(Body(body.packed, body.content_type, body.status, body.cache), extra)


def refusal(status: HTTPStatus, text: str, retry_after_s: int | None = None) -> Response:
    """A plain refusal; `Retry-After` where trying again makes sense."""
    extra = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return response(Body(f"{text}\n".encode(), "text/plain; charset=utf-8", status), extra)


def static_routes(asset_path: Callable[[str], Path]) -> dict[str, Route]:
    """Paths of the pages and their files, read once; `asset_path` finds the libraries.

    The pages name their files below a folder that is the hash of all of them, so a browser keeps
    those for good and asks again only after an upgrade. A page or a library that is not there is
    left out: its path is 404, the rest works.
    """
    web = files("sinks").joinpath("web")
    found = {
        entry.name: entry.read_bytes()
        for entry in sorted(web.iterdir(), key=lambda item: item.name)
        if entry.name.endswith(ASSET_SUFFIXES)
    }
    with suppress(ConfigError):
        found["echarts.min.js"] = asset_path("echarts.min.js").read_bytes()
    version = sha256(b"".join(found.values())).hexdigest()[:16]
    routes: dict[str, Route] = {}
    for name, content in found.items():
        body = fixed(content, _type_of(name))
        routes[f"/assets/{name}"] = partial(_same, body)
        routes[f"/assets/{version}/{name}"] = partial(_same, replace(body, cache=FOR_GOOD))
    for path, name in PAGES.items():
        page = web.joinpath(name)
        if page.is_file():
            text = page.read_bytes().replace(b'"/assets/', b'"/assets/%b/' % version.encode())
            routes[path] = partial(_same, fixed(text, _type_of(name)))
    return routes


def fixed(content: bytes, content_type: str) -> Body:
    """What never changes while the process lives: packed once, asked for again by its hash."""
    etag = f'"{sha256(content).hexdigest()[:24]}"'
    packed = gzip.compress(content, 9, mtime=0) if len(content) > PACK_FROM_BYTES else None
    return Body(content, content_type, cache="no-cache", packed=packed, etag=etag)


def _same(body: Body) -> Body:
    return body


def _type_of(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "application/javascript"
    return f"{kind}; charset=utf-8" if is_text else kind
