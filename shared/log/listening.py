"""A consumer of questions and answers, which are asked anew as long as they matter: what cannot be handled is passed over.

Everything that must not be lost is consumed by `shared.log.loop` instead, which keeps what it cannot handle.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.errors import LeaseLost, Permanent, Transient
from shared.events import catalog
from shared.events.envelope import from_record
from shared.events.messages import Data
from shared.log.port import Consumer, Log, Received
from shared.observability import logging
from shared.runtime import Beat, wait_for

_log = logging.get(__name__)
_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 0.5
_BATCH = 100


class Listener:
    """One member of a group that hears `yijian.audits` or `yijian.findings`."""

    def __init__(self, log: Log, group: str, handle: Callable[[Sequence[Data]], Awaitable[None]]) -> None:
        self._log, self._group, self._handle = log, group, handle

    async def run(self, stop: asyncio.Event, beat: Beat) -> None:
        """Listen until `stop`."""
        async with self._log.subscribe(self._group, catalog.GROUPS[self._group]) as consumer:
            while not stop.is_set():
                try:
                    await self._round(consumer)
                except Transient as error:
                    _log.warning("listener_paused", group=self._group, reason=error.slug)
                    await wait_for(stop, _PAUSE_SECONDS)
                beat()

    async def _round(self, consumer: Consumer) -> None:
        records = await consumer.poll(_BATCH, _POLL_SECONDS)
        heard = [data for record in records if (data := self._understood(record))]
        if heard:
            await self._handle(heard)
        try:
            await consumer.commit({record.partition: record.offset + 1 for record in records})
        except LeaseLost:
            _log.info("lease_lost", group=self._group)

    def _understood(self, record: Received) -> Data | None:
        try:
            return catalog.read(from_record(record))
        except Permanent as error:
            _log.warning("not_understood", group=self._group, offset=record.offset, reason=str(error))
            return None
