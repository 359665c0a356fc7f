"""Which log a URL names."""

import pytest

from shared.errors import BadSettings
from shared.log import open_log

NO_LOG = (
    *("", "log.db", "mysql://host/db", "sqlite:", "sqlite://", "sqlite:///", "sqlite://var/log.db", "sqlite:///var/"),
    *("kafka://", "kafka://broker", "kafka://a:1,", "kafka://a:x", "kafka://a:99999"),
)


@pytest.mark.parametrize("url", NO_LOG)
def test_a_url_that_names_no_log_is_refused_with_what_is_right(url: str) -> None:
    with pytest.raises(BadSettings, match=r"sqlite:///var/log\.db .* kafka://host1:9092"):
        open_log(url)


async def test_nothing_is_opened_before_it_is_used(tmp_path: object) -> None:
    for url in (f"sqlite:///{tmp_path}/folder/log.db", "kafka://nobody.invalid:9092"):
        await open_log(url).close()
    assert not (tmp_path / "folder").exists()  # type: ignore[operator]
