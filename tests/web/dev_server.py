"""A server for working on the pages: the scripted session over the protocol `lc.v1`.

`python -m tests.web.dev_server --rooms 3` prints an address. The tests run against the real
gateway; this one needs no Redis and restarts in a moment.
"""

import argparse
import asyncio
import json
import time
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.web.script import GROUP, TENANT, Script, alerts

WEB = Path(__file__).resolve().parents[2] / "sinks" / "web"
TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGES = {"/": "screen.html", "/screen": "screen.html", "/console": "console.html"}
SUBPROTOCOL = "lc.v1.json"


class DevServer:
    """Holds the script's channels and everyone who watches them."""

    def __init__(self, script: Script, assets: Path, interval_s: float = 0.25) -> None:
        self.script = script
        self.assets = assets
        self.interval_s = interval_s
        self.state = script.state()
        self.log = {f"alerts:{GROUP}": alerts()}
        self.seq = dict.fromkeys((*self.state, *self.log), 1)
        self.watchers: dict[ServerConnection, set[str]] = {}
        self.running = True

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        """Serve a file; None lets the WebSocket handshake go on."""
        path = request.path.split("?")[0]
        if path == "/ws":
            return None
        if path == "/api/catalogue":
            from operators.catalogue import as_json

            return _answer(json.dumps(as_json()).encode(), ".json")
        file = WEB / PAGES.get(path, path.removeprefix("/assets/"))
        if path == "/assets/echarts.min.js":
            file = self.assets / "echarts" / "dist" / "echarts.min.js"
        if file.parent not in (WEB, self.assets / "echarts" / "dist") or not file.is_file():
            return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
        return _answer(file.read_bytes(), file.suffix)

    async def handle(self, connection: ServerConnection) -> None:
        """One client until it leaves."""
        self.watchers[connection] = set()
        try:
            async for message in connection:
                frame = json.loads(message)
                for answer in self.answers(connection, frame):
                    await connection.send(json.dumps(answer, ensure_ascii=False))
        finally:
            del self.watchers[connection]

    def answers(self, connection: ServerConnection, frame: dict[str, object]) -> list[object]:
        """What one command is answered with."""
        kind, id_ = frame["type"], frame.get("id")
        if kind == "connect":
            return [{"type": "connected", "id": id_, "sid": "dev", "ping": 25}]
        if kind == "list":
            names = [ch for ch in self.state if ch.startswith(f"{frame['kind']}:")]
            return [{"type": "ok", "id": id_, "channels": names}]
        if kind == "sub_many":
            wanted = [item["ch"] for item in frame["subs"]]  # type: ignore[index,attr-defined]
            self.watchers[connection].update(wanted)
            return [snap for ch in wanted for snap in self.snapshot(str(ch), id_)]
        if kind == "rpc":
            self.act(frame)
            return [{"type": "ok", "id": id_}]
        return []

    def snapshot(self, channel: str, id_: object) -> list[object]:
        """`sub_ok` and `snap` of a channel."""
        seq = self.seq.setdefault(channel, 1)
        is_log = channel.startswith("alerts:")
        data: object = self.state.get(channel, {})
        if is_log:
            data = [{"s": n, "ts": 0, "data": d} for n, d in enumerate(self.log.get(channel, []))]
        head = {"ch": channel, "e": "dev", "s": seq}
        return [
            {"type": "sub_ok", "id": id_, "kind": "log" if is_log else "state", **head},
            {"type": "snap", **head, "ts": _now(), "part": 0, "parts": 1, "data": data},
        ]

    def act(self, frame: dict[str, object]) -> None:
        """Acknowledge, snooze or mark an alert."""
        params = frame["params"]
        state = {"ack": "acked", "snooze": "snoozed"}.get(str(frame["method"]), "not_useful")
        for entry in list(self.log[f"alerts:{GROUP}"]):
            if entry["id"] == params["alert_id"]:  # type: ignore[index]
                self.publish_log(f"alerts:{GROUP}", entry | {"state": state})
                return

    def publish_log(self, channel: str, data: dict[str, object]) -> None:
        """Append to a log channel."""
        self.log[channel].append(data)
        self.seq[channel] += 1
        seq = self.seq[channel]
        self._send(channel, {"type": "evt", "s": seq, "p": seq - 1, "data": data})

    def publish(self, channel: str, fields: dict[str, object]) -> None:
        """Change fields of a state channel."""
        state = self.state.setdefault(channel, {})
        state.update({name: value for name, value in fields.items() if value is not None})
        for name in [name for name, value in fields.items() if value is None]:
            state.pop(name, None)
        self.seq[channel] = self.seq.get(channel, 1) + 1
        seq = self.seq[channel]
        self._send(channel, {"type": "upd", "s": seq, "p": seq - 1, "d": fields})

    def _send(self, channel: str, frame: dict[str, object]) -> None:
        text = json.dumps({**frame, "ch": channel, "ts": _now()}, ensure_ascii=False)
        for connection, channels in self.watchers.items():
            if channel in channels:
                connection.protocol.send_text(text.encode())
                connection.send_data()

    async def play(self) -> None:
        """Publish the script for ever."""
        while True:
            await asyncio.sleep(self.interval_s)
            if self.running:
                for channel, fields in self.script.advance().items():
                    self.publish(channel, fields)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _answer(body: bytes, suffix: str) -> Response:
    headers = Headers({
        "Content-Type": TYPES[suffix], "Content-Length": str(len(body)), "Connection": "close",
        "Content-Security-Policy": POLICY, "Cache-Control": "no-cache",
    })  # fmt: skip
    return Response(HTTPStatus.OK, "OK", headers, body)


async def run(rooms: int, port: int, assets: Path) -> None:
    """Serve until interrupted."""
    server = DevServer(Script(rooms), assets)
    async with serve(
        server.handle, "127.0.0.1", port, process_request=server.respond, subprotocols=[SUBPROTOCOL]
    ) as listening:
        bound = next(iter(listening.sockets)).getsockname()[1]
        chosen = ",".join(f"{TENANT}/{room.id}" for room in server.script.rooms)
        print(f"http://127.0.0.1:{bound}/screen?rooms={chosen}", flush=True)  # noqa: T201
        await server.play()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--assets", type=Path, required=True, help="a node_modules folder")
    options = parser.parse_args()
    asyncio.run(run(options.rooms, options.port, options.assets))
