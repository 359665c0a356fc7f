"""What there is against what is needed: medicines a month, jobs a quarter; and the people who find the shelf empty."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from tools.simulate.ground import Ground
from tools.simulate.plan import Event, Jobs, Medicines, Said, Shortage, Traffic

_TABLES = 12
_SPEAK = 1.2


def shortages(traffic: Traffic, ground: Ground) -> tuple[Event, ...]:
    """Each planted shortage, and each skill without enough work, as an event of its own."""
    found: list[Event] = []
    if medicines := traffic.supply.medicines:
        found += [_short_of(medicines, shortage, number, ground) for number, shortage in enumerate(medicines.shortages, 1)]
    if (jobs := traffic.supply.jobs) and jobs.texts:
        found += _out_of_work(jobs)
    return tuple(found)


def _short_of(medicines: Medicines, shortage: Shortage, number: int, ground: Ground) -> Event:
    item = next(item for item in medicines.items if item.code == shortage.medicine)
    missing = item.monthly * medicines.centres[shortage.centre] * shortage.days / 30 * (1 - shortage.stocked)
    return Event.model_validate({
        "code": f"short-{number:02d}",
        "name": {"zh": f"{shortage.centre}缺{item.name.zh}", "en": f"{item.name.en} is short"},
        "on": shortage.from_,
        "days": shortage.days,
        "use": "often",
        "category": medicines.category,
        "kind": "help",
        "regions": [ground.named[shortage.centre].region],
        "people": max(1, round(missing)),
        "speak": _SPEAK,
        "half_life": shortage.days / 2,
        "texts": [_filled(said, centre=shortage.centre, medicine=str(item.name)) for said in medicines.texts],
    })  # fmt: skip


def _out_of_work(jobs: Jobs) -> Iterator[Event]:
    for skill in jobs.skills:
        gaps = {region: seekers - skill.openings.get(region, 0) for region, seekers in skill.seekers.items()}
        for region, gap in gaps.items():
            if gap > 0:
                yield Event.model_validate({
                    "code": f"jobs-{skill.code}-{region}",
                    "name": {"zh": f"{skill.name.zh}找不到活", "en": f"No work for {skill.name.en}"},
                    "on": "02-24",
                    "days": 300,
                    "use": "often",
                    "category": jobs.category,
                    "kind": "help",
                    "regions": [region],
                    "people": gap,
                    "half_life": 120,
                    "texts": [_filled(said, skill=str(skill.name)) for said in jobs.texts],
                })  # fmt: skip


def _filled(said: Said, **names: str) -> Said:
    text = said.text
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return said.model_copy(update={"text": text})


def medicine_rows(traffic: Traffic, ground: Ground, start: date, seed: int) -> Iterator[dict[str, Any]]:
    """A year of medicines: centre by centre, what was needed and what was there."""
    medicines = traffic.supply.medicines
    for name, size in medicines.centres.items() if medicines else ():
        for item in medicines.items if medicines else ():
            rng = Random(f"{seed}/medicine/{name}/{item.code}")  # noqa: S311 - made up, no secret
            for month in _months(start):
                needed = round(item.monthly * size * rng.uniform(0.85, 1.15))
                met = _met(medicines, name, item.code, month, start) if medicines else 1.0
                stocked = round(needed * rng.uniform(1.05, 1.3)) if met == 1 else round(needed * met)
                yield {
                    "centre": name,
                    "region": ground.named[name].region,
                    "medicine": item.code,
                    "month": f"{month:%Y-%m}",
                    "needed": needed,
                    "stocked": stocked,
                    "unmet": max(0, needed - stocked),
                }


def _met(medicines: Medicines, centre: str, medicine: str, month: date, start: date) -> float:
    """What part of a month's need is met, by the days of the month that a shortage covers."""
    missing = 0.0
    for shortage in medicines.shortages:
        if (shortage.centre, shortage.medicine) == (centre, medicine):
            begun = _first(shortage.from_, start)
            after = (begun + timedelta(days=shortage.days) - month).days
            covered = min(30, max(0, after)) - min(30, max(0, (begun - month).days))
            missing += covered / 30 * (1 - shortage.stocked)
    return 1 - min(1.0, missing)


def _first(year_day: str, start: date) -> date:
    month, day = map(int, year_day.split("-"))
    found = date(start.year, month, 1) + timedelta(days=day - 1)
    return found if found >= start else date(start.year + 1, month, 1) + timedelta(days=day - 1)


def _months(start: date) -> Iterator[date]:
    for number in range(_TABLES):
        whole = start.month - 1 + number
        yield date(start.year + whole // 12, whole % 12 + 1, 1)


def job_rows(traffic: Traffic) -> Iterator[dict[str, Any]]:
    """Per quarter and region: who looks for such work, and what there is."""
    for skill in traffic.supply.jobs.skills if traffic.supply.jobs else ():
        for region, seekers in skill.seekers.items():
            offered = skill.openings.get(region, 0)
            yield {"skill": skill.code, "name": str(skill.name), "region": region, "seekers": seekers, "openings": offered}
