"""The one error tree.

* `LiveroomError`: base of everything we raise
  * `ConfigError`: a setting, option or file is wrong; raised at start, names the setting
  * `StateError`: a recovery directory or a snapshot does not fit this engine
  * `SinkError`: an output cannot be reached or refused a write
    * `FencedError`: another engine owns the shard now
  * `WireError`: a client broke the protocol; carries the numbered code
  * `InvariantError`: a bug of ours; the state must not be trusted

Bad *input* is never an exception: it is a counted `stream.codec.Rejected` value.
"""


class LiveroomError(Exception):
    """Base class; `str(error)` is one sentence that says what to do."""


class ConfigError(LiveroomError):
    """A setting is wrong. Exit code 2."""

    def __init__(self, setting: str, value: object, expected: str) -> None:
        self.setting = setting
        self.value = value
        self.expected = expected
        super().__init__(f"setting {setting}: {value!r} is not usable; expected {expected}")


class StateError(LiveroomError):
    """Stored state does not fit; `remedy` is the command or step that helps."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}")


class SinkError(LiveroomError):
    """An output failed. `retry_after_ms` None: retrying will not help."""

    def __init__(self, sink: str, why: str, retry_after_ms: int | None) -> None:
        self.sink = sink
        self.why = why
        self.retry_after_ms = retry_after_ms
        hint = "fix it and restart" if retry_after_ms is None else f"retry in {retry_after_ms} ms"
        super().__init__(f"sink {sink}: {why}; {hint}")


class FencedError(SinkError):
    """A newer engine claimed the shard; this one must stop."""

    def __init__(self, sink: str, shard: int) -> None:
        self.shard = shard
        super().__init__(sink, f"shard {shard} is owned by a newer engine; stop this one", None)


class WireError(LiveroomError):
    """A client's frame cannot be served; `code` is from the table in docs/protocol.md."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code} {message}")


class InvariantError(LiveroomError):
    """Something that cannot happen happened; please report it with the recording."""
