"""The consumer's loop: poll → decode → parked? → handle → retry → dead-letter → commit; now and then replay.

A failing *dependency* (`Transient`) pauses the loop and counts no attempt; the batch is handled again when it is back.
A failing *record* is found by halving its batch, tried a few times, and kept as a dead letter; later records of its key
are parked, all others flow on. When most of what comes cannot be handled, the loop stops itself instead of draining
the topic into the dead letters.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from shared import clock
from shared.errors import LeaseLost, Permanent, Transient
from shared.events import catalog
from shared.events.envelope import Event, from_record
from shared.events.messages import Data
from shared.failpoints import failpoint
from shared.log.deadletters import DeadLetters
from shared.log.port import Consumer, Log, Partition, Received
from shared.observability import logging, metrics
from shared.runtime import Beat, wait_for

_log = logging.get(__name__)
_ATTEMPTS = (0.05, 0.2)
"""Pauses in seconds before a failing record is tried again: well under a second, since its neighbours wait."""
_PAUSE_SECONDS = (0.1, 5.0)
_REPLAY_SECONDS = 1.0
"""How often a loop looks for dead letters that are to be handled again."""
_POLL_SECONDS = 0.25
"""How long an idle poll waits: also how long a stop waits for it."""


class Incoming(NamedTuple):
    """A record, understood."""

    received: Received
    event: Event
    data: Data


_Failed: TypeAlias = tuple[Incoming, Exception | None]
Handler: TypeAlias = Callable[[Sequence[Incoming]], Awaitable[None]]
"""Handles a batch, in order per key, and takes effect once however often it is called with the same records."""


class FailureLimit:
    """Says stop when more than `share` of the last `window` records became dead letters."""

    def __init__(self, *, window: int = 200, least: int = 20, share: float = 0.5) -> None:
        self._outcomes: deque[bool] = deque(maxlen=window)
        self._least, self._share = least, share

    def note(self, *, handled: int = 0, dead: int = 0) -> None:
        """Count outcomes."""
        self._outcomes.extend([False] * min(handled, self._outcomes.maxlen or 0) + [True] * dead)

    def exceeded(self) -> bool:
        """Whether the loop has to stop."""
        dead = sum(self._outcomes)
        return dead >= self._least and dead > self._share * len(self._outcomes)


class Loop:
    """One member of a consumer group with its handler."""

    def __init__(
        self, log: Log, group: str, topics: Sequence[str], handle: Handler, letters: DeadLetters, *,
        batch: int = 500, session_timeout: float = 6.0, read: Callable[[Event], Data] = catalog.read,
    ) -> None:  # fmt: skip
        """`read`: what an event's data mean to the handler. Raises `BadRecord` for what it cannot be given."""
        self._log, self._group, self._topics = log, group, topics
        self._handle, self._letters = handle, letters
        self._batch, self._session_timeout, self._read = batch, session_timeout, read
        self._limit = FailureLimit()
        self._replay_at = 0.0
        self.trouble: str | None = None
        """Why the loop does not go on at the moment; None when it does."""

    async def run(self, stop: asyncio.Event, beat: Beat) -> None:
        """Consume until `stop`; what has been handled by then is committed."""
        async with self._log.subscribe(self._group, self._topics, session_timeout=self._session_timeout) as consumer:
            pause = _PAUSE_SECONDS[0]
            self._letters.forget()
            while not stop.is_set():
                if self._limit.exceeded():
                    self._halt()
                    await stop.wait()
                    return
                try:
                    await self._round(consumer)
                    await self._replay()
                    self._flow()
                    pause = _PAUSE_SECONDS[0]
                except Transient as error:
                    pause = await self._pause(stop, error, pause)
                beat()

    async def check(self) -> None:
        """Raise RuntimeError with the reason when the loop is paused or has stopped itself."""
        if self.trouble:
            raise RuntimeError(self.trouble)

    async def _round(self, consumer: Consumer) -> None:
        records = await consumer.poll(self._batch, _POLL_SECONDS)
        started = clock.monotonic()
        try:
            await self._letters.assigned(consumer.assigned() | {record.partition for record in records})
            if not records:
                return
            await self._take(records)
            await failpoint(f"{self._group}.handled")
            await consumer.commit(_next_offsets(records))
            await failpoint(f"{self._group}.committed")
        except LeaseLost:
            self._letters.forget()
            _log.info("lease_lost", group=self._group)  # the new holder handles these again; effects are once
        except Transient:
            consumer.seek(_first_offsets(records))
            raise
        metrics.HANDLED.labels(self._group).inc(len(records))
        metrics.HANDLING_SECONDS.labels(self._group).observe(clock.monotonic() - started)

    async def _take(self, records: Sequence[Received]) -> None:
        """Understand and handle these records, in order per key."""
        batch: list[Incoming] = []
        for record in records:
            event = None
            try:
                event = from_record(record)
                batch.append(Incoming(record, event, self._read(event)))
            except Permanent as error:
                await self._handle_flowing(batch)  # what came before it must not be parked behind it
                batch = []
                await self._put_aside(record, event, error, 1)
        await self._handle_flowing(batch)

    async def _handle_flowing(self, batch: Sequence[Incoming]) -> None:
        """Handle those whose key is not blocked. What fails is tried again together, so that a batch with many failing records
        makes its neighbours wait no longer than one with a single one; what fails to the last is put aside."""
        await self._letters.park([item.received for item in batch if self._letters.blocks(item.received)])
        failed = await self._attempt([item for item in batch if not self._letters.blocks(item.received)])
        attempts = 1
        for pause in _ATTEMPTS:
            if all(isinstance(error, Permanent) for _, error in failed if error):
                break
            await clock.sleep(pause)
            failed = await self._attempt([item for item, _ in failed])
            attempts += 1
        for item, error in failed:
            if error:
                await self._put_aside(item.received, item.event, error, attempts)
        if behind := [item for item, error in failed if error is None]:
            await self._handle_flowing(behind)

    async def _attempt(self, batch: Sequence[Incoming]) -> list[_Failed]:
        """Handle a batch, halving what fails until the failing records are alone: those, each with its error, and behind them
        the later ones of the same key, which have not been tried."""
        failed: list[_Failed] = []
        waiting: list[Sequence[Incoming]] = [batch]
        while waiting:
            part = waiting.pop()
            held = {item.received.key for item, _ in failed} - {None}
            failed += [(item, None) for item in part if item.received.key in held]
            flowing = [item for item in part if item.received.key not in held]
            if not flowing:
                continue
            try:
                await self._handle(flowing)
                self._limit.note(handled=len(flowing))
            except Transient:
                raise
            except Exception as error:
                if len(flowing) == 1:
                    failed.append((flowing[0], error))
                else:
                    middle = len(flowing) // 2
                    waiting += [flowing[middle:], flowing[:middle]]
        return failed

    async def _put_aside(self, record: Received, event: Event | None, error: Exception, attempts: int) -> None:
        """Keep a failing record as a dead letter; behind one of its key it is parked."""
        if self._letters.blocks(record):
            await self._letters.park([record])
            return
        await self._letters.keep(record, event, error, attempts)
        self._limit.note(dead=1)

    async def _replay(self) -> None:
        """Now and then: what an operator wants handled again, and what was parked behind it."""
        if clock.monotonic() >= self._replay_at:
            await self._letters.replay(self._handle_again)
            self._replay_at = clock.monotonic() + _REPLAY_SECONDS

    async def _handle_again(self, record: Received) -> None:
        event = from_record(record)
        await self._handle([Incoming(record, event, self._read(event))])

    def _flow(self) -> None:
        self.trouble = None
        metrics.LOOP_STATE.labels(self._group).set(0)

    async def _pause(self, stop: asyncio.Event, error: Transient, pause: float) -> float:
        self._letters.forget()
        self.trouble = f"paused: {error}"
        metrics.LOOP_STATE.labels(self._group).set(1)
        metrics.PAUSED.labels(self._group).inc()
        _log.warning("loop_paused", group=self._group, reason=error.slug, seconds=round(pause, 2))
        await wait_for(stop, pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter is no secret)
        return min(pause * 2, _PAUSE_SECONDS[1])

    def _halt(self) -> None:
        self.trouble = "stopped: most records cannot be handled; look at the dead letters, mend the cause, then restart"
        metrics.LOOP_STATE.labels(self._group).set(2)
        _log.error("loop_halted", group=self._group)


def _next_offsets(records: Sequence[Received]) -> dict[Partition, int]:
    return {record.partition: record.offset + 1 for record in records}


def _first_offsets(records: Sequence[Received]) -> dict[Partition, int]:
    return {record.partition: record.offset for record in reversed(records)}
