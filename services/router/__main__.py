"""`python -m services.router`: run the service until it is told to stop."""

from services.router.app import create_app
from services.router.settings import RouterSettings
from shared.observability import logging
from shared.runtime import serve
from shared.settings import load


def main() -> None:
    """Read the settings, then serve."""
    settings = load(RouterSettings)
    logging.configure("router", settings.log_level)
    serve(create_app(settings), settings, settings.port + 3)


if __name__ == "__main__":
    main()
