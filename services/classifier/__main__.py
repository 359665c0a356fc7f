"""`python -m services.classifier`: run the service until it is told to stop."""

from services.classifier.app import create_app
from services.classifier.settings import ClassifierSettings
from shared.observability import logging
from shared.runtime import serve
from shared.settings import load


def main() -> None:
    """Read the settings, then serve."""
    settings = load(ClassifierSettings)
    logging.configure("classifier", settings.log_level)
    serve(create_app(settings), settings, settings.port + 2)


if __name__ == "__main__":
    main()
