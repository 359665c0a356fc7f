"""Whether the classifier can do its job now: its model decides, its loop goes on, and it would start again."""

import asyncio
from pathlib import Path

from services.classifier.artifact import FILE
from services.classifier.inference import Classifier
from services.classifier.model import Text
from shared.http.health import Check
from shared.log.loop import Loop

_PROBE = Text(title="", text="路灯不亮")


def model_decides(classifier: Classifier) -> Check:
    """The model in memory answers a question."""

    async def check() -> None:
        try:
            await asyncio.to_thread(classifier.classify, [_PROBE])
        except Exception as error:
            raise RuntimeError(
                f"the model answers no more ({type(error).__name__}: {error}): train it anew, then restart"
            ) from error

    return check


def model_is_there(folder: Path) -> Check:
    """The model's file is where a restart would look for it."""

    async def check() -> None:
        if not (folder / FILE).is_file():
            raise RuntimeError(f"{folder / FILE} is gone: the classifier works on, but would not start again (yijian train)")

    return check


def loop_not_stopped(loop: Loop) -> Check:
    """The loop has not stopped itself. That it waits for a dependency only degrades the service."""

    async def check() -> None:
        if loop.trouble and loop.trouble.startswith("stopped"):
            raise RuntimeError(loop.trouble)

    return check
