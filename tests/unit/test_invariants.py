"""What intake and router must agree on."""

from datetime import UTC, datetime

from shared import ids
from shared.observability.invariants import digest, minute_of, minutes_due


def test_a_digest_tells_sets_apart_and_not_their_order() -> None:
    some = [ids.new_id() for _ in range(20)]
    assert digest(some) == digest(reversed(some))
    assert digest(some).count == 20
    assert digest(some) != digest(some[1:])
    assert digest([*some[1:], ids.new_id()]) != digest(some)
    assert digest([]).xor == "0" * 32


def test_minutes_are_due_once_they_are_over_and_a_bounded_number_at_a_time() -> None:
    until = datetime(2026, 11, 20, 1, 3, 59, tzinfo=UTC)
    assert list(minutes_due("2026-11-20T00:59", until, most=10)) == ["2026-11-20T01:00", "2026-11-20T01:01", "2026-11-20T01:02"]
    assert list(minutes_due("2026-11-20T00:59", until, most=2)) == ["2026-11-20T01:00", "2026-11-20T01:01"]
    assert list(minutes_due("2026-11-20T01:02", until, most=10)) == []
    assert minute_of(until) == "2026-11-20T01:03"
