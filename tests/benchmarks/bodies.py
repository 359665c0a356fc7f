"""Messages as channels post them: the pack's own examples, each with a citizen, a place and an id of the channel's."""

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

PACK = Path("packs/qingting")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = ("建国", "秀英", "丽", "强", "敏", "桂兰", "伟", "芳", "志明", "小红", "海燕", "文")
_STREETS = ("桂花苑小区", "滨海新村", "解放路", "人民东路", "学府街", "老火车站北侧", "金山村三组", "西湖花园")


def bodies(series: str, count: int) -> Iterator[dict[str, Any]]:
    """`count` messages that nobody has posted before, the same ones for the same `series`."""
    chance = random.Random(series)
    examples = _examples()
    for number in range(count):
        yield _body(chance, examples[chance.randrange(len(examples))], f"12345-2026-{series}-{number:06}")


def _body(chance: random.Random, example: dict[str, Any], external_id: str) -> dict[str, Any]:
    phone = f"199990{chance.randrange(100_000):05}"
    text: str = example["text"]
    return {
        "channel": "hotline",
        "external_id": external_id,
        "title": text[:20],
        "text": f"{text}联系电话{phone}。" if chance.random() < 0.2 else text,
        "submitted_at": "2026-11-20T09:12:00+08:00",
        "citizen": {"kind": "person", "name": chance.choice(_SURNAMES) + chance.choice(_GIVEN), "phone": phone},
        "place": {"address": f"{chance.choice(_STREETS)}{chance.randrange(1, 200)}号", "region": example.get("region")},
        "language": "zh",
    }


@cache
def _examples() -> list[dict[str, Any]]:
    files = sorted((PACK / "examples").glob("*.jsonl"))
    return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines() if line.strip()]
