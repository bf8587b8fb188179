"""What the gateway serves over HTTP on the WebSocket's port: pages, health, catalogue.

Files are served from an exact table made at start, so no path is ever built from a request.
"""

import gzip
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

    A page or a library that is not there is left out: its path is 404, the rest works.
    """
    routes: dict[str, Route] = {}
    web = files("sinks").joinpath("web")
    for entry in sorted(web.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(ASSET_SUFFIXES):
            routes[f"/assets/{entry.name}"] = _fixed(entry.read_bytes(), entry.name)
    for path, name in PAGES.items():
        page = web.joinpath(name)
        if page.is_file():
            routes[path] = _fixed(page.read_bytes(), name)
    try:
        library = asset_path("echarts.min.js")
    except ConfigError:
        return routes
    routes["/assets/echarts.min.js"] = _fixed(library.read_bytes(), library.name)
    return routes


def _fixed(content: bytes, name: str) -> Route:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind == "application/javascript":
        kind = f"{kind}; charset=utf-8"
    etag = f'"{sha256(content).hexdigest()[:24]}"'
    packed = gzip.compress(content, 9, mtime=0) if len(content) > PACK_FROM_BYTES else None
    body = Body(content, kind, cache="no-cache", packed=packed, etag=etag)
    return lambda: body
