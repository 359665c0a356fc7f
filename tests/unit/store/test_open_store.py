"""Which URL gives which home."""

from pathlib import Path

import pytest

from shared.errors import BadSettings
from shared.store import open_store
from shared.store.mongo import MongoStore
from shared.store.sqlite import SqliteStore


@pytest.mark.parametrize(("url", "path"), [("sqlite:///var/", "var/intake.db"), ("sqlite:////srv/y j", "/srv/y j/intake.db"), ("sqlite:////srv/y%20j/", "/srv/y j/intake.db"), ("sqlite:///./", "intake.db")])  # fmt: skip
def test_a_sqlite_url_is_a_directory_with_a_file_for_each_service(url: str, path: str) -> None:
    store = open_store(url, "intake")
    assert isinstance(store, SqliteStore)
    assert store._path == Path(path)


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("mongodb://a:1,b:2/?replicaSet=x", "yijian_intake"),
        ("mongodb://a", "yijian_intake"),
        ("mongodb://a/city?w=1", "city_intake"),
    ],
)
async def test_a_mongodb_url_names_the_database_by_its_path(url: str, database: str) -> None:
    store = open_store(url, "intake")
    assert isinstance(store, MongoStore)
    assert store._database.name == database
    assert store._database.write_concern.document == {"w": "majority", "j": True, "wtimeout": 10_000}
    await store.close()


@pytest.mark.parametrize("url", ["", "var/x.db", "sqlite://", "sqlite:///", "sqlite://host/x", "sqlite:///x?y=1", "postgres://x", "mongodb://"])  # fmt: skip
def test_anything_else_is_a_bad_setting(url: str) -> None:
    with pytest.raises(BadSettings):
        open_store(url, "intake")
