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
    definition: {zh: 物业公司的服务和收费}
    usual_kind: complaint
    synonyms: [物业费, 保洁]
  - code: housing.lift
    name: {zh: 电梯, en: Lifts}
    function: housing
    definition: {zh: 升降设备的故障和维修}
    usual_kind: help
    synonyms: [升降机]
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
    "examples/01-housing.jsonl": """\
{"text":"物业费一年涨了三成，账目从来不公布","category":"housing.property","kind":"complaint"}
{"text":"小区保洁两个月没见人，楼梯间全是烟头","category":"housing.property","kind":"complaint"}
{"text":"东大街的物业晚上没有保安值班","category":"housing.property","kind":"complaint","region":"990102","places":["东大街"],"department":"east-housing"}
{"text":"请问换一家物业公司要多少业主签字？","category":"housing.property","kind":"consultation","department":"city-housing"}
{"text":"物业把地面车位租给外面的人，自家车没处停","category":"housing.property","kind":"complaint"}
{"text":"表扬物业的老张，大雨天帮我背米上楼","category":"housing.property","kind":"praise"}
{"text":"电梯又坏了，八十岁的老母亲爬了十二层","category":"housing.lift","kind":"help"}
{"text":"二号楼电梯按钮失灵，按三楼去五楼","category":"housing.lift","kind":"complaint"}
{"text":"升降机门夹住了孩子的书包，太吓人","category":"housing.lift","kind":"complaint","urgency":"urgent"}
{"text":"电梯年检标志过期半年，没有人管","category":"housing.lift","kind":"report"}
{"text":"老房子加装电梯的补贴怎么申请","category":"housing.lift","kind":"consultation"}
{"title":"东大街","text":"轿厢里一股焦味，灯也一闪一闪","category":"housing.lift","kind":"help","region":"990102","places":["东大街"]}
""",
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
