"""Settings of the classifier."""

from pathlib import Path

from pydantic import Field

from shared.settings import HomeSettings


class ClassifierSettings(HomeSettings):
    """What the classifier adds to the home's settings."""

    model: Path | None = Field(default=None, description="Folder of the trained model; default: model in `data`.")

    @property
    def model_folder(self) -> Path:
        """Where the model is."""
        return self.model or self.data / "model"
