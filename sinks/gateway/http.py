"""What the gateway serves over HTTP on the WebSocket's port: pages, health, catalogue.

Files are served from an exact table made at start, so no path is ever built from a request.
"""

import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    body = Body(content, kind, cache="no-cache")
    return lambda: body
