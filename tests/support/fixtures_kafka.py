"""Fixtures with the real Apache Kafka. Without Java or Maven they skip, or fail where `YIJIAN_REQUIRE` names kafka."""

import os
from collections.abc import Iterator

import pytest

from tests.support.kafka_server import KafkaCluster, why_not


def need_kafka() -> None:
    """Skip, or fail where `YIJIAN_REQUIRE` asks for it."""
    if reason := why_not():
        if "kafka" in os.environ.get("YIJIAN_REQUIRE", ""):
            pytest.fail(f"YIJIAN_REQUIRE asks for kafka, but: {reason}")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """One broker for the whole session. A test that stops it starts it again; topics have names of their own."""
    need_kafka()
    with KafkaCluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture
def sleeping_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """One broker, formatted and not started: the test decides when it is there."""
    need_kafka()
    cluster = KafkaCluster(tmp_path_factory.mktemp("sleeping-kafka"))
    cluster.format()
    try:
        yield cluster
    finally:
        cluster.stop()
