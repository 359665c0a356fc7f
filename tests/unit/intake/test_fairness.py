import pytest

from services.intake import fairness
from services.intake.fairness import FairQueue, Share, Shares


class Hand:
    """A clock that is moved by hand."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(fairness, "clock", hand)
    return hand


def test_each_key_has_its_turn_however_long_anothers_line_is() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.add("noisy", f"n{number}", 1)
    queue.add("hotline", "h0", 1)
    queue.add("hotline", "h1", 1)
    assert queue.group(4, 100) == ["n0", "h0", "n1", "h1"]
    assert queue.group(2, 100) == ["n2", "n3"]


def test_a_group_ends_when_it_is_large_enough_and_turns_go_on_where_they_were() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("noisy", "large", 1000)
    queue.add("noisy", "large too", 1000)
    queue.add("hotline", "small", 1)
    assert queue.group(16, 1000) == ["large"]
    assert queue.group(16, 1000) == ["small", "large too"]
    assert not queue


def offered(hand: Hand, shares: Shares, seconds: float, **rates: float) -> dict[str, int]:
    """How many of what each key offers at its rate are admitted."""
    callers = {name: Share() for name in rates}
    admitted = dict.fromkeys(rates, 0)
    moments = sorted((number / rate, name) for name, rate in rates.items() for number in range(int(rate * seconds)))
    for hand.at, name in moments:
        if shares.admits(callers[name], 1):
            shares.take(callers[name], 1)
            admitted[name] += 1
    return admitted


def test_a_noisy_key_leaves_another_its_share(hand: Hand) -> None:
    admitted = offered(hand, Shares(200), 10, noisy=1900, hotline=90)
    assert admitted["hotline"] >= 0.95 * 900
    assert admitted["noisy"] == pytest.approx(1100, rel=0.1)


def test_what_others_do_not_use_may_be_used(hand: Hand) -> None:
    assert offered(hand, Shares(200), 10, noisy=1900, quiet=1)["noisy"] == pytest.approx(1990, rel=0.05)


def test_two_noisy_keys_share_equally_and_the_cap_holds(hand: Hand) -> None:
    admitted = offered(hand, Shares(200), 10, one=1000, two=3000)
    assert admitted["one"] == pytest.approx(admitted["two"], rel=0.1)
    assert sum(admitted.values()) == pytest.approx(2000, rel=0.05)


def test_whoever_rested_may_send_little_at_once(hand: Hand) -> None:
    """All of a burst wait for each other, so a large one is late."""
    shares, share = Shares(200), Share()
    for hand.at in (0.0, 0.9):  # it asks, and takes nothing: both its share and what is left over fill up
        shares.admits(share, 1)
    hand.at, admitted = 1.8, 0
    while shares.admits(share, 1):
        shares.take(share, 1)
        admitted += 1
    assert admitted == pytest.approx(0.1 * 200, abs=1)


def test_a_batch_larger_than_what_can_be_saved_up_is_owed(hand: Hand) -> None:
    shares, share = Shares(200), Share()
    hand.at = 5.0
    assert shares.admits(share, 1)
    hand.at = 6.5
    assert shares.admits(share, 500)
    shares.take(share, 500)
    hand.at = 7.0
    assert not shares.admits(share, 1)
