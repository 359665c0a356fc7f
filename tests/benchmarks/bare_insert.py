"""The bare loop beside intake's batches: the same documents and events into the same SQLite, and nothing else.

`python -m tests.benchmarks.bare_insert SERIES MESSAGES BATCH` prints `{"rate": …, "rate_with_preparing": …}`.
Documents are masked and sealed before the clock of `rate` starts; in its time are their JSON, one transaction a batch (WAL,
synchronous=FULL) and its fsync. The second rate has reading, masking and sealing in it too. The table has as many indexes as intake's: the id, two unique claims, three compound ones and the partial one of the outbox.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from services.intake import reading, store
from services.intake.preparing import Draft, Preparer
from services.intake.sealing import Hasher, Sealer, Secrets
from shared.http.auth import Key
from shared.pack.load import load_pack
from shared.store.port import Document
from shared.store.sqlite_file import Connection, connect, create, transaction
from tests.benchmarks.bodies import PACK, bodies

T = TypeVar("T")

_TABLES = """
CREATE TABLE documents (id TEXT NOT NULL UNIQUE, tracking TEXT NOT NULL UNIQUE, external TEXT NOT NULL UNIQUE,
    minute TEXT, awaiting INTEGER, check_at INTEGER, test INTEGER, status TEXT, published INTEGER, body BLOB NOT NULL);
CREATE INDEX by_minute ON documents (minute, id);
CREATE INDEX by_awaiting ON documents (awaiting, check_at, id);
CREATE INDEX by_status ON documents (test, status, id);
CREATE INDEX pending ON documents (id) WHERE published = 0;
CREATE TABLE events (number INTEGER PRIMARY KEY, key TEXT NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL);
"""
_FIELDS = ("minute", "awaiting", "check_at", "test", "status")


def main(series: str, messages: int, batch: int) -> dict[str, Any]:
    """Prepare the documents, then time the loop."""
    with tempfile.TemporaryDirectory(prefix="yijian-bench-") as folder:
        posted, prepare = list(bodies(series, messages)), _preparation(Path(folder))
        gc.freeze()
        gc.disable()  # what is kept for the measurement only would be walked again and again
        documents, preparing = _timed(lambda: [prepare(body) for body in posted])
        create(Path(folder) / "bare.db")
        db = connect(Path(folder) / "bare.db", cache_mb=64)
        db.execute(_TABLES)
        _, inserting = _timed(lambda: _insert_all(db, documents, batch))
        db.close()
    return {"rate": messages / inserting, "rate_with_preparing": messages / (preparing + inserting)}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _insert_all(db: Connection, documents: Sequence[Document], batch: int) -> None:
    for start in range(0, len(documents), batch):
        _insert(db, documents[start : start + batch])


def _insert(db: Connection, documents: Sequence[Document]) -> None:
    with transaction(db):
        db.executemany(f"INSERT INTO documents VALUES ({','.join('?' * 10)})", map(_row, documents))
        db.executemany("INSERT INTO events (key, headers, value) VALUES (?, ?, ?)", map(_event, documents))


def _row(document: Document) -> tuple[Any, ...]:
    body = document.body
    return (document.id, *document.keys, *(body[name] for name in _FIELDS), 0, orjson.dumps(body))


def _event(document: Document) -> tuple[Any, ...]:
    (record,) = store.to_records(document, document.tail[0])
    return document.id, orjson.dumps(record.headers), record.value


def _preparation(folder: Path) -> Callable[[dict[str, Any]], Document]:
    pack, secrets = load_pack(PACK), Secrets(folder / "secrets.json")
    preparer = Preparer(pack, Sealer(secrets), Hasher(secrets), reconcile_after=60)
    key = Key("bench", "channel", "")

    def prepare(body: dict[str, Any]) -> Document:
        draft = reading.draft(body, key, pack, idempotency_key=None, traceparent=None)
        prepared = preparer.prepare(draft) if isinstance(draft, Draft) else draft
        if not isinstance(prepared, Document):
            raise prepared
        return prepared

    return prepare


if __name__ == "__main__":
    print(orjson.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))).decode())
