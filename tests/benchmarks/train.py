"""`python -m tests.benchmarks.train FOLDER`: the shipped pack's classifier, trained; prints how long it took."""

import sys
import time
from pathlib import Path

import orjson

from services.classifier.artifact import save
from services.classifier.training import train
from shared.pack.load import load_pack, read_examples
from shared.pack.split import split
from tests.benchmarks.bodies import PACK

if __name__ == "__main__":
    started = time.perf_counter()
    taught, _ = split(read_examples(PACK))
    save(train(load_pack(PACK), taught), Path(sys.argv[1]))
    print(orjson.dumps({"seconds": time.perf_counter() - started}).decode())
