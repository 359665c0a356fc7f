"""`python -m tests.faults --seed 1 [--home one-machine|cluster] [--long]`: what `make faults` runs."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.run import LONG, SHORT, run
from tests.support.model import model_in

_MODELS = Path(".pytest_cache/d/yijian")
"""Where the tests keep theirs."""


def main() -> int:
    """Run once; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", choices=["one-machine", "cluster"], default="one-machine")
    parser.add_argument("--long", action="store_true")
    given = parser.parse_args()
    _MODELS.mkdir(parents=True, exist_ok=True)
    folder, size = Path(tempfile.mkdtemp(prefix="yijian-faults-")), (LONG if given.long else SHORT)[given.home]
    try:
        ended = asyncio.run(run(given.seed, given.home, size, folder, model_in(_MODELS).absolute()))
    except AssertionError as broken:  # a broken promise, or something that was awaited and did not come
        print(broken, f"the processes' logs: {folder / 'log'}", sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(f"seed {given.seed}, {given.home}: {ended.ledger.figures()}, {len(ended.ledger.faults)} faults, every promise kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
