"""Many raw WebSocket readers in one process: cheap enough not to be what is measured.

    python -m benchmarks.fanout.swarm --port P --count N [--token T --channels a,b --rate-ms R]

Prints one JSON line when all are subscribed, and one per line read from stdin: frames and bytes
received since the last one. Without a token it only connects and reads.
"""

import argparse
import base64
import json
import os
import selectors
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field

CHUNK = 262_144


def masked(payload: bytes) -> bytes:
    """A client's text frame."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else b""
    head = head or struct.pack("!BBH", 0x81, 0xFE, size)
    return head + mask + body


def open_socket(port: int, rcvbuf: int | None = None) -> socket.socket:
    """Connect and shake hands."""
    sock = socket.socket()
    sock.settimeout(30)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: lc.v1.json\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(1)
        if not piece:
            raise ConnectionError(head.decode(errors="replace"))
        head += piece
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.decode(errors="replace"))
    return sock


def subscribe(sock: socket.socket, token: str, channels: list[str], rate_ms: int) -> None:
    """Send `connect` and one `sub_many`."""
    sock.sendall(masked(json.dumps({"type": "connect", "id": 1, "token": token}).encode()))
    if channels:
        subs = [{"ch": channel, "rate_ms": rate_ms} for channel in channels]
        sock.sendall(masked(json.dumps({"type": "sub_many", "id": 2, "subs": subs}).encode()))


@dataclass
class Reader:
    """Counts the frames of one socket."""

    sock: socket.socket
    rest: bytearray = field(default_factory=bytearray)

    def read(self) -> tuple[int, int]:
        """Frames and bytes that were there; raises ConnectionError at the end."""
        data = self.sock.recv(CHUNK)
        if not data:
            raise ConnectionError("closed")
        self.rest += data
        frames, at, end = 0, 0, len(self.rest)
        while end - at >= 2:
            size, head = self.rest[at + 1] & 0x7F, 2
            if size == 126:
                size, head = int.from_bytes(self.rest[at + 2 : at + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(self.rest[at + 2 : at + 10], "big"), 10
            if end - at < head + size:
                break
            at += head + size
            frames += 1
        del self.rest[:at]
        return frames, len(data)


def main() -> None:
    """Run the swarm until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--channels", default="")
    parser.add_argument("--rate-ms", type=int, default=200)
    parser.add_argument("--per-s", type=float, default=1_000)
    args = parser.parse_args()
    selector = selectors.EpollSelector()
    totals = {"frames": 0, "bytes": 0, "lost": 0}
    channels = [name for name in args.channels.split(",") if name]

    def pump(timeout: float) -> None:
        for key, _ in selector.select(timeout):
            try:
                frames, size = key.data.read()
            except BlockingIOError:
                continue
            except OSError:
                selector.unregister(key.fileobj)
                totals["lost"] += 1
                continue
            totals["frames"] += frames
            totals["bytes"] += size

    start = time.monotonic()
    for number in range(args.count):
        sock = open_socket(args.port)
        if args.token:
            subscribe(sock, args.token, channels, args.rate_ms)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, Reader(sock))
        while time.monotonic() < start + number / args.per_s:
            pump(0.001)
        if number % 50 == 0:
            pump(0)
    print(json.dumps({"connected": args.count, "s": time.monotonic() - start}), flush=True)

    asked: list[None] = []
    done = threading.Event()

    def listen() -> None:
        while sys.stdin.readline():
            asked.append(None)
        done.set()

    threading.Thread(target=listen, daemon=True).start()
    while not done.is_set():
        pump(0.05)
        if asked:
            asked.pop()
            print(json.dumps(totals), flush=True)
            totals.update(frames=0, bytes=0)


if __name__ == "__main__":
    main()
