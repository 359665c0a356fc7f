"""A publisher in a process of its own: prints a line with key, number and offset for every record that was acknowledged.

    python -m tests.contract.log.publisher URL TOPIC KEY COUNT [LARGEST_FILE_BYTES]

With a largest file size the disk counts as full beyond it; the error's name is printed then, and the program ends.
"""

import asyncio
import resource
import signal
import sys

from shared.errors import LogUnavailable
from shared.log import Record, open_log


async def main(url: str, topic: str, key: str, count: str, full_at: str = "") -> None:
    if full_at:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(full_at), int(full_at)))
    log = open_log(url)
    for number in range(int(count)):
        try:
            (position,) = await log.publish([Record(topic, key, f"{key}:{number}".ljust(500).encode())])
        except LogUnavailable as error:
            print(type(error).__name__, flush=True)
            break
        print(key, number, position.partition.number, position.offset, flush=True)
    await log.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
