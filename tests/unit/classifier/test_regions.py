"""Which region a text speaks of."""

import pytest

from services.classifier.inference import Classifier
from services.classifier.model import Text


@pytest.mark.parametrize(
    ("text", "region", "evidence"),
    [
        ("小城市的垃圾没人管", "990200", "小城市"),
        ("小城东区的垃圾没人管", "990201", "东区"),
        ("东门街的垃圾没人管", "990201", "东门街"),
        ("东门街夜市的垃圾没人管", "990202", "东门街夜市"),
        ("柳湾街道在西区", "990202001", "柳湾街道"),
        ("从东区到西区的公交", None, None),
        ("建设路的路灯", None, None),
        ("西区建设路的路灯", "990202", "西区"),
        ("The lamps in EAST District are dark", "990201", "EAST District"),
        ("Northeast Districts and smalltowns", None, None),
        ("哪里都没说", None, None),
        ("东\n区", None, None),
    ],
)
def test_the_deepest_region_named_wins_and_ties_are_left_open(small: Classifier, text: str, region: str, evidence: str) -> None:
    (found,) = small.classify([Text("", text)])
    assert (found.region, found.region_evidence) == (region, evidence)


def test_a_name_is_not_found_across_two_texts(small: Classifier) -> None:
    assert [one.region for one in small.classify([Text("", "去东"), Text("区里", "问")])] == [None, None]


def test_a_title_may_name_the_place(small: Classifier) -> None:
    (found,) = small.classify([Text("西门街路灯", "不亮")])
    assert (found.region, found.region_evidence) == ("990202", "西门街")
