"""One socket: a `websockets` connection whose data frames we write ourselves.

Frames go ready-made onto the transport. Flow control comes back as `on_pause`/`on_resume`:
the library's own keep-alive and `drain()` never cut a reader that stopped reading.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

NOTSENT_LOWAT_BYTES: Final = 16_384
"""The kernel takes no more than this beyond what is on its way: else it hides megabytes."""
USER_TIMEOUT_MS: Final = 20_000
LINGER_NOT: Final = struct.pack("ii", 1, 0)


def _nothing() -> None:
    return None


class GatewayConnection(ServerConnection):
    """A server connection with hooks for flow control and loss.

    `address` is whom the connection is counted to: `limits.client_address`.
    """

    address: str | None = None
    on_pause: Callable[[], None] = staticmethod(_nothing)
    on_resume: Callable[[], None] = staticmethod(_nothing)
    on_lost: Callable[[], None] = staticmethod(_nothing)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tune the socket; the options exist on Linux."""
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        for name, value in (
            ("TCP_NOTSENT_LOWAT", NOTSENT_LOWAT_BYTES),
            ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS),
        ):
            option = getattr(socket, name, None)
            if option is not None and raw is not None:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.IPPROTO_TCP, option, value)

    def pause_writing(self) -> None:
        """Stop writing data, and stop answering: a peer that floods us must read first."""
        super().pause_writing()
        with contextlib.suppress(RuntimeError):
            self.transport.pause_reading()
        self.on_pause()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        with contextlib.suppress(RuntimeError):
            self.transport.resume_reading()
        self.on_resume()

    def cut(self) -> None:
        """End at once: without the reset the kernel would go on offering what nobody reads."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the library; once a close frame went out, nothing may follow it."""
        super().data_received(data)
        if self.protocol.state in (State.CLOSING, State.CLOSED):
            self.on_lost()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the gateway before the library's own clean-up."""
        self.on_lost()
        super().connection_lost(exc)
