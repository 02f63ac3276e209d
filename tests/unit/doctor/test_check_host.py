"""Findings about settings, interpreter, disk, indexes and the web port."""

from __future__ import annotations

from typing import Any

import pytest

from stream.doctor.check_host import ARTICLE_BYTES, check_host, check_python, check_settings, estimate_index_bytes
from stream.doctor.facts import IndexFolder, LockOwner, Offsets, SettingSources, TopicFacts, WebPort
from stream.settings import Settings
from tests.support.doctor_facts import DAY_MS, GIB, HOUR_MS, SETTINGS, data_dir, host, states, topics

DAYS_3_5, WEEK = round(3.5 * DAY_MS), 7 * DAY_MS


def test_sources_of_settings() -> None:
    assert check_settings(SettingSources()).summary == "defaults"
    finding = check_settings(SettingSources("/etc/stream.toml", ("STREAM_BROKER", "STREAM_GROUP")))
    assert (finding.state, finding.summary) == ("OK", "from /etc/stream.toml and STREAM_BROKER, STREAM_GROUP")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 11, 0), "OK"), ((3, 13, 9), "OK"), ((3, 10, 9), "FAIL"), ((3, 14, 0), "FAIL")]
)
def test_supported_python_versions(version: tuple[int, int, int], state: str) -> None:
    assert check_python(version).state == state


def test_a_good_host_has_no_problems() -> None:
    checks = ["open files", "data folder", "disk", "index", "web port"]
    assert states(check_host(SETTINGS, host(), topics())) == [(check, "OK") for check in checks]


def test_with_memory_the_checks_of_the_data_folder_are_skipped() -> None:
    result = dict(states(check_host(Settings(broker="memory://here"), host(), {})))
    assert [check for check, state in result.items() if state == "skipped"] == ["data folder", "disk", "index"]


def changelog(*offsets: Offsets) -> dict[str, TopicFacts]:
    return topics(fingerprints={"offsets": dict(enumerate(offsets))})


#: Offsets of the changelog's partitions, and the estimated number of articles in a week.
ESTIMATES: list[tuple[list[Offsets], int]] = [
    ([Offsets(0, 0, 0, 0)], 0),
    ([Offsets(0, 1000, 1000, 200, 9 * DAY_MS)], 800),
    ([Offsets(0, 1000, 1000, 200, 9 * DAY_MS), Offsets(0, 10, 10, 0, WEEK)], 810),
    # Half a window is known, and the other half is assumed to be equal.
    ([Offsets(0, 1000, 900, 0, DAYS_3_5)], 2000),
    # Ten minutes are not enough for an estimate.
    ([Offsets(0, 1000, 0, 0, HOUR_MS // 6)], 1000),
]


@pytest.mark.parametrize(("offsets", "articles"), ESTIMATES)
def test_the_size_of_the_index_is_estimated_from_the_changelog(offsets: list[Offsets], articles: int) -> None:
    assert estimate_index_bytes(SETTINGS, changelog(*offsets)) == (articles * ARTICLE_BYTES or None)


#: The week's articles are 3 GiB of index.
FULL = changelog(Offsets(0, 2_147_484, 2_147_484, 0, WEEK))
FOLDER = IndexFolder(0, size=2 * GIB)

HOSTS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"files_max": None}, "open files", "OK", "no limit"),
    ({"files_max": 1024}, "open files", "OK", "1,024"),
    ({"files_max": 400}, "open files", "WARN", "about 368 are needed"),
    ({"files_max": 256}, "open files", "FAIL", "about 368 are needed"),
    ({"data_dir": data_dir(exists=False)}, "data folder", "OK", "/data/group can be created"),
    ({"data_dir": data_dir(is_writable=False)}, "data folder", "FAIL", "no permission to write to /data/group"),
    (
        {"data_dir": data_dir(free=2 * GIB)},
        "disk",
        "FAIL",
        "2 GiB free; the index takes 0 bytes; all partitions with a full window take about 3 GiB",
    ),
    ({"data_dir": data_dir(free=4 * GIB)}, "disk", "WARN", "4 GiB free"),
    ({"data_dir": data_dir(free=6 * GIB + 2048)}, "disk", "OK", "6 GiB free"),
    ({"data_dir": data_dir(free=2 * GIB + 2048, folders=(FOLDER,))}, "disk", "OK", "the index takes 2 GiB"),
    ({"data_dir": data_dir(free=GIB - 1, folders=(FOLDER,))}, "disk", "FAIL", "1024 MiB free"),
    ({"web": WebPort("worker")}, "web port", "OK", "a worker answers at 127.0.0.1:6066"),
    ({"web": WebPort("worker", is_ready=False, details="restored: False")}, "web port", "WARN", "not ready: restored"),
    ({"web": WebPort("worker", is_healthy=False, details="stalled")}, "web port", "FAIL", "not healthy: stalled"),
    ({"web": WebPort("taken", details="/healthz answers 404")}, "web port", "FAIL", "/healthz answers 404"),
    ({"web": WebPort("unusable", details="permission denied")}, "web port", "FAIL", "permission denied"),
]


@pytest.mark.parametrize(("changed", "check", "state", "summary"), HOSTS)
def test_one_problem_of_a_host(changed: dict[str, Any], check: str, state: str, summary: str) -> None:
    (finding,) = [finding for finding in check_host(SETTINGS, host(**changed), FULL) if finding.check == check]
    assert finding.state == state
    assert summary in finding.summary


INDEXES: list[tuple[IndexFolder, str, str]] = [
    (IndexFolder(0), "OK", "partition 0: 0 bytes"),
    (IndexFolder(1, size=2048), "OK", "partition 1: 2 KiB"),
    (IndexFolder(7), "WARN", "partition 7 is not used: STREAM_SCOPE_PARTITIONS is 2"),
    (IndexFolder(0, is_corrupt=True), "WARN", "marked as corrupt"),
    (IndexFolder(0, is_readable=False), "FAIL", "no permission to read it"),
    (
        IndexFolder(1, skipped={"foreign": 2, "unusable": 1}, last_skipped=(1200, "it has no value")),
        "WARN",
        "partition 1 has skipped 3 records of the changelog; the last one at offset 1,200: it has no value",
    ),
]


@pytest.mark.parametrize(("folder", "state", "summary"), INDEXES)
def test_an_index_is_usable_or_not(folder: IndexFolder, state: str, summary: str) -> None:
    facts = host(data_dir=data_dir(folders=(folder,)))
    (finding,) = [finding for finding in check_host(SETTINGS, facts, topics()) if finding.check == "index"]
    assert finding.state == state
    assert summary in finding.summary


OWNERS: list[tuple[LockOwner | None, str, int | None]] = [
    (None, "/data/group is writable", None),
    (LockOwner(77, "here", is_running=True), "/data/group is writable; in use by process 77", 77),
    (LockOwner(77, "here", is_running=False), "/data/group is writable", None),
    (LockOwner(1, "pod-3", is_running=None), "/data/group is writable; last used by process 1 on pod-3", None),
]


@pytest.mark.parametrize(("owner", "summary", "locked_by"), OWNERS)
def test_the_owner_of_the_data_folder_is_reported(owner: LockOwner | None, summary: str, locked_by: int | None) -> None:
    findings = check_host(SETTINGS, host(data_dir=data_dir(owner=owner)), topics())
    (finding,) = [finding for finding in findings if finding.check == "data folder"]
    assert (finding.state, finding.summary, finding.figures["locked_by"]) == ("OK", summary, locked_by)
