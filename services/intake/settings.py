"""Settings of intake."""

from pydantic import Field

from shared.settings import HomeSettings


class IntakeSettings(HomeSettings):
    """What intake adds to the home's settings."""

    reconcile_after: float = Field(default=60.0, gt=0, description="Seconds until an unrouted message is published again.")
    audit_after: float = Field(default=300.0, ge=0, description="Seconds until every message of a minute must have a case.")
    preparer: bool = Field(default=True, description="Whether a process of its own masks and seals messages.")
    key_rate: float = Field(default=1000.0, ge=0, description="Messages a second that one key may send; 0: no limit.")
    key_burst: int = Field(default=5000, ge=1, description="Messages that one key may send at once after a pause.")
    in_flight_messages: int = Field(default=10_000, ge=2_000, description="Messages on their way to an answer, over all keys.")
    in_flight_bytes: int = Field(default=64 * 2**20, ge=20 * 2**20, description="Bytes on their way to an answer, over all keys.")
    intake_rate: float = Field(default=0.0, ge=0, description="Messages a second taken in over all keys; 0: as many as it can.")
    public_url: str = Field(default="", description="Intake's address as citizens reach it; default: the request's.")
