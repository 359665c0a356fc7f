"""Settings of intake."""

from pydantic import Field

from shared.settings import HomeSettings


class IntakeSettings(HomeSettings):
    """What intake adds to the home's settings."""

    reconcile_after: float = Field(default=60.0, gt=0, description="Seconds until an unrouted message is published again.")
    preparer: bool = Field(default=True, description="Whether messages are masked and sealed in a process of their own.")
    public_url: str = Field(default="", description="Intake's address as citizens reach it; default: the request's.")
