"""JSON nested as deep as a parser just manages, in every place of every adapter's documents."""

import json
from collections.abc import Iterator

import pytest

from stream.formats import FORMATS
from stream.formats.table import Format
from tests.chaos.fuzz_samples import DOCUMENTS

_HERE = "@@here@@"
_DEPTHS = (63, 64, 65, *range(880, 1_003), 20_000)


def _variants(value: object) -> Iterator[object]:
    """The value with one of its parts, in turn, said to be `_HERE`."""
    yield _HERE
    if isinstance(value, dict):
        yield {**value, "another": _HERE}
        for name, part in value.items():
            yield from ({**value, name: other} for other in _variants(part))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _variants(part))


def _templates(entry: Format) -> Iterator[str]:
    for sample in DOCUMENTS[entry.name]:
        for line in sample.split(b"\n")[:3]:
            try:
                document = json.loads(line)
            except ValueError:
                continue
            yield from (json.dumps(one) for one in _variants(document))


def _json_formats() -> list[Format]:
    return [one for one in FORMATS if one.read is not None and any(_templates(one))]


@pytest.mark.parametrize("entry", _json_formats(), ids=lambda entry: entry.name)
def test_however_deep_it_is_an_adapter_goes_on(entry: Format) -> None:
    assert entry.read is not None
    seen = 0
    for template in sorted(set(_templates(entry))):
        for depth in _DEPTHS:
            for opening, closing in (("[", "]"), ('{"a":', "}")):
                deep = opening * depth + "1" + closing * depth
                data = template.replace(f'"{_HERE}"', deep).encode()
                seen += sum(1 for _ in entry.read(data, b"k" * 32))
    assert seen > 0
