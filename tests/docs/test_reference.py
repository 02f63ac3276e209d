"""The reference pages that are written by hand name what the code has, and nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from click.testing import CliRunner

from stream.cli import EXIT_CODES, main
from stream.core.contracts.topics import Topics
from stream.core.normalize.fixes import FIXES
from stream.core.normalize.text import TEXT_STEPS

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = ROOT / "docs" / "reference"
FIXES_PAGE: Final = (REFERENCE / "fixes.md").read_text("utf-8")
TOPICS_PAGE: Final = (REFERENCE / "topics.md").read_text("utf-8")


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every row of the tables in ``page``, their heads apart."""
    lines = page.splitlines()
    for before, line in pairwise(lines):
        if line.startswith("| ") and before.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split(" |")]


def test_every_fix_is_listed_and_no_other() -> None:
    documented = {name for row in rows(FIXES_PAGE) for name in re.findall(r"`(\w+)`", row[0])}
    assert documented == FIXES.keys()


def process(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ``stream process`` publishes of ``events``."""
    lines = b"\n".join(map(orjson.dumps, events))
    result = CliRunner().invoke(main, ["process", "--quiet", "-"], input=lines, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_the_examples_of_the_fixes_are_true() -> None:
    characters = [row for row in rows(FIXES_PAGE) if len(row) == 4]
    assert [row[0] for row in characters] == list(dict.fromkeys(f"`{step.name}`" for step in TEXT_STEPS.steps))
    examples = [(row[0].strip("`"), *map(read_cell, row[2:])) for row in characters if row[2]]
    events = [{"id": str(i), "text": before} for i, (_, before, _) in enumerate(examples)]
    published = {line["value"].get("id"): line["value"] for line in process(events) if "text" in line["value"]}
    for i, (fix, _, after) in enumerate(examples):
        assert fix in {entry["step"] for entry in published[str(i)]["fixes"]}
        assert published[str(i)]["text"] == after


def read_cell(cell: str) -> str:
    """The text in a cell, whose escapes are those of JSON."""
    text: str = orjson.loads('"' + cell.strip("`").replace('"', '\\"') + '"')
    return text


def test_every_topic_and_header_is_listed() -> None:
    documented = {name for row in rows(TOPICS_PAGE) for name in re.findall(r"`([\w.-]+)`", row[0])}
    assert {getattr(Topics(), name) for name in Topics.__slots__} <= documented
    (enriched, *_) = process([{"id": "a", "text": "The ferry sails again from Monday."}])
    assert enriched["headers"].keys() <= documented


def test_every_exit_code_of_an_error_is_listed() -> None:
    documented = {code for row in rows((REFERENCE / "exit-codes.md").read_text("utf-8")) for code in row[0].split(", ")}
    assert {"0", "1", "2", *(str(code) for _, code in EXIT_CODES)} <= documented


@pytest.mark.parametrize("group", ["running", "development"])
def test_every_dependency_has_a_reason(group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages: list[str] = (
        project["project"]["dependencies"] if group == "running" else project["dependency-groups"]["dev"]
    )
    names = {re.split(r"[\[<>=]", package)[0] for package in packages}
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text("utf-8")
    running, _, development = page.partition("For development only")
    documented = {name for row in rows(running if group == "running" else development) for name in row[0].split(", ")}
    assert {name for name in names if not name.startswith("types-")} == documented


def test_the_glossary_is_sorted() -> None:
    terms = re.findall(r"^\*\*(.+?)\.?\*\*", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE)
    assert terms == sorted(terms, key=str.casefold)
