"""Masks personal data in what a citizen wrote: `13800138000` becomes `[电话1]`. Pure: no I/O, no clock.

Placeholders are typed and numbered over the whole message, so a reader still follows who called whom. Recognised are

* phones: mainland mobiles (+86/0086, grouped, digit by digit, in Chinese numerals), landlines with area code, local numbers
  announced by 电话 or tel, other countries' with `+` (ITU-T E.164)
* resident IDs: GB 11643-1999, 18 digits with check character (ISO 7064 MOD 11-2), the old 15 digits with province and birth date;
  after the word 身份证 also with a wrong check character: a mistyped ID still tells who it is
* bank cards: ISO/IEC 7812, 13 to 19 digits, industries 3 to 6, Luhn; plates: GA 36-2018 with new-energy ones
* e-mail addresses; WeChat and QQ accounts where they are announced; the citizen's own contact, wherever it occurs

**Not masked**: other people's names and addresses in free text, passports and permits, local numbers and accounts that nothing
announces, numbers broken over lines, service numbers (400-…, 12345). What merely looks like a phone (an 11-digit order number
from 13 to 19) is masked, as is every tenth long number from 3 to 6 (Luhn): a mask too many is undone on request, a leak is not.
"""

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

Kind: TypeAlias = Literal["phone", "email", "resident_id", "bank_card", "plate", "account", "name"]
Span: TypeAlias = tuple[int, int, Kind]

_ENGLISH: Final[dict[Kind, str]] = {kind: kind for kind in get_args(Kind)} | {"resident_id": "id", "bank_card": "card"}
_CHINESE: Final[dict[Kind, str]] = dict(zip(_ENGLISH, "电话 邮箱 身份证 银行卡 车牌 账号 姓名".split(), strict=True))  # noqa: SIM905
_NOBODY = {*_CHINESE.values(), *_ENGLISH.values(), *"匿名 不详 未知 市民 热心市民 群众 居民 先生 女士 anonymous".split()}  # noqa: SIM905
"""What channels write where a name is missing; masking it would only blot out common words."""

_HIDDEN = "\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\ufe0e\ufe0f\ufeff\u20e3"
_FOLD = (  # one for one, so that offsets stay
    {ord(char) + 0xFEE0: char for char in string.digits + string.ascii_letters + "+-.@_"}
    | dict.fromkeys((0xA0, 0x202F, 0x3000, *range(0x2002, 0x200B)), " ")
    | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
    | dict.fromkeys((0x2022, 0x2027, 0x2219, 0x30FB), "·")
)
_INVISIBLE = re.compile(f"[{_HIDDEN}]")
_ODD = re.compile(f"[{_HIDDEN}{''.join(map(chr, _FOLD))}]")
_SPOKEN_DIGITS = "〇零一二三四五六七八九幺"
_SPOKEN = re.compile(f"[一幺][三四五六七八九][{_SPOKEN_DIGITS}]{{9}}")
_SPOKEN_FOLD = str.maketrans(_SPOKEN_DIGITS, "001234567891")

# Boundaries are short: with a longer look around (a dash and a digit before, say) the answer would depend on what is masked
# next to it, and masking twice would mask more. Quantifiers are bounded or possessive: the scan is linear.
_LOOKS = 4
_TRIGGER = re.compile("[0-9@]")
_PROVINCE = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_START = re.compile(
    f"[0-9+(（¥￥$一幺电座固身微扣TtPpQqVvWw{_PROVINCE}](?:(?<=[0-9])(?<![0-9][0-9])"
    "(?=[0-9]{2}[0-9 .-]{7}|[0-9]{1,2}[.][0-9]{6}|6[ -]|[ -][3-9](?:[ -][0-9]){9})|(?<=[^0-9])(?:(?<=[+])(?=[0-9][0-9 ()-]{8})"
    f"|(?<=[{_PROVINCE}])(?=[A-Za-z])|(?<=[一幺])(?=[三四五六七八九])|(?<=[(（])(?=0)|(?<=[¥￥$电座固身微扣TtPpQqVvWw])))"
)
"""Where something other than an e-mail address may begin: cheap, and never inside a number."""
_EMAIL = re.compile(  # what is glued to an address by another @ is masked with it
    "(?<![A-Za-z0-9._%+-])[.%+-]*+([A-Za-z0-9_][A-Za-z0-9._%+-]*+@(?:[A-Za-z0-9-]{1,63}[.]){1,8}[A-Za-z]{2,24}(?![A-Za-z])"
    "(?:[A-Za-z0-9._%+-]*+@[A-Za-z0-9.-]++)*+)"
)
_MOBILE_REST = "(?:(?:[ .-]{0,2}[0-9]{4}){2}|[0-9][ -][0-9]{3}[ -][0-9]{4}|[ -][0-9]{3}[ -][0-9]{5}|[0-9]{2}[ -][0-9]{6})"
_AREA = "(?:10|2[0-9]|[3-9][0-9]{2})"
_CHAT = "(?:微信|扣扣|(?<![A-Za-z0-9])(?:[Ww]e[Cc]hat|QQ|qq|[VvWw][Xx]))"
_PATTERN = rf"""
  (?P<skip> [0-9]{{2,3}}\.[0-9]{{6,}}+                                                # a coordinate; an amount:
          | [0-9]{{11,19}}(?: \.[0-9]{{2}}(?![0-9]) | (?:\.[0-9]{{1,9}})?[ ]?(?: 元(?!旦) | 万元 | 亿 ))
          | [¥￥$][ ]?[0-9]{{11,}}+ )
| (?P<phone> (?: (?:(?:\+|00)?86[ -]{{0,2}})?(?: 1[3-9][0-9]{_MOBILE_REST} @RESERVED@ )
          | 1[ -][3-9](?:[ -][0-9]){{9}}
          | (?: [(（]0{_AREA}[)）] | 0{_AREA} | (?:\+|00)86[ -]{{0,2}}{_AREA} )[ -]{{0,2}}[2-8][0-9]{{2,3}}[ -]?[0-9]{{4}}
          | \+(?!86)[1-9][0-9]{{0,2}}(?:[ ()-]{{0,2}}[0-9]){{7,13}} )(?![0-9])
          | (?<![{_SPOKEN_DIGITS}]){_SPOKEN.pattern}(?![{_SPOKEN_DIGITS}]) )
| (?: 电话 | 座机 | 固话 | (?<![A-Za-z])(?:[Tt]el|[Pp]hone) )(?:号码|号)?[是为:：. ]{{0,3}}
          (?P<local> (?!20[0-3][0-9][01][0-9][0-3][0-9])[2-8][0-9]{{2,3}}[ -]?[0-9]{{4}} )(?![0-9])
| (?P<checked> [1-9][0-9]{{5}}[ -]?[0-9]{{4}} | [3-6][0-9]{{3}}[ -][0-9]{{4}}[ -][0-9]{{4}} )
| 身份证(?:号码|号)?[是为:： ]{{0,3}}(?P<resident_id> [1-9][0-9]{{13}}(?:[0-9]{{3}})?(?:[0-9](?![0-9])|[Xx]) )
| (?P<plate> [{_PROVINCE}][A-Za-z][·. -]?(?=[A-Za-z]*+[0-9])
          (?: [0-9A-Za-z]{{4}}[0-9A-Za-z挂学警港澳] | [A-Ka-k][0-9A-Za-z][0-9]{{4}} | [0-9]{{5}}[A-Ka-k] )(?![0-9A-Za-z]) )
| {_CHAT}[ ]?(?: (?:(?:账号|帐号|号码|号|ID|id)[ ]?[:：=是为]?|[:：=是为])[ ]? | (?=[0-9]) )(?!1[3-9][0-9]{{9}}(?![A-Za-z0-9_-]))
          (?P<account> [A-Za-z0-9_][A-Za-z0-9_-]{{5,31}}+ )(?![A-Za-z0-9_-])(?!\.?[A-Za-z0-9._-]*+@)
"""
_RESIDENT = re.compile("[0-9]{6}[ -]?(?:18|19|20)[0-9]{2}[ -]?[01][0-9][0-3][0-9][ -]?[0-9]{3}(?:[0-9](?![0-9])|[Xx])")
_OLD_RESIDENT = re.compile("[0-9]{15}(?![0-9])")
_CARD = re.compile("[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2,3}(?:[ -]?[0-9]{1,4})?(?![0-9])|[3-6][0-9]{3,5}[ -][0-9]{6,13}(?![0-9])")
_PROVINCES = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]|99")
_KIND_OF: dict[str, Kind] = {kind: kind for kind in _ENGLISH} | {"local": "phone"}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LUHN_TWICE = bytes.maketrans(b"0123456789", b"0246813579")


class Found(NamedTuple):
    """One piece of personal data: what it is, what stands in its place, and the value in its normal form."""

    kind: Kind
    placeholder: str
    value: str


class Masked(NamedTuple):
    """A message's parts in the shape they came in, and what was taken out of them."""

    parts: dict[str, Any]
    found: tuple[Found, ...]


class Masker:
    """Masks messages. Holds one compiled pattern and no state, so that one serves every request.

    `reserved_mobile` are prefixes of 11-digit numbers that nobody owns, which a pack uses for made-up people.
    Placeholders are Chinese when the language is `zh`, else English.
    """

    def __init__(self, reserved_mobile: Sequence[str] = (), *, language: str = "zh") -> None:
        reserved = "".join(f"|{re.escape(p)}[0-9]{{{11 - len(p)}}}" for p in reserved_mobile if p.isdecimal() and len(p) < 11)
        self._pattern = re.compile(_PATTERN.replace("@RESERVED@", reserved), re.VERBOSE)
        self._language = language

    def mask(self, parts: Mapping[str, Any], own: Sequence[tuple[Kind, str]] = (), *, language: str | None = None) -> Masked:
        """The parts (title, text, address, extra: text or JSON) without personal data. `own` is the citizen's own contact."""
        labels = _CHINESE if (language or self._language).lower().startswith("zh") else _ENGLISH
        work = _Masking(self._pattern, labels, parts, [*_literals(own)])
        masked = {name: work.tree(value) for name, value in parts.items()}
        return Masked(masked, tuple(work.found.values()))


class _Masking:
    """The work on one message: one numbering over all its parts."""

    def __init__(self, pattern: re.Pattern[str], labels: dict[Kind, str], parts: Mapping[str, Any], own: list[tuple[Kind, str]]):
        self._pattern, self._labels, self._parts, self._own = pattern, labels, parts, own
        self._last: dict[str, int] = {}
        self.found: dict[tuple[Kind, str], Found] = {}

    def tree(self, value: Any) -> Any:
        """JSON with every text, key and number masked. Two frames a level: what orjson can write (254 levels) is no trouble."""
        if isinstance(value, str):
            return self.text(value) if value else value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, list | tuple):
            return [self.tree(item) for item in value]
        return self._object(value) if isinstance(value, Mapping) else value

    def _object(self, mapping: Mapping[Any, Any]) -> dict[Any, Any]:
        masked: dict[Any, Any] = {}
        for key, value in mapping.items():
            name = self.text(key) if isinstance(key, str) else key
            while name in masked:  # two spellings of one phone number: neither value is lost
                name = f"{name}_"
            masked[name] = self.tree(value)
        return masked

    def _number(self, value: float) -> Any:
        """A whole number that is a phone, an ID or a card (spreadsheets make numbers of them) as its placeholder."""
        if not 10**10 <= value < 10**19 or value != int(value):
            return value
        masked = self.text(str(int(value)))
        return masked if masked[0] == "[" and masked[-1] == "]" else value

    def text(self, text: str) -> str:
        """One text, masked. Looked at again when something was found: a mask may lay bare what was glued to it."""
        for _ in range(_LOOKS):
            plain, offsets = _plain(text)
            spans = [*_occurrences(plain, self._own)] if self._own else []
            if _TRIGGER.search(plain) or "微信" in plain or "eChat" in plain or "echat" in plain or _SPOKEN.search(plain):
                spans = [*self._scan(plain), *spans]
            if not spans:
                break
            text = self._replace(text, offsets, plain, spans)
        return text

    def _replace(self, text: str, offsets: list[int] | None, plain: str, spans: list[Span]) -> str:
        pieces, last, done = [], 0, 0
        for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start < done:  # lies in what is masked already; what sticks out is seen at the next look
                continue
            first, after = (offsets[start], offsets[end - 1] + 1) if offsets else (start, end)
            pieces += [text[last:first], self._placeholder(kind, plain[start:end])]
            last, done = after, end
        return "".join([*pieces, text[last:]])

    def _scan(self, plain: str) -> Iterator[Span]:
        if "@" in plain:
            yield from ((*match.span(1), "email") for match in _EMAIL.finditer(plain))
        done = 0
        for start in _START.finditer(plain):
            if start.start() < done or not (match := self._pattern.match(plain, start.start())):
                continue
            group = match.lastgroup or ""
            if group == "skip":
                done = match.end()
            elif span := _checked(plain, match.start()) if group == "checked" else (*match.span(group), _KIND_OF[group]):
                done = span[1]
                yield span

    def _placeholder(self, kind: Kind, written: str) -> str:
        value = normal(kind, written)
        if known := self.found.get((kind, value)):
            return known.placeholder
        self._last = self._last or _typed(self._parts, self._labels)
        label = self._labels[kind]
        self._last[label] = number = self._last.get(label, 0) + 1
        self.found[kind, value] = found = Found(kind, f"[{label}{number}]", value)
        return found.placeholder


def normal(kind: str, value: str) -> str:
    """The one form of a value however it was written; empty when nothing of that kind is in it."""
    folded = " ".join(_INVISIBLE.sub("", value).translate(_FOLD).split())
    if kind == "phone":
        return _normal_phone(folded)
    if kind in {"resident_id", "plate", "bank_card"}:
        return re.sub("[ .·-]", "", folded).upper()
    return folded.lower() if kind == "email" else folded


def _normal_phone(folded: str) -> str:
    digits = folded if folded.isascii() and folded.isdecimal() else re.sub("[^0-9]", "", folded.translate(_SPOKEN_FOLD))
    if inland := re.fullmatch("(?:00)?86(1[3-9][0-9]{9})|(?:00)?86([1-9][0-9]{8,10})", digits):
        return inland[1] or f"0{inland[2]}"
    return f"+{digits}" if folded.startswith("+") and digits else digits


def _checked(plain: str, start: int) -> Span | None:
    """A number that is what it looks like: its check character, its date or its check digit says so."""
    if plain[start + 4].isdecimal():  # else it stands in groups of four, as only cards do
        if (match := _RESIDENT.match(plain, start)) and _is_resident_id(match[0]):
            return start, match.end(), "resident_id"
        if (match := _OLD_RESIDENT.match(plain, start)) and _PROVINCES.match(match[0]) and _is_date("19" + match[0][6:12]):
            return start, match.end(), "resident_id"
    written = match[0] if (match := _CARD.match(plain, start)) else ""
    while len(written) >= 13:  # what follows a blank may belong to something else: try with a group less
        if _is_card(written.replace(" ", "").replace("-", "").encode()):
            return start, start + len(written), "bank_card"
        written = written[: max(written.rfind(" "), written.rfind("-"), 0)]
    return None


def _is_card(digits: bytes) -> bool:
    """ISO/IEC 7812-1 annex B (Luhn), over ASCII: 48 for each digit is taken off at the end."""
    if not 13 <= len(digits) <= 19:
        return False
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_LUHN_TWICE)) - 48 * len(digits)) % 10 == 0


def _is_resident_id(written: str) -> bool:
    digits = re.sub("[ -]", "", written)
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False)) % 11
    return digits[17].upper() == "10X98765432"[remainder] and _is_date(digits[6:14])


def _is_date(digits: str) -> bool:
    try:
        return bool(date(int(digits[:4]), int(digits[4:6]), int(digits[6:])))
    except ValueError:
        return False


def _plain(text: str) -> tuple[str, list[int] | None]:
    """The text as a reader sees it (full-width forms made plain, invisible characters gone), and where each character was."""
    if not _ODD.search(text):
        return text, None
    offsets = [at for at, char in enumerate(text) if not _INVISIBLE.match(char)] if _INVISIBLE.search(text) else None
    return _INVISIBLE.sub("", text).translate(_FOLD), offsets


def _literals(own: Iterable[tuple[Kind, str]]) -> Iterator[tuple[Kind, str]]:
    """The citizen's own values that are long enough to mean only him or her, as they are looked for."""
    for kind, value in own:
        literal = " ".join(_INVISIBLE.sub("", value).translate(_FOLD).lower().split())
        if len(literal) >= (2 if kind == "name" else 5) and literal not in _NOBODY:
            yield kind, literal


def _occurrences(plain: str, own: list[tuple[Kind, str]]) -> Iterator[Span]:
    """Where the citizen's own values stand as words of their own; case does not matter."""
    lowered = plain.lower()
    text = lowered if len(lowered) == len(plain) else plain  # a few letters (İ) grow when lowered, and offsets would slip
    for kind, literal in own:
        at = text.find(literal)
        while at >= 0:
            end = at + len(literal)
            if not (_joined(text[at - 1 : at], literal[0]) or _joined(literal[-1], text[end : end + 1])):
                yield at, end, kind
            at = text.find(literal, end)


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word or number, or open a placeholder."""
    return left == "[" or right == "]" or ((left + right).isascii() and left.isalnum() and right.isalnum())


def _typed(parts: Mapping[str, Any], labels: dict[Kind, str]) -> dict[str, int]:
    """The highest number of each placeholder that the citizen typed: ours go on after it."""
    last: dict[str, int] = {}
    for label, number in re.findall(rf"\[({'|'.join(labels.values())})([0-9]{{1,6}})\]", repr(parts)):
        last[label] = max(last.get(label, 0), int(number))
    return last
