"""The shipped pack: what its model must get right."""

import pytest

from services.classifier.inference import Classifier
from services.classifier.model import Text


@pytest.mark.parametrize(
    "text",
    ["希望政府多听听我们老年人的想法", "希望领导多听听普通老百姓的心声", "盼望日子越过越好"],
)
def test_an_opinion_about_nothing_in_particular_is_a_voice(shipped: Classifier, text: str) -> None:
    (found,) = shipped.classify([Text("", text)])
    assert found.path[:2] == ("government", "government.voice")


@pytest.mark.parametrize(
    ("text", "category", "region"),
    [
        ("小区电梯坏了一周没人修", "housing.repair.lift", None),
        ("我们苇湾区滨海新村自来水发黄有异味", "utilities.water-quality.taste", "990103004001"),
        ("工地老板拖欠农民工工资", "labour.wages.site", None),
    ],
)
def test_plain_cases_are_decided(shipped: Classifier, text: str, category: str, region: str | None) -> None:
    (found,) = shipped.classify([Text("", text)])
    assert (found.category, found.region) == (category, region)
    assert found.why


def test_its_figures_hold(shipped: Classifier) -> None:
    figures = shipped.model.figures
    assert figures["levels"][0]["macro_f1"] >= 0.85
    assert figures["levels"][2]["macro_f1"] >= 0.55
    assert figures["kind"]["accuracy"] > 0.65
    assert figures["emergency"]["recall"] >= 0.9
    assert figures["emergency"]["precision"] > 0.3
    assert figures["region"] > 0.97
    assert all(answer["precision"] >= 0.85 for answer in figures["answers"] if answer["coverage"])


def test_it_is_small_in_memory(shipped: Classifier) -> None:
    model = shipped.model
    assert sum(part.nbytes for part in (model.topics, model.tones, model.idf, model.vocabulary.table)) < 45_000_000
