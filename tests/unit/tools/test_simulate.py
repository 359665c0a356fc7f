"""A year of made-up traffic: what is true of it, and that its truth adds up."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from services.intake.model import Submission
from shared.pack.near import near
from shared.pack.reserved import wrong_numbers
from shared.pack.split import split
from tests.unit.tools.simulated import PACKS, Made, city, examples, simulation, traffic, write
from tools.simulate.needs import finished


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return write(simulation(365, 60), tmp_path_factory.mktemp("year"))


def test_the_same_seed_makes_the_same_bytes_whatever_the_hash_seed(tmp_path: Path):
    script = (
        "import sys; from pathlib import Path; from tests.unit.tools.simulated import simulation, write;"
        "write(simulation(4, 150, start='2026-07-13'), Path(sys.argv[1]))"
    )
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", script, tmp_path / hash_seed], env=environment, cwd=PACKS.parent, check=True)
    first, second = ({file.name: file.read_bytes() for file in (tmp_path / run).iterdir()} for run in ("1", "2"))
    assert first == second
    assert first["messages.ndjson"]


def test_another_seed_makes_another_year(tmp_path: Path):
    one, two = (write(simulation(2, 50, seed=seed), tmp_path / str(seed)) for seed in (1, 2))
    assert {message["text"] for message in one.messages} != {message["text"] for message in two.messages}


def test_a_shorter_run_is_the_beginning_of_a_longer_one(tmp_path: Path):
    short, long = (write(simulation(days, 80, start="2026-03-07"), tmp_path / str(days)) for days in (5, 9))
    assert long.messages[: len(short.messages)] == short.messages


def test_it_says_only_what_training_never_sees(year: Made):
    kept = {hashlib.sha256(f"{one.title}\n{one.text}".encode()).hexdigest()[:12] for one in split(examples("qingting"))[1]}
    planted = {event.code for event in simulation(1, 1).traffic.events}
    assert all(true["base"] in kept or true["base"].partition("/")[0] in planted for true in year.truth)


def test_every_message_has_one_line_of_truth_and_a_name_of_its_own(year: Made):
    named = [message["external_id"] for message in year.messages]
    assert named == [true["external_id"] for true in year.truth]
    assert len(set(named)) == len(named) == year.summary["messages"]
    assert sum(year.summary["counts"]["channel"].values()) == len(named)


def test_the_needs_add_up_to_the_messages_that_no_planted_text_told(year: Made):
    told = Counter(true["need"] for true in year.truth if true["need"] and "@" in true["need"])
    needs = year.rows("needs.ndjson")
    assert {need["need"]: need["messages"] for need in needs} == told
    assert all(need["affected"] == need["told"] + need["silent"] for need in needs)


def test_labels_and_regions_are_of_the_pack(year: Made):
    pack = city("qingting")
    assert all(true["category"] in pack.category_by_code for true in year.truth)
    assert all(not pack.region_by_code[true["region"]].retired for true in year.truth)
    assert {message["channel"] for message in year.messages} <= set(pack.channel_by_code)


def test_a_swapped_name_tells_the_region_that_the_truth_tells(year: Made):
    ground = simulation(1, 1).ground
    swapped = [
        (message, true)
        for message, true in zip(year.messages, year.truth, strict=True)
        if true["told_region"] and not true["event"]
    ]
    around = ground.pack.atlas.around
    right = [
        (told := ground.told(f"{message.get('title', '')}\n{message['text']}")) is None
        or told in around(true["told_region"])
        or true["told_region"] in around(told)
        for message, true in swapped
    ]
    assert len(right) > 1000
    assert sum(right) / len(right) > 0.99  # an author may have labelled by what no name tells


def test_intake_takes_what_is_written(year: Made):
    for message in year.messages[:500]:
        assert Submission.model_validate(message).unknown() == {}


def test_phones_are_nobodys(year: Made):
    reserved = city("qingting").city.reserved
    assert all(message["citizen"].get("phone", "199990").startswith(reserved.mobile) for message in year.messages)
    assert not [
        wrong for event in traffic("qingting").events for said in event.texts for wrong in wrong_numbers(said.text, reserved)
    ]


def test_sixty_people_complain_of_the_site_in_sixty_ways(year: Made):
    said = year.of("site-shuyuan")
    assert len({true["person"] for _, true in said}) == len({message["text"] for message, _ in said}) == len(said) == 60
    affected = [line for line in year.rows("affected.ndjson") if line["event"] == "site-shuyuan"]
    assert sum(line["spoke"] for line in affected) == 60
    assert len(affected) > 300


def test_the_bus_line_is_missed_in_at_least_twenty_five_ways(year: Made):
    assert len({message["text"] for message, _ in year.of("bus-17")}) >= 25


def test_one_person_writes_every_day(year: Made):
    said = year.of("daily-writer")
    assert len({true["person"] for _, true in said}) == 1
    assert len(said) == 210
    assert len({message["submitted_at"][:10] for message, _ in said}) > 195  # a letter of Sunday is opened on Monday
    assert len({true["base"] for _, true in said}) >= 30


def test_the_same_person_comes_through_three_doors_and_can_be_recognised(year: Made):
    triples = [event for event in traffic("qingting").events if event.use == "doors"]
    assert len(triples) >= 12
    for event in triples:
        said = year.of(event.code)
        assert len({message["channel"] for message, _ in said}) == 3
        assert len({true["person"] for _, true in said}) == 1
        assert len({message["citizen"]["phone"] for message, _ in said}) == 1


def test_a_hoax_is_nobodys_need(year: Made):
    assert {true["need"] for _, true in year.of("hoax-water")} == {None}
    assert all(true["hoax"] for _, true in year.of("hoax-water"))


def test_no_two_planted_texts_are_alike():
    texts = [said.text for event in traffic("qingting").events for said in event.texts]
    assert len(texts) > 200
    assert not list(near(texts))


def test_a_project_changes_its_need_from_its_day_on_and_nothing_else():
    made = simulation(365, 60)
    for project in made.traffic.projects:
        day = finished(project, made.choice.start)
        touched = dict(made.needs._touches(project))
        weights, _ = made.needs.today(day, made.choice.start)
        plain = made.needs.season(day)
        assert touched, project.code
        for index, change in touched.items():
            today = weights[index] - (weights[index - 1] if index else 0)
            assert today == pytest.approx(plain[index] * change, rel=1e-6), project.code


def test_policies_are_conflicts_and_near_misses(year: Made):
    labels = Counter(pair["label"] for pair in year.rows("policies.ndjson"))
    assert labels["conflict"] >= 15
    assert labels["near-miss"] >= 15


def test_a_shortage_stands_in_the_table_and_in_the_messages(year: Made):
    short = [row for row in year.rows("medicines.ndjson") if row["centre"] == "竹溪镇卫生院" and row["medicine"] == "insulin"]
    assert next(row for row in short if row["month"] == "2026-04")["unmet"] > 0
    assert next(row for row in short if row["month"] == "2026-10")["unmet"] == 0
    assert year.rows("jobs.ndjson")


@pytest.mark.slow
def test_memory_stays_where_it_is_however_many_messages_there_are(tmp_path: Path):
    def peak(days: int) -> int:
        made = simulation(days, 500, start="2026-09-01")
        tracemalloc.start()
        try:
            write_only(made, tmp_path / str(days))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(10), peak(40)  # 5,000 and 20,000 messages; 15,000 kept in memory would be more than 20 MB
    assert many - few < 2_500_000  # the tallies of needs and groups, which fill up once


def write_only(made, folder: Path) -> None:
    from tools.simulate.writing import Writer

    for _ in Writer(made, folder).write():
        pass
