"""The files: what is posted, and beside it the truth, written line by line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import orjson

from tools.simulate.needs import Need, finished
from tools.simulate.stream import Simulation
from tools.simulate.supply import job_rows, medicine_rows

MESSAGES, TRUTH, AFFECTED = "messages.ndjson", "truth.ndjson", "affected.ndjson"
NEEDS, MEDICINES, JOBS, POLICIES, SUMMARY = "needs.ndjson", "medicines.ndjson", "jobs.ndjson", "policies.ndjson", "truth.json"


class Writer:
    """Writes a simulation into a folder; the summary comes last, so that a folder without it is not whole."""

    def __init__(self, simulation: Simulation, folder: Path) -> None:
        self._simulation, self._folder = simulation, folder
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("channel", "group", "kind", "urgency", "event")}
        self._people: Counter[tuple[str, bool]] = Counter()
        self.messages = 0

    def write(self) -> Iterator[int]:
        """Write everything; tells after each day how many messages there are."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / SUMMARY).unlink(missing_ok=True)
        with ExitStack() as stack:
            posted, truth, affected = (
                stack.enter_context((self._folder / name).open("wb")) for name in (MESSAGES, TRUTH, AFFECTED)
            )
            for today in self._simulation.run():
                self._people.update((line["event"], line["spoke"]) for line in today.affected)
                _lines(affected, today.affected)
                _lines(posted, (message for message, _ in today.messages))
                _lines(truth, (self._counted(message, true) for message, true in today.messages))
                yield self.messages
        self._tables()

    def _counted(self, message: dict[str, Any], true: dict[str, Any]) -> dict[str, Any]:
        self.messages += 1
        self.counts["channel"][message["channel"]] += 1
        for name in ("group", "kind", "urgency"):
            self.counts[name][true[name]] += 1
        if true["event"]:
            self.counts["event"][true["event"]] += 1
        return true

    def _tables(self) -> None:
        simulation, choice = self._simulation, self._simulation.choice
        ground, traffic = simulation.ground, simulation.traffic
        self._table(NEEDS, (self._need(need) for need in simulation.needs.all if need.said))
        self._table(MEDICINES, medicine_rows(traffic, ground, choice.start, choice.seed))
        self._table(JOBS, job_rows(traffic))
        self._table(POLICIES, (pair.model_dump() for pair in traffic.policies))
        (self._folder / SUMMARY).write_bytes(orjson.dumps(self._summary(), option=orjson.OPT_INDENT_2) + b"\n")

    def _table(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        with (self._folder / name).open("wb") as file:
            _lines(file, rows)

    def _need(self, need: Need) -> dict[str, Any]:
        groups = {}
        for group, (told, messages) in need.said.items():
            silent = self._simulation.needs.silent(need, group, told, self._simulation.choice.seed)
            groups[group] = {"affected": told + silent, "told": told, "silent": silent, "messages": messages}
        whole = {name: sum(part[name] for part in groups.values()) for name in ("affected", "told", "silent", "messages")}
        ordered = {group.code: groups[group.code] for group in self._simulation.people.groups if group.code in groups}
        return {"need": need.id, "category": need.category, "district": need.district, **whole, "groups": ordered}

    def _summary(self) -> dict[str, Any]:
        simulation, choice = self._simulation, self._simulation.choice
        city = simulation.ground.pack.city
        return {
            "pack": city.name,
            "version": city.version,
            "days": choice.days,
            "per_day": choice.per_day,
            "seed": choice.seed,
            "start": choice.start.isoformat(),
            "messages": self.messages,
            "counts": {name: dict(sorted(counter.items())) for name, counter in self.counts.items()},
            "groups": [self._group(group.code) for group in simulation.people.groups],
            "events": [self._event(event) for event in simulation.traffic.events],
            "projects": [
                {**project.model_dump(), "from": finished(project, choice.start).isoformat()}
                for project in simulation.traffic.projects
            ],
            "leaves_without_words": self._unheard(),
        }

    def _group(self, code: str) -> dict[str, Any]:
        group = next(group for group in self._simulation.people.groups if group.code == code)
        streets = [street for streets in self._simulation.ground.streets.values() for street in streets]
        return {
            "group": code,
            "name": group.name.model_dump(),
            "people": self._simulation.people.share(code, streets),
            "readiness": group.readiness,
            "doors": dict(self._simulation.doors.of(group)),
        }

    def _event(self, event: Any) -> dict[str, Any]:
        begins = event.begins(self._simulation.choice.start)
        after = (begins - self._simulation.choice.start).days
        return {
            "event": event.code,
            "name": event.name.model_dump(),
            "begins": begins.isoformat(),
            "days": event.days,
            "happened": 0 <= after < self._simulation.choice.days,
            "category": event.category,
            "regions": event.regions,
            "hoax": event.hoax,
            "texts": len(event.texts),
            "affected": self._people[event.code, True] + self._people[event.code, False],
            "spoke": self._people[event.code, True],
            "messages": self.counts["event"][event.code],
            "surges": [surge.model_dump() for surge in event.surges],
        }

    def _unheard(self) -> list[str]:
        """Leaves of which training has every example: nobody can speak of them here."""
        heard = {category for category, _ in self._simulation.bases.pools}
        tree = self._simulation.ground.pack.category_by_code.values()
        return [node.code for node in tree if not node.children and not node.retired and node.code not in heard]


def _lines(file: IO[bytes], rows: Iterable[dict[str, Any]]) -> None:
    file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
