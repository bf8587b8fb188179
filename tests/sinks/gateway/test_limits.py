import pytest

from sinks.gateway.limits import Admission, Limits, TokenBucket, client_address


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(10, 3, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_ms() == 100
    assert bucket.take(0.1)
    assert not bucket.take(0.1)
    assert [bucket.take(99.0) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(10, 1, 5.0)
    assert bucket.take(5.0)
    assert not bucket.take(1.0)


def test_admission_counts_process_address_and_user() -> None:
    limits = Limits(max_connections=3, max_per_address=2, max_per_user=1, accept_per_s=100)
    admission = Admission(limits, 0.0)
    assert admission.refuse("a", 0.0) is None
    admission.enter("a")
    admission.enter("a")
    assert admission.refuse("a", 0.0) == "per_ip"
    assert admission.refuse("b", 0.0) is None
    admission.enter("b")
    assert admission.refuse("c", 0.0) == "full"
    assert admission.enter_user("u")
    assert not admission.enter_user("u")
    admission.leave("a", "u")
    assert admission.enter_user("u")
    assert admission.refuse("a", 0.0) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("127.0.0.1", [], None),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1, 127.0.0.1"], "198.51.100.1"),
        ("127.0.0.1", [" , "], None),
    ],
)
def test_a_forwarded_address_is_believed_from_our_own_proxy_only(
    peer: str, forwarded: list[str], address: str | None
) -> None:
    assert client_address(peer, forwarded, ("127.0.0.1", "::1")) == address


def test_programs_on_this_host_are_not_limited_by_address() -> None:
    admission = Admission(Limits(max_per_address=1), 0.0)
    admission.enter(None)
    assert admission.refuse(None, 0.0) is None
    admission.leave(None, None)
    assert admission.open == 0


def test_the_rate_of_accepts_is_limited() -> None:
    admission = Admission(Limits(accept_per_s=2), 0.0)
    assert [admission.refuse("a", 0.0) for _ in range(3)] == [None, None, "rate"]
    assert admission.refuse("a", 1.0) is None
