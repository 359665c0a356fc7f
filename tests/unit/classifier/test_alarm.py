"""The words that make a message an emergency."""

import numpy as np
import pytest

from services.classifier.alarm import CERTAIN, DOUBTFUL, FAINT, SILENT
from services.classifier.deciding import alarming, alarms
from services.classifier.features import tokenize
from services.classifier.figures import RECALL, alarm_thresholds, recall_and_precision
from services.classifier.inference import Classifier
from services.classifier.model import Text


@pytest.mark.parametrize(
    "text",
    [
        "对面楼着火了，里面还有人",
        "河边有人落水，快来",
        "厨房燃气泄漏，味道很重",
        "有人要跳楼，在楼顶上",
        "我妈困在电梯里了，快来人",
        "脚手架刚刚塌了，下面有人",
        "There is a gas leak in our kitchen",
        "My neighbour is trapped in the lift, please hurry",
    ],
)
def test_life_in_danger_now_is_an_emergency(small: Classifier, text: str) -> None:
    assert small.classify([Text("", text)])[0].urgency == "emergency"
    assert small.classify([Text(text, "见标题")])[0].urgency == "emergency"


@pytest.mark.parametrize(
    "text",
    [
        "建议加强宣传，防止燃气泄漏",
        "社区组织了预防着火了怎么办的培训",
        "去年这里着火了，消防通道到现在还堵着",
        "感谢消防员扑灭了着火了的阳台",
        "电梯困住过好几回，请修一修",
        "How do we prevent a gas leak in winter?",
        "小区垃圾没人清运",
    ],
)
def test_prevention_memory_and_thanks_are_none(small: Classifier, text: str) -> None:
    assert small.classify([Text("", text)])[0].urgency == "normal"


def test_one_message_does_not_alarm_for_its_neighbour(small: Classifier) -> None:
    calm, urgent = small.classify([Text("", "电梯困住过人"), Text("", "快来人，垃圾太多了")])
    assert (calm.urgency, urgent.urgency) == ("normal", "normal")


def _loudness(small: Classifier, text: str) -> int:
    return small.model.alarm.ringing(tokenize([Text("", text)], small.model.gazetteer.finder()))[0]


@pytest.mark.parametrize(
    ("text", "loud"),
    [("小区垃圾没人清运", SILENT), ("楼顶的广告牌断裂", FAINT), ("广告牌断裂，快来人", DOUBTFUL), ("河边有人落水", CERTAIN)],
)
def test_rules_ring_louder_with_haste_and_loudest_by_a_sign_that_is_enough(small: Classifier, text: str, loud: int) -> None:
    assert _loudness(small, text) == loud


def test_the_louder_the_rules_the_less_the_model_has_to_add() -> None:
    rings = np.array([SILENT, FAINT, DOUBTFUL, CERTAIN], dtype=np.int8)
    likely = np.array([0.5, 0.5, 0.5, 0.0], dtype=np.float32)
    assert alarms(rings, likely, (0.9, 0.6, 0.4)).tolist() == [False, False, True, True]


def test_thresholds_find_the_emergencies_with_few_false_alarms() -> None:
    random = np.random.default_rng(5)
    truth = np.arange(1000) < 100
    likely = np.clip(random.normal(np.where(truth, 0.7, 0.3), 0.12), 0, 1).astype(np.float32)
    rings = np.where(truth & (random.random(1000) < 0.5), DOUBTFUL, SILENT).astype(np.int8)
    found = recall_and_precision(alarms(rings, likely, alarm_thresholds(likely, rings, truth)), truth)
    assert found["recall"] >= RECALL
    assert found["precision"] > 0.8


def test_a_model_that_has_learned_no_emergency_calls_none() -> None:
    assert alarming(("urgent", "normal"), np.array([[0.9, 0.1]], dtype=np.float32)).tolist() == [0]
    assert alarming(("emergency", "normal"), np.array([[0.9, 0.1]], dtype=np.float32))[0] > 0.5
