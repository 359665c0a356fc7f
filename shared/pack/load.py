"""Reading a pack folder: everything is checked, and every mistake is reported at once with its file and line.

load_pack       what a service does at its start: without the examples
read_examples   what training does
check_pack      what the authors do: everything, with warnings
"""

from dataclasses import dataclass
from pathlib import Path

from shared.pack.checks import check
from shared.pack.checks_areas import check_areas
from shared.pack.doubts import doubt
from shared.pack.draft import read_draft
from shared.pack.examples import read_and_check
from shared.pack.known import Known
from shared.pack.mistakes import BadPack, Findings, Mistake
from shared.pack.model import Example, Pack

__all__ = ["BadPack", "Mistake", "Report", "check_pack", "load_pack", "read_examples"]


@dataclass(frozen=True)
class Report:
    """Everything that can be said about a pack folder."""

    mistakes: list[Mistake]
    warnings: list[Mistake]
    pack: Pack | None = None
    """None when there are mistakes."""
    examples: tuple[Example, ...] = ()


def load_pack(folder: Path | str) -> Pack:
    """The pack in this folder, without its examples; `BadPack` names every mistake in it."""
    report = _examine(Path(folder), thoroughly=False)
    if report.pack is None:
        raise BadPack(report.mistakes)
    return report.pack


def read_examples(folder: Path | str) -> list[Example]:
    """The examples of the pack in this folder, checked against it; `BadPack` names every mistake in either."""
    report = check_pack(folder)
    if report.mistakes:
        raise BadPack(report.mistakes)
    return list(report.examples)


def check_pack(folder: Path | str) -> Report:
    """Every mistake of the pack and of its examples, and what its authors should look at again."""
    return _examine(Path(folder), thoroughly=True)


def _examine(folder: Path, *, thoroughly: bool) -> Report:
    """The pack, and thoroughly: doubts, areas and examples too, which no service has time for."""
    if not folder.is_dir():  # without it every file is missing too: one mistake, not a dozen
        return Report([Mistake(folder.as_posix(), 0, "no such folder", "the folder of a pack, with its pack.yaml")], [])
    findings = Findings()
    draft = read_draft(folder, findings)
    known = Known(draft)
    check(draft, known, findings)
    pack = None if findings.mistakes else draft.pack()
    examples: list[Example] = []
    if thoroughly:
        doubt(draft, known, findings)
        check_areas(folder, known, findings)
        examples = read_and_check(folder, known, pack, findings)
    good = None if findings.mistakes else pack
    return Report(sorted(findings.mistakes), sorted(findings.warnings), good, tuple(examples))
