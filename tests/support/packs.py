"""A minimal valid pack in a folder, for tests to break: 小城, a city with one district."""

from pathlib import Path

FILES = {
    "pack.yaml": """\
name: small
title: {zh: 小城, en: Smalltown}
version: "1"
region: "990100"
catch_all: city-hotline
test_desk: test-desk
""",
    "regions.yaml": """\
- code: "990100"
  name: {zh: 小城市, en: Smalltown}
  level: city
  aliases: [小城]
- code: "990102"
  name: {zh: 东区, en: East}
  level: district
  parent: "990100"
  places: [东大街]
""",
    "departments.yaml": """\
- code: city-housing
  name: {zh: 市住建局, en: City housing}
  function: housing
  level: city
  region: "990100"
  desk: {owner: {zh: 受理岗}}
- code: east-housing
  name: {zh: 东区住建局, en: East housing}
  function: housing
  level: district
  region: "990102"
  desk: {owner: {zh: 受理岗}}
- code: city-hotline
  name: {zh: 热线中心, en: Hotline}
  function: hotline
  level: city
  region: "990100"
  desk: {owner: {zh: 班长岗}}
- code: test-desk
  name: {zh: 测试岗, en: Test desk}
  function: test
  level: city
  region: "990100"
  desk: {owner: {zh: 测试岗}}
""",
    "channels.yaml": """\
- code: hotline
  name: {zh: 热线, en: Hotline}
""",
    "clocks.yaml": """\
- code: urgent
  name: {zh: 加急件, en: Urgent}
  when: {urgency: [urgent]}
  accept_hours: 2
  resolve_days: 3
- code: standard
  name: {zh: 普通件, en: Standard}
  when: {}
  accept_hours: 24
  resolve_days: 15
""",
    "categories/01-housing.yaml": """\
code: housing
name: {zh: 住房, en: Housing}
children:
  - code: housing.property
    name: {zh: 物业, en: Estates}
    function: housing
    level: district
  - code: housing.lift
    name: {zh: 电梯, en: Lifts}
""",
    "routes/01-housing.yaml": """\
- name: property
  why: {zh: 物业归区住建}
  when: {category: [housing.property]}
  to: {function: housing, level: district}
- name: lift
  why: {zh: 电梯归市住建}
  when: {category: [housing.lift]}
  to: {department: city-housing}
""",
    "examples/01-housing.jsonl": "".join(
        f'{{"text":"{text}{number}","category":"housing.{leaf}","kind":"complaint"}}\n'
        for leaf, text in (("property", "物业又涨价了"), ("lift", "电梯又坏了"))
        for number in range(5)
    ),
}


class PackFolder:
    """A pack folder that is valid until a test breaks it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> None:
        """Put this in place of the file, or add the file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def replace(self, name: str, old: str, new: str) -> None:
        """Change the one place where the file says `old`."""
        text = (self.path / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        """Add this at the end of the file."""
        self.write(name, (self.path / name).read_text(encoding="utf-8") + text)

    def delete(self, name: str) -> None:
        """Take the file away."""
        (self.path / name).unlink()
