"""The classifier's own benchmark, which prints sentences for people, as figures."""

import asyncio
import re
import sys

from tests.benchmarks.report import Figure

_MODULE = "tests.benchmarks.bench_classifier"
_F1 = re.compile(r"macro-F1.*ours (?P<ours>[\d.]+), scikit-learn (?P<theirs>[\d.]+)")
_SPEED = re.compile(
    r"messages (?P<name>[^(]+) \((?P<length>\d+) .*ours (?P<ours>[\d,]+)/s, scikit-learn (?P<theirs>[\d,]+)/s, ratio (?P<ratio>[\d.]+) \(reach (?P<reach>\d+)\)"
)


async def classifier(*, quick: bool) -> list[Figure]:
    """Documents a second and macro-F1, each ÷ scikit-learn's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _MODULE, "--seconds", "2" if quick else "20", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{_MODULE} failed")
    lines = output.decode().splitlines()
    return [*map(_quality, filter(None, map(_F1.search, lines))), *map(_speed, filter(None, map(_SPEED.search, lines)))]


def _quality(found: re.Match[str]) -> Figure:
    ours, theirs = float(found["ours"]), float(found["theirs"])
    return Figure(
        "classifier, macro-F1 of the fifth kept back ÷ scikit-learn's", ours / theirs, {"ours": ours, "scikit-learn": theirs}, 1
    )


def _speed(found: re.Match[str]) -> Figure:
    raw = {"per_second": found["ours"], "scikit-learn": found["theirs"], "characters_each": found["length"]}
    return Figure(f"classifier, messages {found['name']} ÷ scikit-learn", float(found["ratio"]), raw, float(found["reach"]))
