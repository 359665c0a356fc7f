from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from rich.console import Console
from rich.progress import Progress

from tools.client import Client
from tools.mapping import Plan
from tools.posting import Pace, Poster, ask_statuses, in_batches
from tools.replay import run
from tools.rows import Row, Source
from tools.tally import Tally

PACE = Pace(batch=2, concurrency=2, item_pause=0, item_tries=3)


class Intake:
    """Answers as intake does, after the troubles it is given; remembers every body."""

    def __init__(self, *troubles: httpx.Response | Exception) -> None:
        self.troubles = list(troubles)
        self.bodies: list[bytes] = []
        self.ids: set[str] = set()
        self.item: Callable[[dict[str, Any]], int] = lambda message: 422 if not message["text"] else 202
        self.status = "department"

    def client(self, patience: float = 5) -> Client:
        return Client("http://intake", "key", patience=patience, first_pause=0.0, transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        if request.url.path.endswith(":status"):
            return httpx.Response(
                200, json={"statuses": {one: {"status": self.status} for one in orjson.loads(request.content)["ids"]}}
            )
        return httpx.Response(200, json={"results": [self.result(orjson.loads(line)) for line in request.content.splitlines()]})

    def result(self, message: dict[str, Any]) -> dict[str, Any]:
        status = self.item(message)
        if status != 202:
            return {"status": status, "problem": {"detail": "The text is empty."}}
        known = message["external_id"] in self.ids
        self.ids.add(message["external_id"])
        return {"status": 202, "id": message["external_id"], "duplicate": known}


def items(number: int) -> list[tuple[int, bytes]]:
    return [(index, orjson.dumps({"external_id": str(index), "text": "t"})) for index in range(number)]


async def post(intake: Intake, number: int = 5, patience: float = 5) -> tuple[Tally, Poster]:
    tally = Tally(read=number)
    async with intake.client(patience) as client:
        poster = Poster(client, PACE, tally)
        await poster.post(items(number), lambda: None)
        if not poster.trouble:
            await ask_statuses(client, tally)
    return tally, poster


async def test_every_item_is_posted_once_and_followed() -> None:
    tally, poster = await post(Intake())
    assert poster.trouble is None
    assert (tally.posted, tally.accepted, tally.dispositions["department"], tally.not_yet) == (5, 5, 5, 0)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "0"}),
    ],
    ids=repr,
)
async def test_trouble_is_answered_with_the_same_content_again(trouble: httpx.Response | Exception) -> None:
    intake = Intake(trouble)
    tally, _ = await post(intake, number=2)
    assert intake.bodies[0] == intake.bodies[1]
    assert tally.mistakes(waited=True) == []


async def test_an_item_that_must_wait_is_posted_again_alone() -> None:
    intake = Intake()
    answers = iter([202, 409])
    intake.item = lambda message: next(answers, 202)
    tally, _ = await post(intake, number=2)
    assert [len(body.splitlines()) for body in intake.bodies[:2]] == [2, 1]
    assert (tally.accepted, tally.refused) == (2, 0)


async def test_an_item_that_is_never_taken_ends_the_posting_and_shows_in_the_account() -> None:
    intake = Intake()
    intake.item = lambda message: 503
    tally, poster = await post(intake, number=2)
    assert "not taken after 3 tries" in str(poster.trouble)
    assert tally.mistakes(waited=False) == ["2 rows were not posted"]


async def test_a_service_that_never_answers_ends_the_posting() -> None:
    intake = Intake(*(httpx.ConnectError("refused") for _ in range(100)))
    _, poster = await post(intake, patience=0)
    assert "refused" in str(poster.trouble)


async def test_a_wrong_key_ends_the_posting_with_the_services_own_words() -> None:
    _, poster = await post(Intake(*(httpx.Response(401, json={"detail": "This API key is not known here."}) for _ in range(9))))
    assert "This API key is not known here." in str(poster.trouble)


async def test_a_batch_that_is_too_large_goes_in_halves_and_a_message_that_is_too_large_is_refused() -> None:
    too_large = httpx.Response(413, json={"detail": "too large"})
    tally, _ = await post(Intake(too_large, too_large), number=2)
    assert (tally.accepted, tally.refused, tally.reasons) == (1, 1, ["row 0: too large"])


def test_batches_are_bounded_in_number_and_in_bytes() -> None:
    assert [len(batch) for batch in in_batches(items(5), 2)] == [2, 2, 1]
    large = [(index, b"x" * 3_000_000) for index in range(3)]
    assert [len(batch) for batch in in_batches(large, 1000)] == [1, 1, 1]


def test_a_low_rate_posts_few_at_a_time() -> None:
    assert [Pace(200, 4, rate).batch_size for rate in (None, 1000, 50, 0.5)] == [200, 200, 50, 1]


def source(rows: list[Row]) -> Source:
    return Source([], iter(rows), len(rows), lambda: 0.0)


async def test_a_replay_counts_every_row_and_a_second_one_makes_no_second_message() -> None:
    intake = Intake()
    rows = [
        Row(2, {"text": "a"}),
        Row(3, {"text": " "}),
        Row(4, {}, "not JSON"),
        Row(5, {"text": "b\ud800"}),
        Row(6, {"text": "a"}),
    ]
    accounts = []
    for _ in range(2):
        with Progress(console=Console(quiet=True)) as progress:
            tally, trouble = await run(source(rows), Plan({}), intake.client(), PACE, wait=True, progress=progress)
        assert trouble is None
        assert tally.mistakes(waited=True) == []
        accounts.append((tally.accepted, tally.duplicates, tally.refused, tally.unreadable))
    assert accounts == [(2, 0, 1, 2), (0, 2, 1, 2)]


async def test_a_replay_that_stops_early_counts_the_rest_of_the_file() -> None:
    intake = Intake(*(httpx.Response(401, json={"detail": "unknown key"}) for _ in range(2)))
    rows = [Row(number, {"text": "t"}) for number in range(20)]
    with Progress(console=Console(quiet=True)) as progress:
        tally, trouble = await run(source(rows), Plan({}), intake.client(), PACE, wait=True, progress=progress)
    assert "unknown key" in str(trouble)
    assert tally.mistakes(waited=True) == ["20 rows were not posted"]
