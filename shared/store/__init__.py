"""The document store: `open_store(url, service)` gives the home that the URL names; the port says what it promises."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.errors import BadSettings
from shared.store.port import (
    BadCursor,
    Body,
    Collection,
    Conflict,
    Document,
    Duplicate,
    Index,
    Page,
    Store,
    Stored,
    StoredEvent,
    Value,
)
from shared.store.workshop import AnyStore, Recipe, Workshop

__all__ = [
    "BadCursor",
    "Body",
    "Collection",
    "Conflict",
    "Document",
    "Duplicate",
    "Index",
    "Page",
    "Recipe",
    "Store",
    "Stored",
    "StoredEvent",
    "Value",
    "Workshop",
    "open_store",
    "open_workshop",
]


def open_store(url: str, service: str) -> Store:
    """The store of one service; nothing is connected before `prepare`.

    `sqlite:///var/` is the file `var/<service>.db` (four slashes: an absolute directory). `mongodb://…` is the database
    `yijian_<service>`, or `<prefix>_<service>` when the URL has the path `/<prefix>`. Raises BadSettings otherwise.
    """
    scheme = url.partition(":")[0].lower()
    if scheme == "sqlite":
        return _open_sqlite(url, service)
    if scheme in {"mongodb", "mongodb+srv"}:
        from shared.store.mongo import MongoStore

        return MongoStore(url, service)
    raise BadSettings(f"the store is sqlite:///directory/ or mongodb://host/, not {scheme!r}")


def open_workshop(store: Store, collection: Collection, recipe: Recipe, *, apart: bool = True) -> Workshop:
    """A workshop in front of this store, to be opened before anything is written; `apart`: with a process of its own."""
    from shared.store.sqlite import SqliteStore

    if apart and isinstance(store, SqliteStore):
        return store.workshop(collection, recipe)
    return AnyStore(store, collection, recipe, apart=apart)


def _open_sqlite(url: str, service: str) -> Store:
    from shared.store.sqlite import SqliteStore

    parts = urlsplit(url)
    directory = unquote(parts.path).removeprefix("/")
    if parts.netloc or not directory or parts.query or parts.fragment:
        raise BadSettings(f"{url!r}: a SQLite store is sqlite:///directory/ (relative) or sqlite:////directory/ (absolute)")
    return SqliteStore(Path(directory) / f"{service}.db")
