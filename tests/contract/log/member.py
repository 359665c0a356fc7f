"""A member of a group in a process of its own, to be stopped and killed: it polls until it has something, prints the
offsets as JSON, and then does what it reads on stdin: `commit` (prints `committed` or the error's name) or `leave`.

    python -m tests.contract.log.member URL GROUP TOPIC SESSION_TIMEOUT
"""

import asyncio
import json
import sys

from shared.errors import YijianError
from shared.log import Consumer, Received, open_log


async def main(url: str, group: str, topic: str, timeout: str) -> None:
    log = open_log(url)
    async with log.subscribe(group, [topic], session_timeout=float(timeout)) as consumer:
        records: list[Received] = []
        while not records:
            records = await consumer.poll(100, 1.0)
        say(json.dumps([record.offset for record in records]))
        while (await asyncio.to_thread(sys.stdin.readline)).strip() == "commit":
            say(await commit(consumer, records))
    await log.close()


async def commit(consumer: Consumer, records: list[Received]) -> str:
    try:
        await consumer.commit({record.partition: record.offset + 1 for record in records})
    except YijianError as error:
        return type(error).__name__
    return "committed"


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
