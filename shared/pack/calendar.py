"""Which days are worked: weekends, public holidays, and the weekends that are worked in exchange."""

from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.pack.parts import Part, Text

_FRIDAY = 4


class Holiday(Part):
    """A public holiday, from its first day to its last."""

    name: Text
    from_: Annotated[date, Field(alias="from")]
    to: date

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.from_ + timedelta(days=number) for number in range((self.to - self.from_).days + 1)]


class Year(Part):
    """What is published for a year."""

    own: bool = False
    """The city's own guess, until the year is published."""
    holidays: tuple[Holiday, ...] = ()
    workdays: tuple[date, ...] = ()
    """Weekends and holidays that are worked."""


class Calendar(Part):
    """Written out year by year, or a country's as the library `holidays` knows it; what is written out counts more."""

    years: dict[int, Year] = Field(default_factory=dict)
    source: Literal["holidays"] | None = None
    country: str | None = None
    """ISO 3166-1, such as `GB`."""
    subdivision: str | None = None
    """ISO 3166-2 without the country, such as `ENG`."""

    def is_workday(self, day: date) -> bool:
        """Whether offices work on that day. In a year that nobody has written down every weekday is one."""
        if day in self._worked:
            return True
        return day.weekday() <= _FRIDAY and day not in self._free and day not in self._public

    @cached_property
    def _worked(self) -> frozenset[date]:
        return frozenset(day for year in self.years.values() for day in year.workdays)

    @cached_property
    def _free(self) -> frozenset[date]:
        return frozenset(day for year in self.years.values() for holiday in year.holidays for day in holiday.days)

    @cached_property
    def _public(self) -> Any:
        """Days of the library, which works a year out when it is first asked about. Raises `NotImplementedError`."""
        if self.source is None or self.country is None:
            return frozenset()
        from holidays import country_holidays  # a city with a calendar of its own does without it

        return country_holidays(self.country, subdiv=self.subdivision)

    def knows_its_country(self) -> bool:
        """Whether the library has such a country and such a part of it."""
        try:
            return self._public is not None
        except NotImplementedError:
            return False
