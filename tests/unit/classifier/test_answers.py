"""What an answer says, and that it is always the same."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.features import HEAD, TAIL
from services.classifier.inference import PART, RUNNERS_UP, Classifier
from services.classifier.model import Text
from services.classifier.training import train
from shared.pack.model import Example, Pack

LIFT = Text("", "小区电梯坏了一个星期，物业说没有人修")
ODD = st.text(
    st.characters(codec="utf-16", categories=None) | st.sampled_from("电梯垃圾水路灯 \n\t？!、[电话1]😀\u200b\u0301\ue000Ａ"),
    max_size=80,
)


def test_an_answer_has_a_path_a_kind_and_runners_up(small: Classifier) -> None:
    (found,) = small.classify([LIFT])
    assert (found.category, found.path, found.abstained) == ("home.lift", ("home", "home.lift"), None)
    assert found.model_version == small.version
    assert len(found.runners_up) == RUNNERS_UP
    assert "home.lift" not in [candidate.code for candidate in found.runners_up]
    likelihoods = [found.probability, *(candidate.probability for candidate in found.runners_up)]
    assert likelihoods == sorted(likelihoods, reverse=True)
    assert 0 < found.kind_probability <= 1


def test_the_same_text_gets_the_same_answer_in_any_company(small: Classifier, taught: list[Example]) -> None:
    crowd = [Text(example.title, example.text) for example in taught]
    alone = [small.classify([item])[0] for item in crowd]
    assert small.classify(crowd) == alone
    assert small.classify(crowd[::-1]) == alone[::-1]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.builds(Text, ODD, ODD), max_size=6))
def test_odd_texts_are_answered_and_change_no_other_answer(small: Classifier, items: list[Text]) -> None:
    found = small.classify([*items, LIFT])
    assert found[-1] == small.classify([LIFT])[0]
    assert found[:-1] == [small.classify([item])[0] for item in items]
    for item, one in zip(items, found, strict=False):
        assert all(item.text[word.start : word.end] == word.text and word.text for word in one.why)


def test_a_batch_may_be_larger_than_a_part(small: Classifier) -> None:
    many = [LIFT] * (PART // len(LIFT.text) + 100)
    assert set(small.classify(many)) == set(small.classify([LIFT]))


def test_no_texts_no_answers(small: Classifier) -> None:
    assert small.classify([]) == []


def test_training_twice_gives_the_same_model(small: Classifier, town: Pack, taught: list[Example]) -> None:
    again = Classifier(train(town, taught))
    assert again.version == small.version
    assert again.classify([LIFT]) == small.classify([LIFT])


def test_threads_may_share_a_classifier(small: Classifier, taught: list[Example]) -> None:
    crowd = [Text("", example.text) for example in taught]
    expected = small.classify(crowd)
    together = threading.Barrier(4)

    def ask() -> bool:
        together.wait()
        return small.classify(crowd) == expected

    with ThreadPoolExecutor(4) as pool:
        assert all(one.result() for one in [pool.submit(ask) for _ in range(4)])


def test_the_title_counts(small: Classifier) -> None:
    (found,) = small.classify([Text("电梯坏了", "请帮帮忙，找谁管管")])
    assert found.category == "home.lift"
    assert found.path[0] == "home"


def test_the_words_that_decided_are_pointed_at(small: Classifier) -> None:
    text = "😀😀您好！我们这里电梯坏了，谢谢"
    (found,) = small.classify([Text("一个很长的标题放在前面", text)])
    assert any("电梯" in word.text for word in found.why)
    assert all(text[word.start : word.end] == word.text for word in found.why)
    assert len(found.why) <= 5
    spans = sorted((word.start, word.end) for word in found.why)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert [word.weight for word in found.why] == sorted((word.weight for word in found.why), reverse=True)


def test_a_very_long_text_is_read_at_both_ends_and_pointed_at_rightly(small: Classifier) -> None:
    text = "电梯坏了。" + "楼下门口路口。" * 40_000 + "求求你们修电梯"
    (found,) = small.classify([Text("", text)])
    assert found.runners_up[0].code == "home.lift" or found.category == "home.lift"
    assert all(text[word.start : word.end] == word.text for word in found.why)
    assert any(word.start > len(text) - TAIL for word in found.why)
    assert any(word.start < HEAD for word in found.why)


def test_masks_are_no_words(small: Classifier) -> None:
    bare, masked = small.classify([Text("", "电梯坏了， ，没人修"), Text("", "电梯坏了，[电梯1]，没人修")])
    assert masked.probability == bare.probability


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_words"),
        ("12345 !!? 😀😀", "no_words"),
        ("[电话1]", "no_words"),
        ("柳湾街道", "no_words"),
        ("水", "too_short"),
        ("The street lamp in front of our house has been dark for weeks", "foreign_language"),
        ("ゴミの収集が遅れています", "foreign_language"),
        ("楼下门口的事情请帮帮忙管管", "uncertain"),
    ],
)
def test_it_abstains_with_a_reason_and_tells_what_it_would_have_been(small: Classifier, text: str, reason: str) -> None:
    (found,) = small.classify([Text("", text)])
    assert (found.category, found.abstained, found.path) == (None, reason, ())
    assert len(found.runners_up) == RUNNERS_UP
    assert found.runners_up[0].probability == found.probability


def test_half_width_and_capitals_make_no_difference(small: Classifier) -> None:
    texts = ["ＡＰＰ说电梯坏了！", "app说电梯坏了!"]
    wide, narrow = small.classify([Text("", text) for text in texts])
    assert (wide.category, wide.probability) == (narrow.category, narrow.probability)
