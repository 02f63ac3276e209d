"""``stream process``: files in, published events out."""

from __future__ import annotations

import base64
import gzip
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.articles import (
    BRIDGE,
    FLOOD,
    FLOOD_EDITED,
    FLOOD_RESET,
    HARVEST,
    article,
    dumps,
    generate_articles,
    takedown,
)
from tests.support.cli import lines, stream

PARAGRAPHS = FLOOD.split("\n")
FIRST, SECOND = " ".join(PARAGRAPHS[:2]), "\n".join(PARAGRAPHS[2:])
#: As pages often give it: the first line is the first paragraph, cut.
TYPICAL = f"{FIRST[:250].rsplit(' ', 1)[0]}...\n{FIRST}\n{SECOND}\n"


def jsonl(*values: Any) -> bytes:
    """Values as lines; bytes as they are."""
    return b"\n".join(value if isinstance(value, bytes) else dumps(value) for value in values) + b"\n"


def by_topic(outputs: list[dict[str, Any]]) -> list[str]:
    """The topic of each line, without what all have."""
    return [line["topic"].removeprefix("articles.") for line in outputs]


@pytest.fixture
def typical(tmp_path: Path) -> Path:
    """Return a text file with the typical input."""
    file = tmp_path / "flood.txt"
    file.write_text(TYPICAL, encoding="utf-8")
    return file


def test_the_typical_text_becomes_one_clean_event(typical: Path) -> None:
    (line,) = lines(stream("process", typical))
    event = line["value"]
    assert line["topic"] == "articles.enriched"
    assert (line["key"], event["id"]) == (f"default/{typical.name}", typical.name)
    assert event["text"] == f"{FIRST}\n{SECOND}"
    assert event["teaser"] == TYPICAL.split("\n", maxsplit=1)[0]
    assert {"step": "teaser", "count": 1} in event["fixes"]
    assert (event["language"]["tag"], event["language"]["direction"]) == ("ar", "rtl")
    assert event["duplicate"]["relation"] == "new"
    assert line["headers"]["ce_id"] == event["event_id"]
    assert line["headers"]["content-type"] == "application/json"


def test_the_typical_text_given_twice(typical: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.txt"
    again.write_bytes(typical.read_bytes())
    verdicts = [
        line["value"]["duplicate"]
        for line in lines(stream("process", typical, typical, again))
        if "event_id" in line["value"]
    ]
    assert [verdict["relation"] for verdict in verdicts] == ["new", "recrawl", "copy"]
    assert {verdict["duplicate_of"] for verdict in verdicts} == {None, typical.name}
    assert len({verdict["cluster_id"] for verdict in verdicts}) == 1


def test_an_edited_version_at_another_address(tmp_path: Path) -> None:
    file = tmp_path / "feed.jsonl"
    file.write_bytes(jsonl(article(1, FLOOD), article(2, FLOOD_EDITED), article(3, FLOOD_RESET)))
    outputs = lines(stream("process", file, "--topic", "duplicates"))
    assert [line["value"]["duplicate"]["relation"] for line in outputs] == ["near_copy", "copy"]


def test_standard_input_is_the_default_and_keeps_its_order() -> None:
    events = generate_articles(600, seed=51)
    outputs = lines(stream("process", "--topic", "enriched", "--topic", "duplicates", stdin=jsonl(*events)))
    assert [line["value"]["origin"]["offset"] for line in outputs] == list(range(600))
    assert [line["value"]["url"] for line in outputs] == [event["url"] for event in events]
    named = lines(stream("process", "-", "--topic", "enriched", stdin=jsonl(events[0])))
    assert named[0]["value"] == outputs[0]["value"]


def test_each_topic_can_be_shown() -> None:
    messages = jsonl(article(1, BRIDGE), b"{", article(2, BRIDGE))
    assert by_topic(lines(stream("process", stdin=messages))) == ["enriched", "rejected", "duplicates", "clusters"]
    topics = ["enriched", "duplicates", "clusters", "fingerprints", "rejected"]
    options = [option for topic in topics for option in ("--topic", topic)]
    assert by_topic(lines(stream("process", *options, stdin=messages))) == [
        *("enriched", "fingerprints", "rejected", "duplicates", "clusters", "fingerprints")
    ]
    assert by_topic(lines(stream("process", "--topic", "rejected", stdin=messages))) == ["rejected"]
    assert stream("process", "--topic", "nowhere", stdin=messages).exit_code == 2


def test_a_takedown_is_a_line_for_each_tombstone_and_counted() -> None:
    messages = jsonl(article(1, BRIDGE), article(2, BRIDGE), takedown(1), takedown(2), takedown(3), article(4, BRIDGE))
    result = stream("process", stdin=messages)
    outputs = lines(result)
    first, copy = outputs[0]["value"], outputs[1]["value"]
    cluster_id = first["duplicate"]["cluster_id"]
    published = [(line["topic"].removeprefix("articles."), line["key"], line["value"] is None) for line in outputs[3:]]
    assert published == [
        ("enriched", f"default/{first['id']}", True),
        ("duplicates", f"default/{first['id']}", True),
        ("clusters", f"default/{cluster_id}", False),
        ("enriched", f"default/{copy['id']}", False),
        ("enriched", f"default/{copy['id']}", True),
        ("duplicates", f"default/{copy['id']}", True),
        ("clusters", f"default/{cluster_id}", True),
        ("enriched", f"default/{outputs[-1]['value']['id']}", False),
    ]
    assert (outputs[5]["value"]["canonical_id"], outputs[5]["value"]["size"]) == (copy["id"], 1)
    assert outputs[3]["headers"]["ce_type"] == "org.article-stream.article.withdrawn.v1"
    assert (outputs[6]["value"]["text"], outputs[6]["value"]["duplicate"]["method"]) == (copy["text"], "promoted")
    assert outputs[-1]["value"]["duplicate"]["relation"] == "new"
    assert result.stderr.startswith("6 events in ")
    for part in ("2 new", "1 copy", "2 withdrawn", "1 nothing_withdrawn"):
        assert part in result.stderr


def test_a_dead_letter_shows_the_message_as_it_came() -> None:
    latin = '{"url": "https://paper.example/1", "text": "café"}'.encode("latin-1")
    text, binary = lines(stream("process", stdin=jsonl(b'{"text": "no address"}', latin)))
    assert text["value"] == '{"text": "no address"}'
    assert text["key"] is None
    assert text["headers"]["__errors.code"] == "missing_identity"
    assert text["headers"]["__errors.offset"] == "0"
    assert "value" not in binary
    assert base64.b64decode(binary["value_base64"]) == latin
    assert binary["headers"]["__errors.code"] == "invalid_utf8"


def test_files_of_every_kind_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(jsonl(article(1, BRIDGE), article(2, HARVEST)))
    (folder / "b.json").write_bytes(dumps([article(3, FLOOD), article(4, BRIDGE)]))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(jsonl(article(5, HARVEST))))
    page = "".join(f"<p>{paragraph}</p>" for paragraph in FLOOD.split("\n"))
    (folder / "deep" / "d.html").write_text(f"<html><body><article>{page}</article></body></html>", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    outputs = lines(stream("process", folder, "--topic", "enriched", "--topic", "duplicates"))
    assert [line["value"]["duplicate"]["relation"] for line in outputs] == ["new", "new", "new", "copy", "copy", "copy"]
    assert outputs[-1]["value"]["id"] == "deep/d.html"


def test_output_goes_to_a_file_and_the_summary_to_standard_error(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = stream("process", "-o", out, stdin=jsonl(article(1, BRIDGE), article(2, BRIDGE), b"{"))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert by_topic([orjson.loads(line) for line in out.read_bytes().splitlines()]) == [
        *("enriched", "duplicates", "clusters", "rejected")
    ]
    assert result.stderr.startswith("3 events in ")
    for part in ("1 new", "1 copy", "1 invalid_json"):
        assert part in result.stderr
    assert stream("process", "--quiet", stdin=jsonl(article(1, BRIDGE))).stderr == ""


def test_no_input_is_no_output() -> None:
    result = stream("process", stdin=b"\n\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing to do" in result.stderr


@pytest.mark.parametrize("name", ["nowhere.jsonl", "empty"])
def test_input_that_cannot_be_read_is_exit_code_66(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    result = stream("process", tmp_path / name)
    assert result.exit_code == 66
    assert result.stdout == ""
    assert result.stderr.startswith(f"stream: {tmp_path / name}: no ")
    assert result.stderr.count("\n") == 1


def test_a_damaged_archive_is_exit_code_66(tmp_path: Path) -> None:
    content = gzip.compress(jsonl(*generate_articles(20, seed=52)))
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(content[: len(content) - 100])
    result = stream("process", file)
    assert result.exit_code == 66
    assert result.stderr.startswith(f"stream: {file}: ")
    assert result.stderr.count("\n") == 1


def test_the_window_can_be_set() -> None:
    messages = jsonl(article(1, BRIDGE), {**article(2, BRIDGE), "fetched_at": "2026-05-07T00:00:00Z"})
    assert by_topic(lines(stream("process", stdin=messages))) == ["enriched", "duplicates", "clusters"]
    assert by_topic(lines(stream("process", "--window-days", "1", stdin=messages))) == ["enriched", "enriched"]
    assert by_topic(lines(stream("process", stdin=messages, window_days="1"))) == ["enriched", "enriched"]


def test_limits_come_from_the_settings() -> None:
    outputs = lines(stream("process", stdin=jsonl(article(1, BRIDGE)), max_text_chars="100"))
    assert outputs[0]["headers"]["__errors.code"] == "text_too_large"


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(jsonl(*generate_articles(700, seed=53)))
    command = [str(Path(sysconfig.get_path("scripts")) / "stream"), "process", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"topic":')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_time_in_the_future_of_the_run_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_bytes(jsonl({**article(1, BRIDGE), "fetched_at": "2099-01-01T00:00:00Z"}))
    (today,) = lines(stream("process", file))
    (later,) = lines(stream("process", file, "--now", "2099-06-01T00:00:00Z"))
    assert (today["value"]["fetched_at"], later["value"]["fetched_at"]) == (None, "2099-01-01T00:00:00.000Z")
    assert later["headers"]["ce_time"] == "2099-06-01T00:00:00.000Z"


def test_a_time_of_the_run_that_is_none_is_refused(typical: Path) -> None:
    assert stream("process", typical, "--now", "tomorrow").exit_code == 2
