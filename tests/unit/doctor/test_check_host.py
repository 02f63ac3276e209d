"""Settings, interpreter, disk, indexes and the web port, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from stream.doctor.check_host import ARTICLE_BYTES, index_bytes, judge_machine, judge_python, judge_settings
from stream.doctor.facts import IndexFolder, Offsets, Sources, TopicFacts, Web
from stream.settings import Settings
from tests.support.doctor_facts import DAY_MS, GIB, HOUR_MS, SETTINGS, VERSION, bad, data_dir, machine, told, topics

DAYS_3_5, WEEK = round(3.5 * DAY_MS), 7 * DAY_MS


def test_where_settings_come_from() -> None:
    assert judge_settings(Sources()).found == "defaults"
    finding = judge_settings(Sources("/etc/stream.toml", ("STREAM_BROKER", "STREAM_GROUP")))
    assert (finding.state, finding.found) == ("OK", "from /etc/stream.toml and STREAM_BROKER, STREAM_GROUP")
    finding = judge_settings(Sources(unread=("STREAM_BROKERS",)))
    assert (finding.state, finding.found) == ("WARN", "no setting reads STREAM_BROKERS")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 11, 0), "OK"), ((3, 13, 9), "OK"), ((3, 10, 9), "FAIL"), ((3, 14, 0), "FAIL")]
)
def test_python(version: tuple[int, int, int], state: str) -> None:
    assert judge_python(version).state == state


def test_all_is_well() -> None:
    checks = ["open files", "data folder", "disk", "index", "web port"]
    assert told(judge_machine(SETTINGS, machine(), topics())) == [(check, "OK") for check in checks]


def test_in_memory_there_is_no_folder() -> None:
    found = dict(told(judge_machine(Settings(broker="memory://here"), machine(), {})))
    assert [check for check, state in found.items() if state == "skipped"] == ["data folder", "disk", "index"]


def changelog(*offsets: Offsets) -> dict[str, TopicFacts]:
    return topics(fingerprints={"offsets": dict(enumerate(offsets))})


#: Offsets of the changelog's partitions, and the articles of a week that they stand for.
ESTIMATES: list[tuple[list[Offsets], int]] = [
    ([Offsets(0, 0, 0, 0)], 0),
    ([Offsets(0, 1000, 1000, 200, 9 * DAY_MS)], 800),
    ([Offsets(0, 1000, 1000, 200, 9 * DAY_MS), Offsets(0, 10, 10, 0, WEEK)], 810),
    # Half a window is known: the other half will be like it.
    ([Offsets(0, 1000, 900, 0, DAYS_3_5)], 2000),
    # Ten minutes tell nothing about a week.
    ([Offsets(0, 1000, 0, 0, HOUR_MS // 6)], 1000),
]


@pytest.mark.parametrize(("offsets", "articles"), ESTIMATES)
def test_the_index_is_estimated_from_the_changelog(offsets: list[Offsets], articles: int) -> None:
    assert index_bytes(SETTINGS, changelog(*offsets)) == (articles * ARTICLE_BYTES or None)


#: The week's articles are 3 GiB of index.
FULL = changelog(Offsets(0, 2_147_484, 2_147_484, 0, WEEK))
FOLDER = IndexFolder(0, size=2 * GIB, version=VERSION, last_offset=10, changelog_end=2_147_484)

MACHINES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"files_max": None}, "open files", "OK", "no limit on open files"),
    ({"files_max": 1024}, "open files", "OK", "1,024"),
    ({"files_max": 400}, "open files", "WARN", "about 368 are needed"),
    ({"files_max": 256}, "open files", "FAIL", "about 368 are needed"),
    ({"data_dir": data_dir(exists=False)}, "data folder", "OK", "/data/group can be made"),
    ({"data_dir": data_dir(is_writable=False)}, "data folder", "FAIL", "may not write in /data/group"),
    ({"data_dir": data_dir(free=2 * GIB)}, "disk", "FAIL", "2 GiB free; the index has 0 bytes of about 3 GiB"),
    ({"data_dir": data_dir(free=4 * GIB)}, "disk", "WARN", "4 GiB free"),
    ({"data_dir": data_dir(free=6 * GIB + 2048)}, "disk", "OK", "6 GiB free"),
    ({"data_dir": data_dir(free=2 * GIB + 2048, folders=(FOLDER,))}, "disk", "OK", "the index has 2 GiB"),
    ({"data_dir": data_dir(free=GIB - 1, folders=(FOLDER,))}, "disk", "FAIL", "1024 MiB free"),
    ({"web": Web("worker")}, "web port", "OK", "a worker answers at 127.0.0.1:6066"),
    ({"web": Web("worker", is_ready=False, details="restored: False")}, "web port", "WARN", "not ready: restored"),
    ({"web": Web("worker", is_healthy=False, details="stalled")}, "web port", "FAIL", "not healthy: stalled"),
    ({"web": Web("taken", details="/healthz answers 404")}, "web port", "FAIL", "/healthz answers 404"),
    ({"web": Web("unusable", details="permission denied")}, "web port", "FAIL", "permission denied"),
]


@pytest.mark.parametrize(("changed", "check", "state", "found"), MACHINES)
def test_machine(changed: dict[str, Any], check: str, state: str, found: str) -> None:
    (finding,) = [one for one in judge_machine(SETTINGS, machine(**changed), FULL) if one.check == check]
    assert finding.state == state
    assert found in finding.found


INDEXES: list[tuple[IndexFolder, str, str]] = [
    (IndexFolder(0, version=VERSION, last_offset=5, changelog_end=90), "OK", "10 records of the changelog to read"),
    (IndexFolder(0), "OK", "empty"),
    (IndexFolder(1, size=2048, locked_by=77), "OK", "2 KiB, in use by process 77"),
    (IndexFolder(1, locked_by=0), "OK", "outside of this container"),
    (IndexFolder(7, version=VERSION), "WARN", "there are 2, so nobody uses it"),
    (IndexFolder(0, version="1/old"), "WARN", f"written by version 1/old, this is {VERSION}"),
    (IndexFolder(0, version=VERSION, is_distrusted=True), "WARN", "found damaged"),
    (IndexFolder(0, damage="Corruption: bad block"), "WARN", "Corruption: bad block"),
    (IndexFolder(0, damage="IO error: Permission denied"), "FAIL", "may not read it"),
    (IndexFolder(0, version=VERSION, last_offset=5, changelog_end=9), "WARN", "older than the changelog"),
    (IndexFolder(0, version=VERSION, last_offset=5, changelog_end=101), "FAIL", "it was made anew"),
]


@pytest.mark.parametrize(("folder", "state", "found"), INDEXES)
def test_indexes(folder: IndexFolder, state: str, found: str) -> None:
    there = changelog(Offsets(10, 100, 100, 100), Offsets(10, 100, 100, 100))
    facts = machine(data_dir=data_dir(folders=(folder,)))
    (finding,) = [one for one in judge_machine(SETTINGS, facts, there) if one.check == "index"]
    assert finding.state == state
    assert found in finding.found


def test_an_index_is_judged_without_a_changelog_too() -> None:
    facts = machine(data_dir=data_dir(folders=(IndexFolder(0, version=VERSION, last_offset=5, changelog_end=9),)))
    assert not bad(judge_machine(SETTINGS, facts, {}))
