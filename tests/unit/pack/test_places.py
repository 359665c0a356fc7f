"""What lies in what, which names tell it, and what yesterday's codes mean today."""

from services.classifier.regions import gazetteer
from shared.pack.model import City, Example, Pack, Place, Region, Text
from shared.pack.places import Atlas, Former, spoken_names


def region(code: str, name: str, parent: str | None = "990100", **more: object) -> Region:
    level = {6: "district", 9: "street", 12: "community"}[len(code)] if parent else "city"
    return Region.model_validate({"code": code, "name": {"zh": name}, "level": level, "parent": parent, **more})


REGIONS = (
    region("990100", "小城市", None),
    region("990101", "中城区", retired=True, since="2019-05-01", successors=["990102", "990105"]),
    region("990102", "东区", former=[{"name": "中城区", "until": "2019-05-01"}, {"name": "东门县", "until": "1990-01-01"}]),
    region("990105", "西区"),
    region("990102001", "一街", "990102"),
    region("990102002", "二街", "990102"),
    region("990105001", "三街", "990105"),
    region("990102008", "柳巷街", "990102", retired=True, successors=["990102002"]),
    region("990102009", "无后街", "990102", retired=True),
)
PLACES = (
    Place(name="文昌路", kind="road", regions=("990102001",), aliases=("文路",)),
    Place(name="长河", kind="river", regions=("990102001", "990105001")),
    Place(name="东大道", kind="road", regions=("990102001", "990102002")),
)
NAMES = dict(spoken_names(REGIONS, PLACES))


def test_a_place_tells_of_the_deepest_region_around_all_of_it() -> None:
    assert (NAMES["文昌路"], NAMES["文路"], NAMES["东大道"], NAMES["长河"]) == ("990102001", "990102001", "990102", "990100")


def test_a_region_that_is_no_more_tells_of_its_successor_or_of_what_they_share() -> None:
    assert (NAMES["柳巷街"], NAMES["中城区"], NAMES["无后街"]) == ("990102002", "990100", "990102")


def test_an_old_name_tells_of_the_region_that_had_it() -> None:
    assert NAMES["东门县"] == "990102"


def test_codes_have_a_meaning_today() -> None:
    atlas = Atlas(REGIONS)
    assert [atlas.today(code) for code in ("990102", "990101", "990102008", "110101")] == ["990102", "990100", "990102002", None]
    assert atlas.around("990102001") == ["990102001", "990102", "990100"]
    assert atlas.common([]) is None


def test_the_classifier_places_texts_by_all_of_these_names() -> None:
    city = City(name="town", title=Text(zh="小城"), version="1", region="990100", catch_all="desk", test_desk="desk")
    pack = Pack(city=city, regions=REGIONS, departments=(), categories=(), channels=(), routes=(), clocks=(), gazetteer=PLACES)
    known = gazetteer(pack)
    assert known.decide(["中城区"]) == ("990100", "中城区")
    assert known.decide(["东门县", "文路"]) == ("990102001", "文路")
    assert known.decide(["柳巷街"]) == ("990102002", "柳巷街")


def test_a_span_is_where_a_place_is_named_first() -> None:
    example = Example(title="文昌路", text="文昌路和长河", category="a", kind="help", places=("文昌路", "长河", "别处"))
    assert [tuple(span) for span in example.spans] == [("title", 0, 3), ("text", 4, 6)]


def test_a_former_name_knows_until_when() -> None:
    assert Former.model_validate({"name": "东门县", "until": "1990-01-01"}).until.year == 1990
