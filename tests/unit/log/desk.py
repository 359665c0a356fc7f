"""A consumer with its dead letters, on a real log and a real store in files, whose handler a test can make fail."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shared import ids
from shared.errors import Transient
from shared.events import messages
from shared.events.envelope import Event, to_record
from shared.log import Log, open_log
from shared.log.deadletters import LETTERS, PARKED, DeadLetters
from shared.log.letters import Letters
from shared.log.loop import Incoming, Loop
from shared.log.port import Record, TopicSpec
from shared.runtime import running
from shared.store import Store, open_store
from shared.testing.wait import wait_until

TOPIC = "yijian.deadletters"


class Fault(Exception):
    """Whatever a handler may do wrong."""


class Desk:
    """What was published, what was handled, and what the handler refuses."""

    def __init__(self, log: Log, store: Store) -> None:
        self.log, self.store = log, store
        self.operator = Letters(store)
        self.handled: dict[str, list[str]] = defaultdict(list)
        self.calls = 0
        self.refused: set[str] = set()
        """Notes that cannot be handled."""
        self.away = False
        """Whether what the handler depends on is."""
        self.loop = Loop(log, "desk", [TOPIC], self._handle, DeadLetters(store, log, service="desk", group="desk"), batch=50)

    async def _handle(self, batch: Sequence[Incoming]) -> None:
        self.calls += 1
        if self.away:
            raise Transient("away")
        if any(self.note(item) in self.refused for item in batch):
            raise Fault
        for item in batch:
            self.handled[item.received.key or ""].append(self.note(item))

    @staticmethod
    def note(item: Incoming) -> str:
        """What a test calls this record."""
        assert isinstance(item.data, messages.MessageDead)
        return item.data.reason

    async def publish(self, *notes: str) -> None:
        """`a1 a2 b1`: the first letter is the key."""
        await self.log.publish([record(note) for note in notes])

    async def until_handled(self, *notes: str) -> None:
        """Wait until these have been handled, whatever else has."""

        def done() -> bool:
            return set(notes) <= {one for handled in self.handled.values() for one in handled}

        await wait_until(done, timeout=20, what=f"{notes} being handled: {dict(self.handled)}, {self.loop.trouble}")

    async def until_paused(self) -> None:
        """Wait until the loop waits for what it depends on."""
        await wait_until(lambda: bool(self.loop.trouble), timeout=20, what="a pause")

    async def dead(self, count: int = 1, status: str = "dead") -> list[dict]:
        """The letters of this status, once there are so many."""
        found: list[dict] = []

        async def enough() -> bool:
            found[:] = (await self.operator.page(status=status, reason=None, limit=100, cursor=None))["letters"]
            return len(found) == count

        await wait_until(enough, timeout=20, what=f"{count} letters that are {status}")
        return found

    async def parked(self, count: int) -> None:
        """Wait until so many records are parked."""

        async def enough() -> bool:
            return await self.store.count(PARKED, "by_key", {"group": "desk"}) == count

        await wait_until(enough, timeout=20, what=f"{count} parked records")


def event(note: str) -> Event:
    """An event that the desk understands."""
    data = messages.MessageDead(message_id=note[0], service="desk", letter="l", reason=note)
    return Event(
        id=ids.event_id(note, "note"), type=messages.DEAD, source="/tests", subject=note[0], time="2026-11-20T00:00:00.000Z",
        data=data.model_dump(),
    )  # fmt: skip


def record(note: str) -> Record:
    """Its record."""
    return to_record(event(note), TOPIC)


@asynccontextmanager
async def open_desk(folder: Path, *, going: bool = True) -> AsyncIterator[Desk]:
    """A desk whose loop runs."""
    log, store = open_log(f"sqlite:////{folder}/log.db"), open_store(f"sqlite:////{folder}/", "desk")
    await log.apply_topics([TopicSpec(TOPIC, partitions=1)])
    await store.prepare((LETTERS, PARKED))
    desk = Desk(log, store)
    try:
        async with running({"desk": desk.loop.run} if going else {}, drain_seconds=5):
            yield desk
    finally:
        await log.close()
        await store.close()
