"""Lists of cases, paged along an index: the first page costs the same however many cases there are."""

from collections.abc import Callable

from services.router import store, views
from services.router.model import DISPOSITION, Body
from shared.store.port import Document, Store, Value

_INDEX: dict[tuple[str, ...], str] = {
    (): "by_serial",
    ("department",): "by_department",
    ("disposition",): "by_disposition",
    ("state",): "by_state",
    ("department", "disposition"): "by_department_disposition",
    ("department", "state"): "by_department_state",
}


class Lists:
    """Reads pages of cases. Every method raises `BadCursor` for a cursor of another list."""

    def __init__(self, documents: Store) -> None:
        self._store = documents

    async def cases(
        self, *, disposition: str | None, department: str | None, state: str | None, limit: int, cursor: str | None
    ) -> Body:
        """For operators: newest first."""
        if state and disposition:
            if DISPOSITION[state] != disposition:
                return {"cases": [], "cursor": None}  # no case is ever in this state with this disposition
            disposition = None  # the state says as much
        wanted = {"department": department, "disposition": disposition, "state": state}
        return await self._page(wanted, views.summary, limit, cursor, descending=True)

    async def triage(self, *, limit: int, cursor: str | None) -> Body:
        """What waits for an operator: oldest first."""
        return await self._page({"state": "triage"}, views.summary, limit, cursor, descending=False)

    async def inbox(self, department: str, *, state: str | None, limit: int, cursor: str | None) -> Body:
        """A department's cases, newest first: those it has, and those it has resolved."""
        return await self._page({"department": department, "state": state}, views.inbox_line, limit, cursor, descending=True)

    async def _page(
        self, wanted: dict[str, str | None], line: Callable[[Document], Body], limit: int, cursor: str | None, *, descending: bool
    ) -> Body:
        prefix: dict[str, Value] = {name: value for name, value in wanted.items() if value is not None}
        index = _INDEX[tuple(sorted(prefix))]
        page = await self._store.page(store.COLLECTION, index, prefix, limit=limit, after=cursor, descending=descending)
        return {"cases": [line(document) for document in page.documents], "cursor": page.cursor}
