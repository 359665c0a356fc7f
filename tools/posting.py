"""Posting many messages in batches, as a channel system should: the same content again until every item is answered."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from shared import clock
from shared.errors import YijianError
from tools.client import Client, Refused, Unanswered, good, reason
from tools.tally import Tally

Item: TypeAlias = tuple[int, bytes]
"""A row's number with the JSON of its message: made once, so that a repeat has the same content."""
_BATCH_BYTES = 4 * 1024 * 1024
_TOO_LARGE = 413
_TRY_AGAIN = frozenset({409, 429, 500, 502, 503, 504})
"""Statuses of single items that may be answered otherwise a moment later."""
_STATUS_IDS = 1000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to post."""

    batch: int = 200
    concurrency: int = 4
    rate: float | None = None
    """Messages a second; None: as fast as they are taken."""
    item_pause: float = 0.5
    """Seconds before items are posted again that were not taken; grows."""
    item_tries: int = 12

    @property
    def batch_size(self) -> int:
        """Messages a request: at a low rate fewer, so that one goes out every second."""
        return self.batch if self.rate is None else max(1, min(self.batch, int(self.rate)))


class Poster:
    """Posts items with some requests at a time and counts the answers. `trouble` says why it stopped early."""

    def __init__(self, client: Client, pace: Pace, tally: Tally) -> None:
        self.trouble: str | None = None
        self._client, self._pace, self._tally = client, pace, tally
        self._next_turn = clock.monotonic()

    async def post(self, items: Iterable[Item], on_progress: Callable[[], None]) -> None:
        """Post everything. The workers share one stream, so memory holds no more than they have in hand."""
        batches = in_batches(items, self._pace.batch_size)
        await asyncio.gather(*(self._work(batches, on_progress) for _ in range(self._pace.concurrency)))

    async def _work(self, batches: Iterator[list[Item]], on_progress: Callable[[], None]) -> None:
        for batch in batches:
            try:
                await self._turn(len(batch))
                await self._post(batch)
            except (Unanswered, Refused) as trouble:
                self.trouble = str(trouble)
            if self.trouble:
                return
            on_progress()

    async def _turn(self, messages: int) -> None:
        """Wait until the rate allows so many messages."""
        if self._pace.rate is not None:
            start = max(self._next_turn, clock.monotonic())
            self._next_turn = start + messages / self._pace.rate
            await clock.sleep(start - clock.monotonic())

    async def _post(self, batch: list[Item]) -> None:
        pause = self._pace.item_pause
        for _ in range(self._pace.item_tries):
            batch = await self._post_once(batch)
            if not batch:
                return
            await clock.sleep(pause)
            pause = min(pause * 2, 10 * self._pace.item_pause)
        raise Unanswered(f"row {batch[0][0]} and {len(batch) - 1:,} others were not taken after {self._pace.item_tries} tries")

    async def _post_once(self, batch: list[Item]) -> list[Item]:
        """Post a batch; the items that are to be posted again."""
        body = b"\n".join(message for _, message in batch)
        answer = await self._client.send("POST", "/v1/messages:batch", body, Content_Type="application/x-ndjson")
        if answer.status_code == _TOO_LARGE:
            return await self._post_parts(batch, reason(answer))
        results: list[dict[str, Any]] = good(answer)["results"]
        if len(results) != len(batch):
            raise YijianError(f"{len(batch)} messages were posted, but {len(results)} were answered")
        return [item for item, result in zip(batch, results, strict=True) if not self._count(item, result)]

    async def _post_parts(self, batch: list[Item], why: str) -> list[Item]:
        """A batch that is too large goes in halves; a message that is too large alone is refused."""
        if len(batch) == 1:
            self._tally.refuse(batch[0][0], why)
            return []
        middle = len(batch) // 2
        return [*await self._post_once(batch[:middle]), *await self._post_once(batch[middle:])]

    def _count(self, item: Item, result: dict[str, Any]) -> bool:
        """Count an item's answer; False when it is to be posted again."""
        if result["status"] in _TRY_AGAIN:
            return False
        if "id" in result:
            self._tally.take(result["id"], duplicate=bool(result.get("duplicate")))
        else:
            self._tally.refuse(item[0], str(result.get("problem", {}).get("detail", f"status {result['status']}")))
        return True


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Up to `size` items and about 4 MB at a time."""
    batch: list[Item] = []
    held = 0
    for item in items:
        if batch and (len(batch) >= size or held + len(item[1]) > _BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += len(item[1])
    if batch:
        yield batch


async def ask_statuses(client: Client, tally: Tally) -> None:
    """Ask intake once where every message stands that is not settled yet."""
    waiting = list(tally.pending)
    for start in range(0, len(waiting), _STATUS_IDS):
        statuses = await statuses_of(client, waiting[start : start + _STATUS_IDS])
        for message_id, standing in statuses.items():
            tally.settle(message_id, str(standing.get("disposition") or standing.get("status")))


async def statuses_of(client: Client, message_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How up to 1,000 messages stand, by id."""
    answer: dict[str, dict[str, Any]] = (await client.post("/v1/messages:status", {"ids": message_ids}))["statuses"]
    return answer


def encode(message: dict[str, Any]) -> bytes:
    """A message as one line of NDJSON. Raises `ValueError` for what no JSON can hold (a lone surrogate)."""
    try:
        return orjson.dumps(message)
    except TypeError as error:
        raise ValueError(str(error)) from None
