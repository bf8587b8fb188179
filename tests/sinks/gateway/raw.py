"""A client without manners: raw sockets, so that a test can break every rule."""

import asyncio
import base64
import json
import os
import socket
import struct
from typing import Any


def masked(payload: bytes, opcode: int = 1, fin: bool = True) -> bytes:
    """One client frame."""
    size = len(payload)
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + b"\0\0\0\0" + payload


class Raw:
    """A WebSocket by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, rcvbuf: int | None = None, **headers: str) -> "Raw":
        sock = socket.socket()
        if rcvbuf is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**16)
        raw = cls(reader, writer)
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "lc.v1.json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        writer.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
        raw.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        return raw

    head = ""

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def transport(self) -> asyncio.Transport:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        return transport

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, **fields: Any) -> None:
        self.send(masked(json.dumps(fields).encode()))

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0xF, await self.reader.readexactly(size)

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """The next JSON frame of one of the kinds (any if none is named)."""
        while True:
            opcode, payload = await asyncio.wait_for(self.frame(), 60)
            assert opcode == 1, payload
            body: dict[str, Any] = json.loads(payload)
            if not kinds or body["type"] in kinds:
                return body

    async def close_code(self) -> int | None:
        """Code of the close frame; None if the connection was cut without one."""
        try:
            while True:
                opcode, payload = await asyncio.wait_for(self.frame(), 60)
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def connect(self, token: str) -> dict[str, Any]:
        self.say(type="connect", id=1, token=token)
        return await self.hear("connected")

    async def end(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, TimeoutError):
            return
