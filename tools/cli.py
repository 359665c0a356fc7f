"""The `yijian` command: every group of commands, and errors as one readable line."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import YijianError
from shared.settings import HomeSettings, load
from tools import account, dead, keys, pack, replay, send, topics, up
from tools.access import model_folder

app = typer.Typer(
    help="Yijian: every opinion in, one thing done.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
app.command()(up.up)
app.command()(send.send)
app.command()(replay.replay)
app.command()(account.account)
app.add_typer(dead.app, name="dead")
app.add_typer(keys.app, name="keys")
app.add_typer(topics.app, name="topics")
app.add_typer(pack.app, name="pack")


@app.command()
def train(
    *,
    folder: Annotated[Path | None, typer.Option("--pack", help="Folder of the pack. Default: YIJIAN_PACK.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the model. Default: YIJIAN_MODEL, then model in the data.")] = None,
) -> None:
    """Train the classifier from the examples of the pack."""
    from tools.train import train_command  # scikit-learn takes longer to import than every other command to run

    settings = load(HomeSettings)
    train_command(folder or settings.pack, out or model_folder(settings))


def main() -> None:
    """Run the command line; what goes wrong is said in one line and ends with 2."""
    try:
        app()
    except YijianError as error:
        _fail(str(error) or error.slug)
    except OSError as error:
        _fail(str(error))


def _fail(text: str) -> None:
    print(f"yijian: {text}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
