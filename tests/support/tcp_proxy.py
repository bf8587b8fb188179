"""A TCP proxy that misbehaves on request, to stand between a client and a real server."""

import contextlib
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

CHUNK_BYTES: Final = 65_536


@dataclass
class Faults:
    """What goes wrong; change a field at any time.

    `delay_s` holds each chunk back in both directions. `black_hole` swallows both directions
    and keeps connections open. `refuse` closes new connections at once. `bytes_per_s` bounds
    the stream towards the client. `reset_after_replies` counts chunks from the server down to a
    reset: 0 cuts the connection when the next reply comes, which is then lost although the
    server has done the work; None: never.
    """

    delay_s: float = 0.0
    black_hole: bool = False
    refuse: bool = False
    bytes_per_s: float | None = None
    reset_after_replies: int | None = None


@dataclass
class TcpProxy:
    """Listens on `port` of the loopback interface and forwards to `target_port`."""

    target_port: int
    faults: Faults = field(default_factory=Faults)
    connections: int = 0
    resets: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        self._closing = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Redis address through the proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def reset_all(self) -> None:
        """Break every open connection now."""
        with self._lock:
            for pair in self._pairs:
                for end in pair:
                    _reset(end)

    def close(self) -> None:
        """Stop; closes every connection."""
        self._closing.set()
        self.reset_all()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            if self.faults.refuse:
                _reset(client)
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), 2)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.add((client, server))
            thread = threading.Thread(target=self._serve, args=(client, server), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._closing.is_set():
                for ready, _ in selector.select(0.05):
                    source, sink = ready.fileobj, ready.data
                    assert isinstance(source, socket.socket)
                    if not self._forward(source, sink, to_client=sink is client):
                        return self._drop(client, server)
        return self._drop(client, server)

    def _forward(self, source: socket.socket, sink: socket.socket, *, to_client: bool) -> bool:
        chunk = source.recv(CHUNK_BYTES)
        if not chunk:
            return False
        if self.faults.black_hole:
            return True
        if to_client and self.faults.reset_after_replies is not None:
            if self.faults.reset_after_replies <= 0:
                self.faults.reset_after_replies = None
                self.resets += 1
                _linger_none(sink)
                return False
            self.faults.reset_after_replies -= 1
        wait_s = self.faults.delay_s
        if to_client and self.faults.bytes_per_s:
            wait_s += len(chunk) / self.faults.bytes_per_s
        if wait_s:
            time.sleep(wait_s)
        sink.sendall(chunk)
        return True

    def _drop(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._pairs.discard((client, server))
        client.close()
        server.close()


def _linger_none(end: socket.socket) -> None:
    """Make closing send RST instead of an orderly end."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        _linger_none(end)
        end.shutdown(socket.SHUT_RDWR)
