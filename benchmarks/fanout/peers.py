"""The servers we are compared with: `websockets.broadcast()` and a bare `transport.write`.

python -m benchmarks.fanout.peers --kind broadcast|bare --bytes 500 --hz 5 [--uvloop]
"""

import argparse
import asyncio
import logging

import uvloop
from websockets import Subprotocol
from websockets.asyncio.server import ServerConnection, broadcast, serve

from sinks.gateway.protocol import ws_frame


async def run(kind: str, size: int, hz: float) -> None:
    """Serve and send `size` bytes to everybody `hz` times a second."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    peers: set[ServerConnection] = set()

    async def handler(ws: ServerConnection) -> None:
        peers.add(ws)
        try:
            await ws.wait_closed()
        finally:
            peers.discard(ws)

    payload = b'{"type":"upd","x":"' + b"x" * (size - 21) + b'"}'
    frame = ws_frame(payload)
    async with serve(
        handler,
        "127.0.0.1",
        0,
        backlog=1_024,
        compression=None,
        ping_interval=None,
        subprotocols=[Subprotocol("lc.v1.json")],
    ) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += 1 / hz
            await asyncio.sleep(max(0.0, due - loop.time()))
            if kind == "broadcast":
                broadcast(peers, payload, text=True)
            else:
                for ws in list(peers):
                    ws.transport.write(frame)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=["broadcast", "bare"], required=True)
    parser.add_argument("--bytes", type=int, default=500)
    parser.add_argument("--hz", type=float, default=5)
    parser.add_argument("--uvloop", action="store_true")
    args = parser.parse_args()
    work = run(args.kind, args.bytes, args.hz)
    if args.uvloop:
        uvloop.run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main()
