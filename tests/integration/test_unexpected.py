"""What nobody foresaw is a problem, too: a channel system must be able to read every answer."""

from typing import Any

import httpx
import pytest

from tests.support.city import City

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages:status"])
async def test_an_unforeseen_error_is_a_problem_and_no_bare_text(
    front_door: City, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:  # fmt: skip
    state = front_door.apps["intake"].state.intake

    def fails(*_: Any) -> Any:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(type(state.keyring), "authenticate", fails)
    transport = httpx.ASGITransport(app=front_door.apps["intake"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        answer = await client.post(path, json={"text": "路灯不亮"}, headers=front_door.key("all-channels"))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:yijian:problem:unexpected")
    assert answer.headers["content-type"] == "application/problem+json"
