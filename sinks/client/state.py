"""What a client knows of one channel, frame by frame. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["snapshot", "update", "event", "gap"]


@dataclass(frozen=True, slots=True)
class Update:
    """One step of a channel.

    `kind`: `snapshot` (the whole state, or the newest entries of a log), `update` (changed
    fields; None: deleted), `event` (one log entry) or `gap` (what was sent before does not
    lead to what follows; `lost` entries, None: unknown). `state` is the live map of a state
    channel after this step: read it, do not keep it. `ts_ms` is the server's as-of time.
    """

    kind: Kind
    channel: str
    epoch: str
    seq: int
    ts_ms: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    entries: tuple[Any, ...] = ()
    lost: int | None = None
    reason: str = ""


class Broken(Exception):
    """The chain of predecessors is broken: ask for a resync."""


class ChannelState:
    """Follows one channel; a frame that is not the successor of the last raises `Broken`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.seq = 0
        self.ts_ms = 0
        self.kind = "state"
        self.values: dict[str, Any] = {}
        self.gaps = 0
        self.resyncs = 0
        self.started = False
        self._waiting = True
        self._parts: list[Any] = []
        self._logged = False

    def subscribed(self, frame: Mapping[str, Any]) -> None:
        """Take a `sub_ok`: what follows continues what we have, or is a snapshot."""
        self.kind = frame["kind"]
        self._waiting = not frame["recovered"]
        self._parts = []

    def since(self) -> dict[str, Any] | None:
        """Where to resume from; None if there is nothing yet."""
        return {"e": self.epoch, "s": self.seq} if self.started and self.epoch else None

    def apply(self, frame: Mapping[str, Any]) -> Update | None:
        """Take one frame of this channel; None if it completes nothing.

        Raises:
            Broken: the frame's predecessor is not what we have.
        """
        kind = frame["type"]
        if kind == "gap":
            return self._gap(frame)
        if kind == "snap":
            return self._snap(frame)
        if self._waiting:
            return None
        if frame["p"] != self.seq:
            self.resyncs += 1
            self._waiting = True
            raise Broken(self.name)
        self.seq, self.ts_ms = frame["s"], frame["ts"]
        if kind == "evt":
            return self._update("event", entries=(frame["data"],))
        changed: dict[str, Any] = frame["d"]
        for name, value in changed.items():
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value
        return self._update("update", fields=changed)

    def _gap(self, frame: Mapping[str, Any]) -> Update:
        self.gaps += frame["reason"] != "start"
        self._waiting = True
        return Update(
            "gap",
            self.name,
            frame["e"],
            frame["s"],
            self.ts_ms,
            state=self.values,
            lost=frame.get("lost"),
            reason=frame["reason"],
        )

    def _snap(self, frame: Mapping[str, Any]) -> Update | None:
        if frame["part"] == 0:
            self._parts = []
        if frame["part"] != len(self._parts):
            return None
        self._parts.append(frame["data"])
        if len(self._parts) < frame["parts"]:
            return None
        self.epoch, self.seq, self.ts_ms = frame["e"], frame["s"], frame["ts"]
        self._waiting, self.started = False, True
        parts, self._parts = self._parts, []
        if self.kind == "log":
            return self._update("snapshot", entries=tuple(i["data"] for p in parts for i in p))
        self.values.clear()
        for part in parts:
            self.values.update(part)
        return self._update("snapshot", fields=dict(self.values))

    def _update(
        self, kind: Kind, fields: Mapping[str, Any] | None = None, entries: tuple[Any, ...] = ()
    ) -> Update:
        return Update(
            kind,
            self.name,
            self.epoch,
            self.seq,
            self.ts_ms,
            fields=fields or {},
            state=self.values,
            entries=entries,
        )
