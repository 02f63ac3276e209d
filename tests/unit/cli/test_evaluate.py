"""``stream evaluate``: how often the decisions agree with labelled pairs."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.cli.bidi import RLI
from tests.support.articles import BRIDGE, BRIDGE_EDITED, BRIDGE_TEASER, FLOOD, FLOOD_EDITED, HARVEST
from tests.support.cli import stream


def row(first: str, second: str, **label: Any) -> dict[str, Any]:
    """A row of labelled pairs."""
    return {"a": {"id": "a", "text": first, "title": "One"}, "b": {"id": "b", "text": second, "title": "Two"}, **label}


GOOD = [
    row(BRIDGE, BRIDGE_EDITED, is_duplicate=1),
    row(BRIDGE, HARVEST, is_duplicate=0),
    row(BRIDGE, BRIDGE_EDITED, label="update", url="https://paper.example/1"),
    {"long": BRIDGE, "short": BRIDGE_TEASER},
    row(BRIDGE, BRIDGE, label=1),
]
WRONG = [
    row(FLOOD, FLOOD_EDITED, is_duplicate=0),
    row(BRIDGE, HARVEST, is_duplicate=1),
    row(BRIDGE, BRIDGE, relation="near_copy"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with files of pairs, the working directory of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    for name, rows in (("good", GOOD), ("wrong", WRONG)):
        (tmp_path / f"{name}.jsonl").write_bytes(jsonl(*rows))
    (tmp_path / "good.jsonl.gz").write_bytes(gzip.compress(jsonl(*GOOD)))
    return tmp_path


def jsonl(*rows: Any) -> bytes:
    """Rows as lines; bytes as they are."""
    return b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in rows)


def evaluate_json(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """What --json writes."""
    result = stream("evaluate", *arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    report: dict[str, Any] = orjson.loads(result.stdout)
    return report


@pytest.mark.usefixtures("folder")
def test_each_file_and_all_of_them() -> None:
    report = evaluate_json("good.jsonl", "wrong.jsonl")
    good, wrong = report["files"]
    assert (good["file"], good["pairs"], good["left_out"], good["true_links"], good["true_apart"]) == (
        *("good.jsonl", 5, 1, 3, 1),
    )
    assert (good["precision"], good["recall"], good["f1"]) == (1, 1, 1)
    assert (good["relations_right"], good["relations_named"]) == (2, 2)
    assert (wrong["false_links"], wrong["missed"], wrong["true_links"], wrong["relations_right"]) == (1, 1, 1, 0)
    assert (wrong["precision"], wrong["recall"], wrong["f1"]) == (0.5, 0.5, 0.5)
    assert report["all"]["pairs"] == 8
    assert report["all"]["f1"] == 0.8
    assert report["all"]["confusion"]["linked"] == {"near_copy": 1, "new": 1}


@pytest.mark.usefixtures("folder")
def test_the_worst_errors_come_first() -> None:
    errors = evaluate_json("wrong.jsonl")["errors"]
    assert [(error["place"], error["mistake"]) for error in errors] == [
        ("wrong.jsonl:1", "false link"),
        ("wrong.jsonl:2", "missed"),
        ("wrong.jsonl:3", "other relation"),
    ]
    assert (errors[0]["expected"], errors[0]["found"], errors[0]["method"]) == ("new", "near_copy", "similar-text")
    assert errors[0]["by_text"]["containment"] > 0.9
    assert errors[0]["b"] == {"id": "b", "title": "Two"}
    assert evaluate_json("wrong.jsonl", "--errors", "1")["errors"] == errors[:1]
    assert evaluate_json("wrong.jsonl", "--errors", "0")["errors"] == []


@pytest.mark.usefixtures("folder")
def test_scores_confusion_and_errors_are_shown() -> None:
    result = stream("evaluate", "good.jsonl", "wrong.jsonl", "--errors", "2")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[0] == "file pairs left out precision recall F1 false links missed relation right"
    assert "good.jsonl 5 1 1.0000 1.0000 1.0000 0 0 2 of 2" in lines
    assert "all 8 1 0.8000 0.8000 0.8000 1 1 2 of 3" in lines
    assert "expected new revision copy near_copy excerpt" in lines
    assert "linked 1 . . 1 ." in lines
    assert "wrong.jsonl:1 false link expected new, got near_copy (similar-text)" in lines
    assert "2 of 3 errors shown; for details of one, run: stream explain FILE:LINE" in lines
    assert "\x1b" not in result.output


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", [60, 100, 160])
def test_errors_stand_side_by_side_in_the_width_there_is(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = stream("evaluate", "wrong.jsonl").output.splitlines()
    titles = [line for line in lines if line.startswith("One ")]
    assert len(titles) == 3
    assert all(line.index("Two") > columns // 2 - 3 for line in titles)
    arabic = [line for line in lines if line.startswith(RLI)]
    assert arabic
    assert all(line.count(RLI) == 2 for line in arabic[:3])
    assert all(len(line.rstrip()) <= columns + 4 for line in arabic)
    english = next(line for line in lines if line.startswith("Engineers closed"))
    assert "Farmers in the hills" in english


@pytest.mark.usefixtures("folder")
def test_without_errors_none_are_shown() -> None:
    output = stream("evaluate", "good.jsonl.gz").output
    assert "errors shown" not in output
    assert "\nall " not in output


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("good.jsonl", "--min-f1", "1"), 0),
        (("wrong.jsonl", "--min-f1", "0.5"), 0),
        (("wrong.jsonl", "--min-f1", "0.51"), 1),
        (("good.jsonl", "wrong.jsonl", "--min-f1", "0.8"), 0),
        (("wrong.jsonl", "--min-f1", "0.51", "--json"), 1),
        (("wrong.jsonl",), 0),
        (("wrong.jsonl", "--min-f1", "2"), 2),
        ((), 2),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int) -> None:
    assert stream("evaluate", *arguments).exit_code == code


def test_a_threshold_where_nothing_was_to_be_linked() -> None:
    different, same_event = jsonl(row(BRIDGE, HARVEST, label=0)), jsonl(row(BRIDGE, HARVEST, label=1))
    assert stream("evaluate", "-", "--min-f1", "1", stdin=different).exit_code == 0
    assert stream("evaluate", "-", "--min-f1", "0", stdin=same_event).exit_code == 1


def test_all_bad_rows_are_listed_with_line_and_code(folder: Path) -> None:
    (folder / "bad.jsonl").write_bytes(
        jsonl(GOOD[0], b"", b"{", row(BRIDGE, HARVEST), row(BRIDGE, "", is_duplicate=1), *[b"[]"] * 9)
    )
    result = stream("evaluate", "good.jsonl", "bad.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    for message in (
        "bad.jsonl:3: not_json: ",
        "bad.jsonl:4: no_label: ",
        "bad.jsonl:5: missing_content: b: ",
        "and 2 more",
    ):
        assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "-: there are no pairs in this file"),
        (jsonl(row(BRIDGE, "\u200b", is_duplicate=0)), "-:1: missing_content: nothing readable"),
    ],
)
def test_input_without_pairs_is_exit_code_2(content: bytes, message: str) -> None:
    result = stream("evaluate", "-", stdin=content)
    assert result.exit_code == 2
    assert message in result.stderr


def test_input_that_cannot_be_read_is_exit_code_66(folder: Path) -> None:
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(jsonl(*GOOD))[:-20])
    for name in ("nowhere.jsonl", "cut.jsonl.gz"):
        result = stream("evaluate", name)
        assert result.exit_code == 66
        assert result.stderr.startswith(f"stream: {name}: ")


def test_one_index_reports_links_across_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    rows = jsonl(
        {"long": BRIDGE, "short": BRIDGE_TEASER},
        {"long": HARVEST, "short": BRIDGE_EDITED},
        {"long": BRIDGE_EDITED + "\nMore about it.", "short": BRIDGE_TEASER},
    )
    report = evaluate_json("-", "--one-index", stdin=rows)
    assert (report["all"]["cross_links"], report["all"]["first_links"], report["all"]["true_links"]) == (1, 1, 2)
    (error,) = report["errors"]
    assert (error["place"], error["mistake"], error["a"]["id"]) == ("-:2", "cross link", "3-long")
    lines = [" ".join(line.split()) for line in stream("evaluate", "-", "--one-index", stdin=rows).output.splitlines()]
    assert lines[0].endswith("cross links links of a to a")
    assert lines[1].endswith(" 1 1")
    alone = evaluate_json("-", stdin=rows)["all"]
    assert (alone["cross_links"], alone["true_links"], alone["missed"]) == (0, 2, 1)


@pytest.mark.usefixtures("folder")
def test_urls_can_be_ignored() -> None:
    assert evaluate_json("good.jsonl")["all"]["confusion"]["revision"] == {"revision": 1}
    assert evaluate_json("good.jsonl", "--no-url")["all"]["confusion"]["linked"] == {"near_copy": 2}


def test_the_format_of_rows_is_in_the_help() -> None:
    output = " ".join(stream("evaluate", "--help").output.split())
    for name in ('"a"', '"b"', '"long"', '"short"', '"is_duplicate"', '"label"', '"update"', '"relation"'):
        assert name in output


def test_the_rows_in_the_documentation_are_rows() -> None:
    text = (Path(__file__).parents[3] / "docs" / "guides" / "evaluating-decisions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^ *'?(\{.*\})'?", text, re.MULTILINE)
    assert len(rows) == 3
    assert evaluate_json("-", stdin="\n".join(rows).encode())["all"]["pairs"] == 3


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("options", [(), ("--one-index",)])
def test_tables_fit_the_terminal_and_no_heading_is_cut(
    columns: int, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    output = stream("evaluate", "good.jsonl", "wrong.jsonl", "--errors", "0", *options).output
    assert "…" not in output
    assert all(len(line) <= columns for line in output.splitlines())
    for word in "pairs left out precision recall F1 false links missed relation right expected revision".split():
        assert word in output
