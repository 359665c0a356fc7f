"""The router answers intake's questions: how many cases are there of the messages of a minute, and which have none."""

from collections.abc import Sequence

from services.router import store
from shared import clock, ids
from shared.events.audits import ANSWERED, Answered, Asked
from shared.events.catalog import FINDINGS
from shared.events.envelope import Event, to_record
from shared.events.messages import Data
from shared.log.port import Log, Record
from shared.observability.invariants import digest
from shared.store.port import Store


class Witness:
    """Looks at the cases and says what there is."""

    def __init__(self, documents: Store, log: Log) -> None:
        self._store, self._log = documents, log

    async def hear(self, questions: Sequence[Data]) -> None:
        """Answer these questions."""
        answers = [await self._answer(asked) for asked in questions if isinstance(asked, Asked)]
        await self._log.publish([_record(answer) for answer in answers])

    async def _answer(self, asked: Asked) -> Answered:
        found = digest(await self._store.ids(store.COLLECTION, "by_minute", {"minute": asked.minute}))
        cases = {one: ids.case_id(one) for one in asked.ids}
        known = await self._store.get(store.COLLECTION, list(cases.values()))
        missing = tuple(one for one, case in cases.items() if case not in known)
        return Answered(minute=asked.minute, count=found.count, xor=found.xor, part=asked.part, missing=missing)


def _record(answer: Answered) -> Record:
    event = Event(
        id=ids.new_id(),
        type=ANSWERED,
        source=store.SOURCE,
        subject=answer.minute,
        time=clock.timestamp(),
        data=answer.model_dump(),
    )
    return to_record(event, FINDINGS)
