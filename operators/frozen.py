"""A captured state as a file and back: a pickle without the arrays' contents, then those.

The contents are written as they lie in memory: nothing is copied, and a thread that writes
them keeps nobody waiting.
"""

import pickle
import struct
from collections.abc import Mapping, Sequence
from typing import Final

_MAGIC: Final = b"lvrmst01"
_COUNT: Final = struct.Struct("<Q")
_ALIGN: Final = 16

Part = bytes | memoryview


def parts_of(data: Mapping[str, object]) -> list[Part]:
    """The bytes of a state, in pieces to be written one after the other.

    They refer to the arrays of `data`, which must not change until they are written.
    """
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(dict(data), protocol=5, buffer_callback=buffers.append)
    bodies: list[Part] = [head, *(buffer.raw() for buffer in buffers)]
    sizes = [len(body) for body in bodies]
    index = _COUNT.pack(len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
    found: list[Part] = [_MAGIC + index, _padding(len(_MAGIC) + len(index))]
    for body in bodies:
        found += [body, _padding(len(body))]
    return found


def whole(parts: Sequence[Part]) -> bytes:
    """The pieces as one."""
    return b"".join(parts)


def parse(data: bytes) -> object:
    """What was given to `parts_of`; its arrays lie in `data` and cannot be written to.

    Also takes the plain pickles of earlier versions.
    """
    if not data.startswith(_MAGIC):
        return pickle.loads(data)
    at = len(_MAGIC)
    (count,) = _COUNT.unpack_from(data, at)
    at += _COUNT.size
    sizes = struct.unpack_from(f"<{count}Q", data, at)
    at += count * _COUNT.size
    view, bodies = memoryview(data), []
    for size in sizes:
        at += len(_padding(at))
        bodies.append(view[at : at + size])
        at += size
    return pickle.loads(bodies[0], buffers=bodies[1:])


def _padding(size: int) -> bytes:
    return bytes(-size % _ALIGN)
