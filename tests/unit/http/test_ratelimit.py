import pytest

from shared.http import ratelimit
from shared.http.ratelimit import Bucket, retry_after


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(ratelimit, "clock", hand)
    return hand


def test_what_fits_is_taken_at_once_and_the_rest_flows_in(hand: Hand) -> None:
    bucket = Bucket(10, 20)
    bucket.take(20)
    assert bucket.wait(1) == pytest.approx(0.1, abs=1e-4)
    hand.at = 0.1
    assert bucket.wait(1) == 0
    hand.at = 100
    bucket.take(20)
    assert bucket.wait(1) > 0


def test_more_than_ever_fits_is_taken_when_the_bucket_is_full_and_is_owed(hand: Hand) -> None:
    bucket = Bucket(10, 20)
    assert bucket.wait(1000) == 0
    bucket.take(1)
    assert bucket.wait(999, paid=1) == 0
    bucket.take(999)
    assert bucket.wait(1) == pytest.approx(98.1, abs=1e-4)
    assert bucket.state() == b'"messages";r=0;t=100'


def test_the_fields_say_what_fits_and_what_is_left(hand: Hand) -> None:
    bucket = Bucket(10, 25)
    assert bucket.policy == b'"messages";q=25;w=3'
    bucket.take(15)
    assert bucket.state() == b'"messages";r=10;t=2'
    bucket.take(-15)
    assert bucket.state() == b'"messages";r=25;t=0'


def test_a_wait_is_told_in_whole_seconds() -> None:
    assert [retry_after(wait)["Retry-After"] for wait in (0.01, 1.0, 1.2)] == ["1", "1", "2"]
