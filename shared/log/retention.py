"""Keeping the log's file bounded: what is old and passed by every group goes."""

from shared.events import catalog
from shared.log.port import Log
from shared.observability import logging
from shared.pack.model import Pack
from shared.runtime import Work, every

_log = logging.get(__name__)
_SECONDS = 600.0


def keep_trimmed(log: Log, pack: Pack) -> Work:
    """A loop that trims every ten minutes; one service runs it, and it may run twice without harm."""
    departments = tuple(catalog.department_topic(department.code) for department in pack.departments)
    groups = {**catalog.GROUPS, catalog.FEED_GROUP: departments}

    async def trim() -> None:
        _log.info("log_trimmed", records=await log.trim(groups))

    return every(_SECONDS, trim)
