"""`python -m services.intake`: run the service until it is told to stop."""

from services.intake.app import create_app
from services.intake.settings import IntakeSettings
from shared.observability import logging
from shared.runtime import serve
from shared.settings import load


def main() -> None:
    """Read the settings, then serve."""
    settings = load(IntakeSettings)
    logging.configure("intake", settings.log_level)
    serve(create_app(settings), settings, settings.port + 1)


if __name__ == "__main__":
    main()
