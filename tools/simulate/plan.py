"""What a pack's `traffic` folder says: rhythm, groups, wording, planted events, projects, supply and policies. Pure models."""

from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from shared.events.words import Kind, Urgency
from shared.pack.parts import CategoryCode, Code, Part, RegionCode, Text

YearDay: TypeAlias = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
"""A day of any year: `07-18`."""
Weight: TypeAlias = Annotated[float, Field(ge=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Hours: TypeAlias = Annotated[tuple[Weight, ...], Field(min_length=24, max_length=24)]
Week: TypeAlias = Annotated[tuple[Weight, ...], Field(min_length=7, max_length=7)]

_OFFICE_AND_EVENING = (
    0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.6, 1.5, 4, 6, 6, 4, 3, 4, 5, 5, 4, 3, 2.5, 3, 3, 2, 1.2, 0.6,
)  # fmt: skip


class Gives(Part):
    """How often a door learns something about who speaks."""

    name: Share = 0.5
    phone: Share = 0.5
    account: Share = 0.0
    email: Share = 0.0
    anonymous: Share = 0.0
    place: Share = 0.0
    """The field `place`, not the text."""


class Door(Part):
    """The rhythm of a channel."""

    channel: Code
    share: Weight = 1
    """Its weight for groups that name no doors of their own."""
    hours: Hours = _OFFICE_AND_EVENING
    week: Week = (1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.5)
    """From Monday on."""
    holiday: Weight = 0.5
    """What is left of a day's messages on a public holiday."""
    kinds: tuple[Kind, ...] = ()
    """What alone comes through it; empty: everything."""
    gives: Gives = Gives()


class Lift(Part):
    """These categories, in these regions, as much more or less often; empty: all of them."""

    categories: tuple[CategoryCode, ...] = ()
    regions: tuple[RegionCode, ...] = ()
    factor: Weight


class Season(Lift):
    """A lift for some days of every year; it may run over New Year."""

    name: Text
    from_: Annotated[YearDay, Field(alias="from")]
    to: YearDay

    def covers(self, day: date) -> bool:
        """Whether the day is one of them."""
        today = f"{day:%m-%d}"
        if self.from_ <= self.to:
            return self.from_ <= today <= self.to
        return today >= self.from_ or today <= self.to


class Terrain(Part):
    """Categories that only exist in some regions."""

    categories: tuple[CategoryCode, ...]
    regions: tuple[RegionCode, ...]


class Rhythm(Part):
    """When and where people speak, and what of."""

    doors: tuple[Door, ...] = ()
    weights: tuple[Lift, ...] = ()
    seasons: tuple[Season, ...] = ()
    terrain: tuple[Terrain, ...] = ()
    again: Share = 0.08
    """How many troubles are said once more by the same person."""


class Group(Part):
    """People who are alike in how readily they speak and through which door."""

    code: Code
    name: Text
    share: Weight
    """Of the population."""
    readiness: Annotated[float, Field(gt=0, le=1)]
    """How likely one of them who has a trouble says so."""
    doors: dict[Code, Weight] = Field(default_factory=dict)
    """Through which channel, when they speak."""
    regions: dict[RegionCode, Weight] = Field(default_factory=dict)
    """More or fewer of them live there; the longest code that fits counts."""
    lifts: tuple[Lift, ...] = ()
    organisation: bool = False
    languages: tuple[str, ...] = ()
    """What they speak besides the city's language."""
    words: tuple[str, ...] = ()
    """Only they say such a thing of themselves."""


class Phrases(Part):
    """What may stand before or after what is said."""

    channels: tuple[Code, ...] = ()
    kinds: tuple[Kind, ...] = ()
    texts: Annotated[tuple[str, ...], Field(min_length=1)]


class ChannelWords(Part):
    """A text with such words comes through these channels only."""

    channels: tuple[Code, ...]
    words: tuple[str, ...]


class Wording(Part):
    """Honest variation: names, greetings, details and sign-offs."""

    surnames: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    firms: tuple[str, ...] = ()
    openings: tuple[Phrases, ...] = ()
    details: tuple[Phrases, ...] = ()
    closings: tuple[Phrases, ...] = ()
    again: tuple[Phrases, ...] = ()
    greeted: tuple[str, ...] = ()
    """A text that begins so needs no opening."""
    only: tuple[ChannelWords, ...] = ()


class Said(Part):
    """A text written for a planted event."""

    text: Annotated[str, Field(min_length=2)]
    title: str = ""
    category: CategoryCode | None = None
    kind: Kind | None = None
    urgency: Urgency | None = None
    channel: Code | None = None
    region: RegionCode | None = None
    day: Annotated[int, Field(ge=0)] | None = None
    """So many days after the event began."""
    side: str = ""
    """In a quarrel: whose."""


class Surge(Lift):
    """What an event adds to everyday troubles."""

    days: Annotated[int, Field(gt=0)]


class Event(Part):
    """Something planted: its people and its texts are known."""

    code: Code
    name: Text
    on: YearDay
    days: Annotated[int, Field(gt=0)]
    use: Literal["once", "often", "daily", "doors"]
    """Each text by another person; by many, with variation; one person every day; one person, each text through its own door."""
    category: CategoryCode
    kind: Kind
    urgency: Urgency = "normal"
    regions: Annotated[tuple[RegionCode, ...], Field(min_length=1)]
    """Where its people live."""
    groups: tuple[Code, ...] = ()
    """Which groups; empty: all, as they live there."""
    people: Annotated[int, Field(gt=0)] = 1
    """Who is affected, whether they speak or not, at 2,000 messages a day."""
    speak: Weight = 1.0
    """How much more readily they speak of this."""
    half_life: Annotated[float, Field(gt=0)] = 5.0
    """Days after which half of them have spoken."""
    hoax: bool = False
    """Nothing of it is true."""
    texts: Annotated[tuple[Said, ...], Field(min_length=1)]
    surges: tuple[Surge, ...] = ()

    def begins(self, start: date) -> date:
        """Its first day on or after the start; 29 February counts as the day after the 28th."""
        month, day = map(int, self.on.split("-"))
        found = date(start.year, month, 1) + timedelta(days=day - 1)
        return found if found >= start else date(start.year + 1, month, 1) + timedelta(days=day - 1)


class Project(Part):
    """Something that was built or changed, with its effect on a need, and regions that tell what would have been without it."""

    code: Code
    name: Text
    categories: tuple[CategoryCode, ...]
    regions: tuple[RegionCode, ...]
    finished: YearDay
    factor: Weight
    controls: tuple[RegionCode, ...]


class PolicyPair(Part):
    """Two sentences of made-up policies, and whether both can be followed at once."""

    code: Code
    about: Text
    first: str
    second: str
    label: Literal["conflict", "near-miss"]
    why: Text


class Medicine(Part):
    """A medicine and how many ask for it."""

    code: Code
    name: Text
    monthly: Annotated[int, Field(gt=0)]
    """People a month who need it, at a middling health centre."""


class Shortage(Part):
    """For a while a health centre has too little of a medicine."""

    centre: str
    medicine: Code
    from_: Annotated[YearDay, Field(alias="from")]
    days: Annotated[int, Field(gt=0)]
    stocked: Share
    """What part of the need is met."""


class Medicines(Part):
    """Health centres, what they keep and what they run out of."""

    category: CategoryCode
    centres: dict[str, Weight]
    """Names in the gazetteer, with their size."""
    items: tuple[Medicine, ...]
    shortages: tuple[Shortage, ...]
    texts: tuple[Said, ...]
    """With {centre} and {medicine}."""


class Skill(Part):
    """Those who look for such work, and the work there is, per quarter and region."""

    code: Code
    name: Text
    seekers: dict[RegionCode, int]
    openings: dict[RegionCode, int]


class Jobs(Part):
    """Work wanted and offered."""

    category: CategoryCode
    skills: tuple[Skill, ...]
    texts: tuple[Said, ...] = ()
    """With {skill}; said by those who find nothing."""


class Supply(Part):
    """What there is, against what is needed."""

    medicines: Medicines | None = None
    jobs: Jobs | None = None


class Traffic(Part):
    """The whole folder; a pack without one has a plain rhythm and nobody planted."""

    rhythm: Rhythm = Rhythm()
    groups: tuple[Group, ...] = ()
    wording: Wording = Wording()
    events: tuple[Event, ...] = ()
    projects: tuple[Project, ...] = ()
    policies: tuple[PolicyPair, ...] = ()
    supply: Supply = Supply()

    @cached_property
    def group_by_code(self) -> dict[str, Group]:
        """Every group."""
        return {group.code: group for group in self.groups}
