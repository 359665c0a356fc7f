"""Settings of the router."""

from pydantic import Field

from shared.settings import HomeSettings


class RouterSettings(HomeSettings):
    """What the router adds to the home's settings."""

    tell_again_after: float = Field(
        default=900.0, gt=0, description="Seconds until a case that its department has not accepted is told to it again."
    )
