"""Structured logs: one JSON object a line on standard error, or readable lines on a terminal. Never anything personal."""

import io
import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from shared.observability import metrics


def configure(service: str, level: str = "info") -> None:
    """Set up logging of this process; called once, by the program that owns it."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.raiseExceptions = False
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"logger":"%(name)s","level":"%(levelname)s","event":"%(message)s"}'
    )


class _Unfailing(io.TextIOBase):
    """A stream that loses what cannot be written, and counts it.

    The disk that is full for the store is full for the log of what happens, too: a loop that wants to say that it waits must not
    die of saying it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or count what is lost."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            metrics.UNLOGGED.inc()
            return len(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that names its module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger
