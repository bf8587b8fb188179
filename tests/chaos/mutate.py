"""Seeded mutations of bytes and of JSON values: near misses, not noise."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Final

NUMBERS: Final = (
    b"0 -0 -1 1e999 -1e-999 0.1 1e30 255 65536 2147483648 9007199254740993 9223372036854775807 "
    b"9223372036854775808 18446744073709551616 NaN Infinity -Infinity 01 0x10 4102444800000"
).split()
TOKENS: Final = (
    *(b"null", b"true", b"{}", b"[]", b'""', b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"\x00"),
    *(b"\xff", b"\xc0\x80", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\xe2\x80\xae", b"\r\n", b"\n"),
    *(b"\t", b",", b":", b"}", b"]", b"[" * 300, b"{" * 300, b"<!--", b"]]>", b"&amp;", b"</i>"),
    *(b'"type":"tick"', b'"user_id":"', b"[[rule]]\n", b" = ", b"#", b"=", b"1970-01-01T00:00:00Z"),
)
VALUES: Final[tuple[object, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 0.5, 1e308),
    *("", " ", "x" * 129, "x" * 10_001, "\x00", "\u202e", "é", "💥", "0", "None", "../..", "a/b"),
    *([], {}, [None], {"a": {"b": []}}, "f" * 16, "F" * 16, "g" * 16, "tick", "t1\x00t2"),
)


class Mutator:
    """Makes wrong inputs out of right ones; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self._ways: tuple[Callable[[bytes, Sequence[bytes]], bytes], ...] = (
            *(self._flip, self._insert, self._delete, self._double, self._cut),
            *(self._number, self._token, self._splice),
        )

    def some(self, samples: Sequence[bytes], whole: float = 0.4) -> bytes:
        """A mutated one of `samples`; a share of `whole` stays a document, with odd values."""
        sample = self.draw.choice(samples)
        return self.mutate(sample, samples, whole)

    def mutate(self, sample: bytes, others: Sequence[bytes], whole: float = 0.4) -> bytes:
        """One mutated document."""
        if self.draw.random() < whole:
            changed = self._value(sample)
            if changed is not None:
                return changed
        for _ in range(self.draw.choice((1, 1, 1, 2, 3, 8))):
            sample = self.draw.choice(self._ways)(sample, others)
        return sample

    def _place(self, data: bytes) -> int:
        return self.draw.randrange(len(data) + 1)

    def _flip(self, data: bytes, others: Sequence[bytes]) -> bytes:
        if not data:
            return data
        at = self.draw.randrange(len(data))
        return data[:at] + bytes((data[at] ^ (1 << self.draw.randrange(8)),)) + data[at + 1 :]

    def _insert(self, data: bytes, others: Sequence[bytes]) -> bytes:
        at = self._place(data)
        return data[:at] + self.draw.randbytes(self.draw.choice((1, 1, 2, 8, 64))) + data[at:]

    def _delete(self, data: bytes, others: Sequence[bytes]) -> bytes:
        at = self._place(data)
        return data[:at] + data[at + self.draw.choice((1, 1, 2, 8, 64)) :]

    def _double(self, data: bytes, others: Sequence[bytes]) -> bytes:
        at, size = self._place(data), self.draw.choice((1, 4, 16, 64))
        return data[:at] + data[at : at + size] * self.draw.choice((2, 2, 3, 40)) + data[at:]

    def _cut(self, data: bytes, others: Sequence[bytes]) -> bytes:
        return data[: self._place(data)]

    def _number(self, data: bytes, others: Sequence[bytes]) -> bytes:
        places = [at for at, byte in enumerate(data) if 48 <= byte < 58]
        if not places:
            return data
        begin = end = self.draw.choice(places)
        while begin and 48 <= data[begin - 1] < 58:
            begin -= 1
        while end < len(data) and 48 <= data[end] < 58:
            end += 1
        return data[:begin] + self.draw.choice(NUMBERS) + data[end:]

    def _token(self, data: bytes, others: Sequence[bytes]) -> bytes:
        at = self._place(data)
        over = self.draw.choice((0, 0, 1, 4))
        return data[:at] + self.draw.choice(TOKENS) + data[at + over :]

    def _splice(self, data: bytes, others: Sequence[bytes]) -> bytes:
        other = self.draw.choice(others)
        return data[: self._place(data)] + other[self._place(other) :]

    def _value(self, data: bytes) -> bytes | None:
        """The document with one value of its tree changed; None if it is no JSON."""
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return None
        if not isinstance(tree, dict | list) or not tree:
            return None
        holder: dict[str, object] | list[object] = tree
        while self.draw.random() < 0.8:
            inner = [node for node in _values(holder) if isinstance(node, dict | list) and node]
            if not inner:
                break
            holder = self.draw.choice(inner)
        if isinstance(holder, list):
            holder[self.draw.randrange(len(holder))] = self.draw.choice(VALUES)
        elif self.draw.random() < 0.2:
            name = self.draw.choice(list(holder))
            holder[self.draw.choice(("", "type", "event_id", "x" * 200))] = holder.pop(name)
        else:
            holder[self.draw.choice(list(holder))] = self.draw.choice(VALUES)
        return json.dumps(tree, ensure_ascii=self.draw.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )


def _values(node: dict[str, object] | list[object]) -> list[object]:
    return list(node.values()) if isinstance(node, dict) else node
