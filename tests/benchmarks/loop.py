"""A consumer's loop against a bare one that decodes the same models and does the same store writes."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from statistics import median

from services.classifier.service import SOURCE
from services.intake import store as intake_store
from services.intake.worker import Follower
from services.router import store as router_store
from services.router.rules import Rules
from services.router.store import Numbers
from services.router.worker import Opener
from shared import clock, ids
from shared.events import cases, messages
from shared.events.catalog import CASES, CLASSIFIED, GROUPS, read, topics
from shared.events.envelope import Event, from_record, to_record
from shared.log import Log, Received, Record, open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.loop import Handler, Incoming, Loop
from shared.pack.load import load_pack
from shared.pack.model import Pack
from shared.store import Collection, Document, Store, open_store
from tests.benchmarks.bodies import PACK, bodies
from tests.benchmarks.report import Figure

BATCH = 500
Run = Callable[[Path, int], Awaitable[float]]


class NoRelay:
    """Takes offers and does nothing: the outbox is no part of the loop."""

    def offer(self, documents: Sequence[Document]) -> None:
        """Forget them."""


async def loop(*, quick: bool) -> list[Figure]:
    """The router's loop and intake's: from the log to the store, with and without the loop around the handler."""
    rounds, count = (2, 2_000) if quick else (5, 10_000)
    pack = load_pack(PACK)
    return [await _compare(kind(pack), rounds, count) for kind in (_Routing, _Following)]


class _Case:
    """One consumer: what is on its topic, what is in its store before, and its handler."""

    name: str
    group: str
    collections: tuple[Collection, ...]

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def records(self, count: int) -> list[Record]:
        """What it consumes."""
        raise NotImplementedError

    async def handler(self, documents: Store, count: int) -> Handler:
        """What it does, with its store as it is before."""
        raise NotImplementedError


class _Routing(_Case):
    name, group = "router", "router"
    collections = (router_store.COLLECTION, router_store.COUNTERS)

    def records(self, count: int) -> list[Record]:
        return [to_record(_classified(message), CLASSIFIED) for message in _messages(count)]

    async def handler(self, documents: Store, count: int) -> Handler:
        return Opener(documents, None, NoRelay(), Rules(self.pack), Numbers(documents, self.pack.city)).handle  # type: ignore[arg-type]


class _Following(_Case):
    name, group = "intake", "intake"
    collections = (intake_store.COLLECTION,)

    def records(self, count: int) -> list[Record]:
        return [to_record(event, CASES) for message in _messages(count) for event in _opened_and_triaged(message)]

    async def handler(self, documents: Store, count: int) -> Handler:
        known = [_stored(message) for message in _messages(count)]
        for start in range(0, count, BATCH):
            await documents.insert(intake_store.COLLECTION, known[start : start + BATCH])
        return Follower(documents).handle


async def _compare(case: _Case, rounds: int, count: int) -> Figure:
    records = case.records(count)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(len(records) / await _measured(case, records, count, _with_loop))
        theirs.append(len(records) / await _measured(case, records, count, _bare))
    rate, bare = median(ours), median(theirs)
    raw = {
        "records_per_second": rate,
        "bare": bare,
        "rounds": [round(r) for r in ours],
        "bare_rounds": [round(r) for r in theirs],
    }
    return Figure(f"consumer loop of the {case.name} ÷ bare loop", rate / bare, raw, 0.7)


Way = Callable[[Log, Store, _Case, Handler, Sequence[Record]], Awaitable[float]]


async def _measured(case: _Case, records: Sequence[Record], count: int, way: Way) -> float:
    """Seconds that this way takes for these records, in a fresh home."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="yijian-bench-"))
        documents = open_store(f"sqlite:///{folder}/", "bench")
        stack.push_async_callback(documents.close)
        log = open_log(f"sqlite:///{folder}/log.db")
        stack.push_async_callback(log.close)
        await documents.prepare((*case.collections, LETTERS, PARKED))
        await log.apply_topics(topics(department.code for department in case.pack.departments))
        handle = await case.handler(documents, count)
        return await way(log, documents, case, handle, records)


async def _with_loop(log: Log, documents: Store, case: _Case, handle: Handler, records: Sequence[Record]) -> float:
    """Poll, decode, handle, commit."""
    for start in range(0, len(records), BATCH):
        await log.publish(records[start : start + BATCH])
    stop, left = asyncio.Event(), len(records)

    async def counted(batch: Sequence[Incoming]) -> None:
        nonlocal left
        await handle(batch)
        left -= len(batch)
        if left == 0:
            stop.set()

    letters = DeadLetters(documents, log, service="bench", group=case.group)
    started = time.perf_counter()
    await Loop(log, case.group, GROUPS[case.group], counted, letters, batch=BATCH).run(stop, lambda: None)
    return time.perf_counter() - started


async def _bare(log: Log, documents: Store, case: _Case, handle: Handler, records: Sequence[Record]) -> float:
    """Decode and handle what lies in memory."""
    (place,) = {position.partition for position in await log.publish([records[0]])}
    received = [Received(place, number, one.key, one.value, one.headers, 0.0) for number, one in enumerate(records)]
    started = time.perf_counter()
    for start in range(0, len(received), BATCH):
        events = [(record, from_record(record)) for record in received[start : start + BATCH]]
        await handle([Incoming(record, event, read(event)) for record, event in events])
    return time.perf_counter() - started


@cache
def _messages(count: int) -> list[dict[str, object]]:
    """Messages as they leave intake, with ids that are the same every time."""
    return [_message(number, body) for number, body in enumerate(bodies("loop", count))]


def _message(number: int, body: dict[str, object]) -> dict[str, object]:
    message = messages.Message(
        id=f"019e0000-0000-7000-8000-{number:012x}", channel="hotline", external_id=str(body["external_id"]),
        title=str(body["title"]), text=str(body["text"]), received_at="2026-11-20T01:12:00.000Z",
        place=messages.Place.model_validate(body["place"]), citizen="c1", identifiers=("phone:abc",),
    )  # fmt: skip
    return message.model_dump()


def _classified(message: dict[str, object]) -> Event:
    """As the classifier tells it, with everything that it tells."""
    categories = ("housing.property.service", "environment.noise.works", "transport.bus.lines", "rural.irrigation.channels")
    category = categories[int(str(message["id"])[-4:], 16) % len(categories)]
    others = tuple(messages.Candidate(code=code, probability=0.02) for code in categories[:3])
    why = tuple(messages.Evidence(start=n, end=n + 2, text=str(message["text"])[n : n + 2], weight=1.5) for n in range(5))
    found = messages.Classification(
        category=category, probability=0.91, runners_up=others, path=_path(category), kind="complaint",
        kind_probability=0.8, region="990105", region_evidence="桂花苑", why=why, model_version="bench",
    )  # fmt: skip
    source = str(message["id"])
    data = {"message": message, "classification": found.model_dump()}
    event_id = ids.event_id(source, messages.CLASSIFIED)
    return Event(event_id, messages.CLASSIFIED, SOURCE, source, clock.timestamp(), data, pack_version="1")


def _path(category: str) -> tuple[str, ...]:
    """The levels from the first to this one."""
    parts = category.split(".")
    return tuple(".".join(parts[: level + 1]) for level in range(len(parts)))


def _opened_and_triaged(message: dict[str, object]) -> list[Event]:
    """A case's first two events."""
    source = str(message["id"])
    case = {"case_id": ids.case_id(source), "number": "QT20261120-000001", "message_id": source}
    where = case | {"state": "triage", "disposition": "triage"}
    told = ((cases.OPENED, where), (cases.TRIAGED, where | {"reason": "uncertain", "words": "请人工派单"}))
    return [
        Event(ids.event_id(source, kind), kind, router_store.SOURCE, case["case_id"], clock.timestamp(), data, number, "1")
        for number, (kind, data) in enumerate(told, start=1)
    ]


def _stored(message: dict[str, object]) -> Document:
    """A message as intake keeps it, as far as following its case needs that."""
    received_at = str(message["received_at"])
    standing = {"status": "received", "awaiting": intake_store.AWAITED, "check_at": 0, "tries": 0, "case": None, "history": []}
    body = {
        "message": message,
        "received_at": received_at,
        "minute": received_at[:16],
        "test": 0,
        "tracking_code": "x",
        **standing,
    }
    return Document(str(message["id"]), body, (f"t:{message['id']}", f"x:hotline/{message['external_id']}"))
