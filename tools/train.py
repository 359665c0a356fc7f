"""`yijian train`: learn a city's categories from its pack and examples, and say how good the result is."""

import time
from pathlib import Path

from services.classifier.artifact import read, save, saved_version
from services.classifier.figures import lines
from services.classifier.training import train, version_of
from shared.pack.load import load_pack, read_examples
from shared.pack.split import split
from tools import stamp


def train_command(pack: Path, out: Path) -> None:
    """Train the classifier on the pack's examples, all but a fifth, and save it in `out`, unless the same model lies there."""
    seen = stamp.stamp_of(pack)
    city = load_pack(pack)
    examples, kept = split(read_examples(pack))
    version = version_of(city, examples)
    if saved_version(out) == version:
        print(f"{version} is in {out} already: nothing that it learns from has changed")
        stamp.put(out, seen)
        return
    start = time.perf_counter()
    saved = save(train(city, examples), out)
    stamp.put(out, seen)
    print(f"{version} trained in {time.perf_counter() - start:.1f} s and saved as {saved} ({saved.stat().st_size / 1e6:.1f} MB)")
    print(f"Kept back for made-up traffic, never learned from: {len(kept)} examples.")
    print("Cross-validated, each example by a model that had not seen it:")
    print(*lines(read(out).figures), sep="\n")
