"""The bare loop beside intake's batches: the same documents and events into the same SQLite, and nothing else.

`python -m tests.benchmarks.bare_insert SERIES MESSAGES BATCH` prints `{"rate": …}`. Documents are masked and sealed before the
clock starts; in the measured time are their JSON, one transaction a batch (WAL, synchronous=FULL) and its fsync. The
table has as many indexes as intake's: the id, two unique claims, three compound ones and the partial one of the outbox.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from services.intake import reading, store
from services.intake.preparing import Draft, Preparer
from services.intake.sealing import Hasher, Sealer, Secrets
from shared.http.auth import Key
from shared.pack.load import load_pack
from shared.store.port import Document
from shared.store.sqlite_file import Connection, connect, create, transaction
from tests.benchmarks.bodies import PACK, bodies

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
        documents = list(_documents(Path(folder), series, messages))
        create(Path(folder) / "bare.db")
        db = connect(Path(folder) / "bare.db", cache_mb=64)
        db.execute(_TABLES)
        started = time.perf_counter()
        for start in range(0, messages, batch):
            _insert(db, documents[start : start + batch])
        seconds = time.perf_counter() - started
        db.close()
    return {"rate": messages / seconds, "seconds": seconds}


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


def _documents(folder: Path, series: str, messages: int) -> Iterator[Document]:
    pack, secrets = load_pack(PACK), Secrets(folder / "secrets.json")
    preparer = Preparer(pack, Sealer(secrets), Hasher(secrets), reconcile_after=60)
    key = Key("bench", "channel", "")
    for body in bodies(series, messages):
        draft = reading.draft(body, key, pack, idempotency_key=None, traceparent=None)
        prepared = preparer.prepare(draft) if isinstance(draft, Draft) else draft
        if not isinstance(prepared, Document):
            raise prepared
        yield prepared


if __name__ == "__main__":
    print(orjson.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))).decode())
