"""The README of the case files names every file and every field."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

CASES = Path(__file__).parents[1] / "cases"
README = (CASES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(CASES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_readme_names_every_file_and_its_fields(path: Path) -> None:
    (row,) = (line for line in README.splitlines() if f"`{path.name}`" in line)
    fields = {field for line in path.read_bytes().splitlines() for field in orjson.loads(line)}
    assert not [field for field in sorted(fields - {"name"}) if f"`{field}`" not in row]
