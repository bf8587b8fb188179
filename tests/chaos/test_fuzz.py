"""A slice of `make fuzz`; and the fuzzer itself, which must see what is wrong."""

import time

import pytest

from stream.formats import FORMAT_BY_NAME, Unreadable
from tests.chaos.fuzz import HungError, Tally, fuzz, limited
from tests.chaos.fuzz_samples import DOCUMENTS
from tests.chaos.fuzz_targets import Target, targets
from tests.chaos.mutate import Mutator
from tests.support.accounts import balance

SLICE = 4_000
NAMES = ("log lines", "adapters", "protocol", "rule files")


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Target, float]]:
    """Return every surface by name, with its share."""
    found = targets(tmp_path_factory.mktemp("fuzz"))
    return {target.name: (target, share) for target, share in found}


@pytest.mark.parametrize("name", NAMES)
def test_mutated_inputs_crash_nothing_and_are_accounted_for(
    name: str, surfaces: dict[str, tuple[Target, float]]
) -> None:
    target, share = surfaces[name]
    said: list[str] = []
    tally = fuzz(target, int(SLICE * share), 11, said.append)
    assert tally.good, said
    assert tally.inputs >= SLICE * share


def test_the_surfaces_are_all_of_them(surfaces: dict[str, tuple[Target, float]]) -> None:
    assert tuple(surfaces) == NAMES
    assert sum(share for _, share in surfaces.values()) == pytest.approx(1.0)


class Broken:
    """Crashes at every third input."""

    name = "broken"

    def __init__(self) -> None:
        self.count = 0

    def run(self, mutator: Mutator) -> int:
        self.count += 1
        if self.count % 3 == 0:
            raise KeyError(self.count)
        return 1

    def renew(self) -> None:
        """Nothing is kept."""


def test_a_crash_is_counted_and_the_rest_goes_on() -> None:
    tally = fuzz(Broken(), 6, 1, lambda _: None)
    assert tally.crashes.total() == 2
    assert not tally.good


def test_a_call_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.fuzz.HANG_S", 0.05)
    with pytest.raises(HungError), limited():
        while True:
            time.sleep(0)


def test_growth_is_from_the_first_half_to_the_second() -> None:
    assert Tally("x", memory_mib=[1, 9, 9, 12]).growth_mib == 3
    assert Tally("x", memory_mib=[1, 9, 5, 6]).growth_mib == 0
    assert Tally("x", memory_mib=[1]).growth_mib == 0


def test_the_same_seed_makes_the_same_mutations_and_nearly_all_differ() -> None:
    samples = [b'{"a":1,"b":"text"}', b"[1,2,3]"]
    one, two = Mutator(3), Mutator(3)
    made = [one.some(samples) for _ in range(200)]
    assert made == [two.some(samples) for _ in range(200)]
    assert sum(text not in samples for text in made) > 180


@pytest.mark.parametrize(
    ("counters", "good"),
    [
        ({}, True),
        ({"in": 3, "accepted": 1, "duplicates": 1, "dead": 1, "dead.poison": 1}, True),
        ({"in": 3, "accepted": 1, "duplicates": 1}, False),
        ({"in": 1, "dead": 1}, False),
    ],
)
def test_a_missing_line_or_letter_is_noticed(counters: dict[str, int], good: bool) -> None:
    assert (balance(counters) == "") is good


def test_the_samples_are_right_before_they_are_mutated() -> None:
    for name, documents in DOCUMENTS.items():
        read = FORMAT_BY_NAME[name].read
        assert read is not None
        records = [record for data in documents for record in read(data, b"key")]
        good = [record for record in records if not isinstance(record, Unreadable)]
        assert good, name
