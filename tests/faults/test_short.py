"""The short form of `make faults`: faults drawn from a seed, one after the other, under load, in either home."""

import os
from pathlib import Path

import pytest

from tests.faults.homes import Kind
from tests.faults.run import SHORT, run
from tests.support.fixtures_kafka import need_kafka
from tests.support.fixtures_mongo import need_secantusdb

SEED = int(os.environ.get("YIJIAN_FAULTS_SEED", "1"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_CLUSTER = pytest.param("cluster", marks=[pytest.mark.kafka, pytest.mark.mongo])


@pytest.mark.parametrize("kind", ["one-machine", _CLUSTER])
async def test_nothing_is_lost_or_doubled_while_everything_breaks(kind: Kind, tmp_path: Path, model: Path) -> None:
    if kind == "cluster":
        need_kafka()
        need_secantusdb()
    await run(SEED, kind, SHORT[kind], tmp_path, model)
