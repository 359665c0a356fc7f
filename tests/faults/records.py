"""Reading and publishing on the log beside the services: what a log may do to its readers is done to them here."""

from collections.abc import Sequence
from contextlib import suppress

from shared import ids
from shared.errors import Transient
from shared.log import open_log
from shared.log.port import Log, Partition, Received, Record
from shared.testing.wait import wait_until
from tests.faults.trial import Trial


async def read(of: Trial, topic: str) -> list[Received]:
    """Everything on a topic now, each partition's in order."""
    log = open_log(of.fleet.home.log)
    try:
        return await _read(log, topic)
    finally:
        await log.close()


async def _read(log: Log, topic: str) -> list[Received]:
    found: list[Received] = []
    group = f"again-{ids.new_id()}"
    ends = await wait_until(lambda: _ends(log, group, topic), timeout=60, what=f"the end of {topic}")
    async with log.subscribe(group, [topic]) as consumer:

        async def at_the_end() -> bool:
            with suppress(Transient):
                found.extend(await consumer.poll(2_000, 0.3))
            read_to = {one.partition: one.offset + 1 for one in found}
            return all(read_to.get(partition, 0) >= end for partition, end in ends.items())

        await wait_until(at_the_end, timeout=60, what=f"the end of {topic}")
    return found


async def _ends(log: Log, group: str, topic: str) -> dict[Partition, int]:
    """Where the topic's partitions end now; empty while the log cannot be asked."""
    try:
        return {partition: lag.end for partition, lag in (await log.lag(group, [topic])).items()}
    except Transient:
        return {}


async def publish(of: Trial, records: Sequence[Record]) -> None:
    """Put these on the log, however often that has to be tried."""
    log = open_log(of.fleet.home.log)

    async def published() -> bool:
        try:
            await log.publish(records)
        except Transient:
            return False
        return True

    try:
        await wait_until(published, timeout=60, what="the log taking records")
    finally:
        await log.close()


async def publish_again(of: Trial, topic: str, *, times: int, last: int, backwards: bool = False) -> None:
    """The last records of a topic once more, as they were."""
    records = [Record(one.partition.topic, one.key or "", one.value, one.headers) for one in (await read(of, topic))[-last:]]
    for _ in range(times):
        await publish(of, records[::-1] if backwards else records)
