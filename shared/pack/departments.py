"""Who handles cases: departments, what they are for, and the units below them."""

from shared.pack.parts import Code, Level, Part, RegionCode, Text


class Desk(Part):
    """Where a department takes cases in, and who is responsible for it (a post, never a person)."""

    owner: Text
    hours: str = ""
    phone: str = ""


class NotOurs(Part):
    """What a department is often wrongly given, and whose it is."""

    what: Text
    function: Code


class Unit(Part):
    """A part of a department, with the parts below it."""

    code: Code
    name: Text
    duties: Text = Text()
    units: tuple["Unit", ...] = ()


class Department(Part):
    """A department that can be given cases."""

    code: Code
    name: Text
    function: Code
    """Its function (职能): what routes name, so that one rule serves every district."""
    level: Level
    region: RegionCode
    duties: Text = Text()
    powers: tuple[Text, ...] = ()
    """Its entries in the published list of duties (权责清单)."""
    desk: Desk
    not_ours: tuple[NotOurs, ...] = ()
    units: tuple[Unit, ...] = ()
    supervisor: Code | None = None
    """The department that takes complaints about this one."""
    retired: bool = False
