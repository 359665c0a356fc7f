"""Whatever stands in a record's headers, it is understood or it is a bad record."""

import pytest

from shared.errors import BadRecord
from shared.events.envelope import from_record
from shared.log.port import Partition, Received
from tests.unit.log.desk import record


@pytest.mark.parametrize("sequence", ["0", "-1", "one", "1.0", "", "9" * 5000, "9" * 19])
def test_a_number_that_is_none_is_a_bad_record(sequence: str):
    made = record("a1")
    received = Received(Partition(made.topic, 0), 0, made.key, made.value, {**made.headers, "ce_sequence": sequence}, 0.0)
    with pytest.raises(BadRecord):
        from_record(received)
