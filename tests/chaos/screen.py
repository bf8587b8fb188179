"""A gateway and a screen beside a rig: what is shown must be what stands in Redis."""

import json
import signal
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from sinks.gateway.auth import mint_token
from stream.demo import usable_port
from stream.demo_screen import HeadlessScreen
from stream.demo_status import fetch
from stream.supervisor import Child, liveroom_argv
from tests.chaos.rig import Rig

_SHOWN: Final = ("room:", "split:", "hist:", "board:", "stock:", "names:")
_SETTLE_S: Final = 120.0


class Watched:
    """A gateway process of a rig and one screen that follows every channel through it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._port = usable_port("127.0.0.1", 0)
        rig.settings = replace(rig.settings, port=self._port)
        token = mint_token(rig.settings, ["*"], ["*"], "operator", 86_400)
        self.screen = HeadlessScreen(f"ws://127.0.0.1:{self._port}/ws", token)
        self.gateway = self._start()

    def __enter__(self) -> Self:
        self._await_ready()
        self.screen.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.screen.__exit__()

    def kill_gateway(self) -> None:
        """Kill -9, start it again on the same port."""
        self.gateway.signal(signal.SIGKILL)
        self.gateway.wait(60.0)
        self.gateway = self._start()
        self._await_ready()

    def wrong(self) -> list[str]:
        """Fields that the screen shows otherwise than Redis has them, once it has settled."""
        found: list[str] = []

        def agrees() -> bool:
            found[:] = self._differences()
            return not found

        self._rig.settle(agrees, _SETTLE_S)
        return found

    def _differences(self) -> list[str]:
        shown = self.screen.channels()
        found = []
        for key, fields in self._rig.channels().items():
            name = key.partition(":")[2]
            if name.startswith(_SHOWN):
                on_screen = shown.get(name, {})
                wanted = {field: json.loads(value) for field, value in fields.items()}
                found += [
                    f"{name} {field}: {on_screen.get(field)} shown, {wanted.get(field)} in Redis"
                    for field in sorted(wanted.keys() | on_screen.keys())
                    if wanted.get(field) != on_screen.get(field)
                ]
        return found

    def _start(self) -> Child:
        return self._rig.child("gateway", liveroom_argv("serve"))

    def _await_ready(self) -> None:
        ready = f"http://127.0.0.1:{self._port}/ready"
        self._rig.wait_until("the gateway is up", lambda: bool(fetch(ready)))
