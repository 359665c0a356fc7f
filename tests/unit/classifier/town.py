"""A town just large enough to train on."""

from itertools import product

from shared.pack.model import Category, City, Department, Desk, Example, Pack, Region, Text

_WHERE = ("楼下", "门口", "单元里", "院子里", "路口", "村口", "学校旁边", "菜场边上")
_TROUBLES = {
    "home.lift": ("电梯坏了没人修", "电梯老是困人", "轿厢按钮失灵", "电梯停运一个月"),
    "home.fees": ("物业费乱涨价", "停车费重复收", "物业收费不公示", "物业催费态度凶"),
    "street.waste": ("垃圾没人清运", "垃圾桶满了发臭", "垃圾堆成山", "垃圾车半夜吵"),
    "street.lamps": ("路灯不亮", "路灯坏了一排", "晚上黑漆漆没有路灯", "路灯杆歪倒"),
    "water.outage": ("自来水停了三天", "水压低没水用", "停水不通知", "水管爆了断水"),
    "water.taste": ("自来水发黄", "水有漂白粉味", "水里有泥沙", "水质浑浊不敢喝"),
}
_KINDS = ("complaint", "help", "consultation", "suggestion")


def examples() -> list[Example]:
    """A few dozen for each category."""
    made = []
    for code, troubles in _TROUBLES.items():
        for number, (where, trouble) in enumerate(product(_WHERE, troubles)):
            kind = _KINDS[number % 4]
            text = {
                "complaint": "投诉{}{}",
                "help": "请帮帮忙，{}{}",
                "consultation": "请问{}{}找谁？",
                "suggestion": "建议管管{}{}",
            }
            made.append(Example(text=text[kind].format(where, trouble), category=code, kind=kind, region=None))
    return made


def _category(code: str, name: str) -> Category:
    below = tuple(_category(child, troubles[0]) for child, troubles in _TROUBLES.items() if child.startswith(f"{code}."))
    return Category(code=code, name=Text(zh=name), definition=Text(zh=name), function="office", level="city", children=below)


TOWN = Pack(
    city=City(name="town", title=Text(zh="小城"), version="1", region="990200", catch_all="desk", test_desk="desk"),
    regions=(
        Region(code="990200", name=Text(zh="小城市", en="Smalltown"), level="city", aliases=("小城",)),
        Region(
            code="990201",
            name=Text(zh="东区", en="East District"),
            level="district",
            parent="990200",
            places=("建设路", "东门街"),
        ),
        Region(code="990202", name=Text(zh="西区"), level="district", parent="990200", places=("建设路", "西门街", "东门街夜市")),
        Region(code="990202001", name=Text(zh="柳湾街道"), level="street", parent="990202"),
    ),
    departments=(
        Department(
            code="desk",
            name=Text(zh="服务台"),
            function="office",
            level="city",
            region="990200",
            desk=Desk(owner=Text(zh="值班岗")),
        ),
    ),
    categories=(_category("home", "住房"), _category("street", "市容"), _category("water", "供水")),
    channels=(),
    routes=(),
    clocks=(),
)
