"""``stream explain``: why two articles are linked, or are not."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from stream.cli.bidi import PDI, RLI
from stream.evaluation.explanation import METHODS
from tests.support.article_generator import ArticleGenerator
from tests.support.articles import BRIDGE, BRIDGE_EDITED, FLOOD, FLOOD_EDITED, HARVEST, article, dumps
from tests.support.cli import stream


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of articles of every kind, the working directory of the commands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (tmp_path / "edited.txt").write_text(BRIDGE_EDITED, encoding="utf-8")
    (tmp_path / "odd:7").write_bytes(dumps(article(1, BRIDGE)))
    (tmp_path / "flood.txt").write_text(FLOOD, encoding="utf-8")
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in BRIDGE.split("\n"))
    (tmp_path / "page.html").write_text(f"<html><body><article>{paragraphs}</article></body></html>", encoding="utf-8")
    (tmp_path / "one.json").write_bytes(dumps(article(1, BRIDGE)))
    (tmp_path / "two.json").write_bytes(dumps([article(1, BRIDGE), article(2, HARVEST, id="h2")]))
    lines = [dumps(article(1, BRIDGE)), b"", dumps(article(3, HARVEST, id="b:7#x")), b"{"]
    (tmp_path / "feed.jsonl").write_bytes(b"\n".join(lines[:3]))
    (tmp_path / "feed.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[:3])))
    (tmp_path / "broken.jsonl").write_bytes(b"\n".join(lines))
    pair = {"a": {"text": FLOOD}, "b": {"text": FLOOD_EDITED}, "is_duplicate": 1}
    (tmp_path / "pairs.jsonl").write_bytes(dumps(pair))
    return tmp_path


def as_json(result: Result) -> dict[str, Any]:
    """The one object on standard output."""
    assert result.exit_code in (0, 1), result.output
    explanation: dict[str, Any] = orjson.loads(result.stdout)
    return explanation


#: Two articles, the relation, and the exit code.
REFERENCES = [
    ("bridge.txt", "edited.txt", "near_copy", 0),
    ("bridge.txt", "page.html", "copy", 0),
    ("bridge.txt", "bridge.txt", "recrawl", 0),
    ("bridge.txt", "one.json", "copy", 0),
    ("bridge.txt", "feed.jsonl:1", "copy", 0),
    ("one.json", "feed.jsonl.gz:1", "recrawl", 0),
    ("bridge.txt", "feed.jsonl:3", "new", 1),
    ("two.json:1", "two.json#h2", "new", 1),
    ("two.json#h2", "feed.jsonl#b:7#x", "copy", 0),
    ("bridge.txt", "odd:7", "copy", 0),
    ("flood.txt", "bridge.txt", "new", 1),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("first", "second", "relation", "code"), REFERENCES)
def test_articles_come_from_files_of_every_kind(first: str, second: str, relation: str, code: int) -> None:
    result = stream("explain", first, second, "--json")
    assert (as_json(result)["relation"], result.exit_code) == (relation, code)


@pytest.mark.usefixtures("folder")
def test_an_article_in_a_file_is_named_by_line_or_id() -> None:
    by_id = as_json(stream("explain", "bridge.txt", "two.json#h2", "--json"))
    by_place = as_json(stream("explain", "bridge.txt", "two.json:2", "--json"))
    assert by_id == by_place
    assert by_id["b"]["id"] == "h2"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("stdin", [BRIDGE_EDITED, dumps({"id": "b", "text": BRIDGE_EDITED}), f"<p>{BRIDGE_EDITED}</p>"])
def test_one_article_may_come_from_standard_input(stdin: str | bytes) -> None:
    result = stream("explain", "bridge.txt", "-", "--json", stdin=stdin)
    assert as_json(result)["relation"] == "near_copy"


@pytest.mark.usefixtures("folder")
def test_output_lines_of_process_are_explained() -> None:
    Path("out.jsonl").write_bytes(stream("process", "bridge.txt", "edited.txt").stdout_bytes)
    explanation = as_json(stream("explain", "out.jsonl:1", "out.jsonl:2", "--json"))
    assert (explanation["relation"], explanation["a"]["id"], explanation["b"]["id"]) == (
        "near_copy",
        "bridge.txt",
        "edited.txt",
    )


@pytest.mark.usefixtures("folder")
def test_a_row_of_labelled_pairs_is_explained() -> None:
    explanation = as_json(stream("explain", "pairs.jsonl:1", "--json"))
    assert (explanation["relation"], explanation["a"]["id"]) == ("near_copy", "1-a")


#: Arguments, and what is said.
WRONG = [
    (("bridge.txt",), "FILE.jsonl:LINE"),
    (("-", "-"), "only one"),
    (("bridge.txt", "feed.jsonl"), "feed.jsonl has 2 articles; name one as feed.jsonl:LINE or feed.jsonl#ID"),
    (("bridge.txt", "feed.jsonl:2"), "there is no such article"),
    (("bridge.txt", "feed.jsonl#nobody"), "there is no such article"),
    (("bridge.txt", "broken.jsonl:1"), "broken.jsonl:4: not JSON"),
    (("pairs.jsonl:9",), "pairs.jsonl:9"),
    (("feed.jsonl:1",), "feed.jsonl:1: no_pair"),
    (("bridge.txt", "empty.txt"), "missing_content: B: "),
    (("bridge.txt", "--json", "number.json"), "neither an object nor a text"),
    ((), "Missing argument 'A'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_is_exit_code_2(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    (folder / "empty.txt").write_text(" ")
    (folder / "number.json").write_text("5")
    result = stream("explain", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["nowhere.txt", "nowhere.jsonl:3"])
def test_a_file_that_is_not_there_is_exit_code_66(name: str) -> None:
    result = stream("explain", "bridge.txt", name)
    assert result.exit_code == 66
    assert result.stderr.startswith("stream: nowhere.")


@pytest.mark.usefixtures("folder")
def test_output_without_colours_marks_changes_by_signs() -> None:
    output = stream("explain", "bridge.txt", "edited.txt").output
    assert output.startswith("A  bridge.txt  en (")
    assert f"\nB is a near copy of A: {METHODS['similar-text']}\nrule similar-text, version " in output
    for part in ("containment 0.", "Jaccard 0.", "title similarity -", "ok  at least 8 words", "no title"):
        assert part in output
    assert "Port Calder [-on Monday morning-] {+at dawn+} after a routine inspection found [-deep-] cracks" in output
    assert "more words) …" in output
    assert "\x1b" not in output
    full = stream("explain", "bridge.txt", "edited.txt", "--full").output
    assert "more words) …" not in full
    assert "an accident on the way to school.\nTraffic" in full


@pytest.mark.usefixtures("folder")
def test_output_with_colours_marks_changes_by_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    Path("a.txt").write_text(BRIDGE.replace("two of", "3 of"))
    output = stream("explain", "a.txt", "bridge.txt").output
    assert "[-" not in output
    assert "\x1b[1;37;41m3" in output
    assert "\x1b[32mtwo" in output
    assert "numbers only in A: " in output
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "500")
    assert "[-\x1b[1m3\x1b[0m-] {+two+}" in stream("explain", "a.txt", "bridge.txt").output


@pytest.mark.usefixtures("folder")
def test_text_read_from_the_right_is_not_reordered_and_isolated_where_it_is_mixed() -> None:
    mixed = FLOOD.replace("بمشاركة متطوعين", "بمشاركة 4 متطوعين من CNN")
    Path("mixed.txt").write_text(mixed, encoding="utf-8")
    lines = stream("explain", "flood.txt", "mixed.txt", "--full").output.splitlines()
    (line,) = [line for line in lines if "CNN" in line]
    assert "بمشاركة {+4+} متطوعين {+من CNN+} من القرى" in line
    assert (line[0], line[-1]) == (RLI, PDI)
    assert FLOOD.split("\n")[2] in lines
    assert "numbers only in B: 4" in lines


@pytest.mark.usefixtures("folder")
def test_the_numbers_of_two_reports_in_one_template_are_listed() -> None:
    report = (
        "The central bank of Calder sold bills for {} million crowns at {} percent on Tuesday morning.\n"
        "Bids for the bills reached {} million crowns, the bank said in a statement, as it does every week.\n"
        "It sells them to drain money from the market before the taxes of the month are paid into its accounts."
    )
    Path("a.txt").write_text(report.format("120", "3.5", "1,340"))
    result = stream("explain", "a.txt", "-", stdin=report.format("90", "4.1", "280"))
    assert result.exit_code == 1
    assert f"B is new: {METHODS['other-numbers']}" in result.output
    assert "numbers only in A: 120, 3.5, 1,340\nnumbers only in B: 90, 4.1, 280" in result.output
    assert "[-120-] {+90+} million crowns at [-3.5-] {+4.1+} percent" in result.output


@pytest.mark.usefixtures("folder")
def test_json_holds_all_that_is_shown() -> None:
    explanation = as_json(stream("explain", "bridge.txt", "edited.txt", "--json"))
    assert explanation["is_linked"] is True
    assert explanation["method"] == "similar-text"
    assert explanation["scores"].keys() == {"jaccard", "containment", "title_similarity", "change", "same_source"}
    assert explanation["by_text"]["reason"] is None
    assert all(check["is_met"] for check in explanation["by_text"]["checks"])
    assert 0 < explanation["by_text"]["likeness"]["covered"] < explanation["by_text"]["likeness"]["tokens"]
    assert "".join(passage["a"] for passage in explanation["passages"]) == explanation["a"]["text"] == BRIDGE
    assert "".join(passage["b"] for passage in explanation["passages"]) == explanation["b"]["text"]
    assert explanation["numbers"] == {"only_a": [], "only_b": []}
    assert explanation["is_cut"] is False


@pytest.mark.usefixtures("folder")
def test_a_note_says_that_long_texts_are_cut() -> None:
    Path("long.txt").write_text(ArticleGenerator(5).text("en", lines=400))
    result = stream("explain", "long.txt", "long.txt")
    assert "only their beginnings are shown" in result.output
    assert result.exit_code == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", [80, 100, 120])
def test_scores_and_checks_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = stream("explain", "bridge.txt", "edited.txt").output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("containment "))
    table = next(i for i, line in enumerate(lines) if "Two texts at different URLs" in line)
    end = next(i for i in range(table, len(lines)) if not lines[i].strip())
    assert end > table + 8
    assert all(len(line) <= columns for line in lines[start:end])
    assert not any("…" in line for line in lines[start:end])
