"""The classifier against scikit-learn's character 1-4-gram TF-IDF + LinearSVC, on one core and in one run.

    python -m tests.benchmarks.bench_classifier [--pack packs/qingting] [--seconds 5]

Both learn from the same examples and answer the same texts; the two take turns, and of each the best round
counts, for a neighbour on the machine only ever slows a round. Ours gives its whole answer (category, kind, urgency, region,
evidence), the other one the category alone. Both learn from what training learns from, and macro-F1 is of the fifth of the
examples that is kept back. Of messages of 20 words the objects of an answer cost more than the arithmetic, so their ratio is told,
not judged.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from services.classifier.inference import Classifier
from services.classifier.model import Text
from services.classifier.training import train
from shared.pack.load import load_pack, read_examples
from shared.pack.model import Example
from shared.pack.split import split

BATCH = 500
TARGET = 10.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    if any(os.environ.get(variable) != "1" for variable in _THREADS):  # numpy read them when it was imported: begin again
        os.environ |= dict.fromkeys(_THREADS, "1")
        os.execv(sys.executable, [sys.executable, "-m", "tests.benchmarks.bench_classifier", *sys.argv[1:]])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=Path("packs/qingting"))
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    pack, (examples, kept) = load_pack(chosen.pack), split(read_examples(chosen.pack))
    artifact = train(pack, examples)
    plain = _pipeline().fit([_joined(example) for example in examples], [example.category for example in examples])
    theirs = plain.predict([_joined(example) for example in kept])
    print(
        f"macro-F1 (kept back): ours {_f1(kept, _leaves(Classifier(artifact), kept)):.3f}, scikit-learn {_f1(kept, theirs):.3f}"
    )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _compare("of 50-300 characters", _longer(examples), Classifier(artifact), plain, chosen.seconds, f" (reach {TARGET:.0f})")
    _compare("as short as the examples", _as_they_are(examples), Classifier(artifact), plain, chosen.seconds)


def _compare(name: str, texts: list[Text], ours: Classifier, plain: Pipeline, seconds: float, reach: str = "") -> None:
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    strings = [[f"{text.title}\n{text.text}" for text in batch] for batch in batches]
    rounds: list[tuple[float, float]] = []
    while not rounds or np.sum(rounds) < seconds:
        rounds.append((_seconds(ours.classify, batches), _seconds(plain.predict, strings)))
    ours_rate, plain_rate = len(texts) / np.min(rounds, axis=0)
    length = np.mean([len(text.title) + len(text.text) for text in texts])
    print(
        f"messages {name} ({length:.0f} characters on average): ours {ours_rate:,.0f}/s, scikit-learn {plain_rate:,.0f}/s, "
        f"ratio {ours_rate / plain_rate:.1f}{reach}"
    )


def _seconds(work: Callable[[Any], object], batches: Sequence[Any]) -> float:
    start = time.process_time()
    for batch in batches:
        work(batch)
    return time.process_time() - start


def _as_they_are(examples: Sequence[Example]) -> list[Text]:
    return [Text(example.title, example.text) for example in examples]


def _longer(examples: Sequence[Example]) -> list[Text]:
    """Messages as long as real ones: examples strung together until a length drawn between 50 and 300 is reached."""
    random = np.random.default_rng(1)
    longer = []
    for number, example in enumerate(examples):
        wanted, text = int(random.integers(50, 300)), example.text
        while len(text) < wanted:
            number = (number * 7 + 13) % len(examples)  # noqa: PLW2901
            text += examples[number].text
        longer.append(Text(example.title, text[:300]))
    return longer


def _leaves(ours: Classifier, examples: Sequence[Example]) -> list[str]:
    """The likeliest category of the lowest level, whether it was sure or not."""
    leaves = set(ours.model.category.classes)
    found = ours.classify(_as_they_are(examples))
    return [one.category if one.category in leaves else one.runners_up[0].code for one in found]


def _f1(examples: Sequence[Example], answers: Sequence[str]) -> float:
    return float(f1_score([example.category for example in examples], answers, average="macro"))


def _pipeline() -> Pipeline:
    return make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 4), max_features=200_000), LinearSVC())


def _joined(example: Example) -> str:
    return f"{example.title}\n{example.text}"


if __name__ == "__main__":
    main()
