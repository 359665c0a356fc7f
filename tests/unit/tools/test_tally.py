from tools.tally import Tally


def made(**changes: int) -> Tally:
    tally = Tally(read=4)
    tally.take("a", duplicate=False)
    tally.take("b", duplicate=False)
    tally.take("a", duplicate=True)
    tally.refuse(5, "empty")
    for name, value in changes.items():
        setattr(tally, name, value)
    return tally


def test_a_row_that_repeats_a_message_is_counted_where_the_message_stands() -> None:
    tally = made()
    tally.settle("a", "department")
    tally.settle("b", "triage")
    assert tally.lines() == [
        ("posted", 4), ("accepted", 2), ("duplicates", 1), ("refused", 1),
        ("routed", 2), ("in triage", 1), ("dead", 0), ("not yet", 0),
    ]  # fmt: skip
    assert tally.mistakes(waited=True) == []


def test_a_status_that_is_no_disposition_leaves_a_message_pending() -> None:
    tally = made()
    tally.settle("a", "received")
    assert tally.not_yet == 3
    assert tally.mistakes(waited=False) == []
    assert tally.mistakes(waited=True) == ["3 have no disposition yet"]


def test_other_dispositions_are_shown_when_there_are_any() -> None:
    tally = made()
    tally.settle("b", "not_admitted")
    assert ("not admitted", 1) in tally.lines()


def test_settling_again_or_an_unknown_message_changes_nothing() -> None:
    tally = made()
    for _ in range(2):
        tally.settle("a", "closed")
        tally.settle("stranger", "closed")
    assert tally.dispositions.total() == 2


def test_an_account_that_does_not_add_up_says_why() -> None:
    assert made(read=9).mistakes(waited=False) == ["5 rows were not posted"]
    assert made(posted=5, read=5).mistakes(waited=False) == ["posted is not accepted + duplicates + refused"]
    assert made(accepted=3, posted=5, read=5).mistakes(waited=False) == ["accepted + duplicates is not the sum of where they are"]


def test_rows_that_cannot_be_read_are_counted_and_only_the_first_reasons_are_kept() -> None:
    tally = Tally(read=9)
    for row in range(9):
        tally.skip(row, "not JSON")
    assert tally.mistakes(waited=True) == []
    assert ("unreadable", 9) in tally.lines()
    assert tally.reasons == [f"row {row}: not JSON" for row in range(5)]
