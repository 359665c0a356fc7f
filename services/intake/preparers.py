"""Preparing off the event loop: a process beside intake reads, masks and seals, so that the doors are free to answer.

`python -m services.intake.preparers FD` is that process. With `YIJIAN_PREPARER=false` intake makes the same documents itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from services.intake import reading
from services.intake.preparing import Preparer
from services.intake.reading import Posting
from services.intake.sealing import Hasher, Sealer, Secrets
from shared import helper
from shared.failpoints import failpoint_in_thread
from shared.helper import Helper
from shared.http.problems import Problem
from shared.pack.model import Pack
from shared.store.port import Document

Prepared: TypeAlias = list[Document | Problem]
"""A document or a problem for each message of a request."""


class Recipe(NamedTuple):
    """What a preparer is made of."""

    pack: Pack
    secrets: Path
    reconcile_after: float

    def preparer(self) -> Preparer:
        """It reads the keys itself, and follows their file."""
        secrets = Secrets(self.secrets)
        return Preparer(self.pack, Sealer(secrets), Hasher(secrets), reconcile_after=self.reconcile_after)


class Preparers:
    """Prepares requests, in a process of its own or here."""

    def __init__(self, recipe: Recipe, *, apart: bool) -> None:
        self._helper = Helper(__name__, recipe) if apart else None
        self._here = _prepares(recipe)

    async def start(self) -> None:
        """Start the process, if there is to be one."""
        if self._helper:
            await self._helper.start()

    async def close(self) -> None:
        """End it."""
        if self._helper:
            await self._helper.close()

    async def prepare(self, postings: Sequence[Posting]) -> list[Prepared | Problem]:
        """The documents of each request, or the problem of a body that cannot be read. Raises `HelperLost`."""
        if self._helper is None:
            return await asyncio.to_thread(self._here, postings)
        found: list[Prepared | Problem] = await self._helper.call(postings)
        return found


def _prepares(recipe: Recipe) -> Callable[[Sequence[Posting]], list[Prepared | Problem]]:
    preparer = recipe.preparer()

    def prepare(posting: Posting) -> Prepared | Problem:
        try:
            drafts = reading.drafts(posting, recipe.pack)
        except Problem as problem:
            return problem
        return [draft if isinstance(draft, Problem) else preparer.prepare(draft) for draft in drafts]

    def prepare_all(postings: Sequence[Posting]) -> list[Prepared | Problem]:
        failpoint_in_thread("preparer.asked")
        prepared = [prepare(posting) for posting in postings]
        failpoint_in_thread("preparer.prepared")
        return prepared

    return prepare_all


if __name__ == "__main__":
    helper.answer_calls(_prepares)
