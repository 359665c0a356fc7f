"""The words that make a message an emergency."""

import pytest

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
