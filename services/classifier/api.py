"""The classifier's one route of its own: what would this text be about?"""

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.classifier.inference import Classifier
from services.classifier.model import Text
from services.classifier.service import as_data
from shared.http.app import json_response
from shared.http.auth import Keyring

router = APIRouter(prefix="/v1", tags=["classification"])
_LONGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """What the route uses."""

    keyring: Keyring
    classifier: Classifier


class Question(BaseModel):
    """A text to classify; nothing of it is kept."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=_LONGEST, examples=["小区电梯坏了一周没人修"])
    title: str = Field(default="", max_length=_LONGEST)


@router.post("/classify", summary="What a text is about, and the words that decided", openapi_extra={"security": [{"key": []}]})
async def classify(question: Question, request: Request) -> Response:
    """Category path with probability and runners-up, kind, urgency, region, or `abstained` with the reason."""
    state: State = request.app.state.classifier
    state.keyring.authenticate(request, "channel", "department", "operator")
    (found,) = await asyncio.to_thread(state.classifier.classify, [Text(title=question.title, text=question.text)])
    return json_response(as_data(found))
