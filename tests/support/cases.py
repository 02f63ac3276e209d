"""Reads the case files in tests/cases: one JSON object per line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from _pytest.mark import ParameterSet

_FOLDER = Path(__file__).parents[1] / "cases"


def cases(name: str) -> list[ParameterSet]:
    """Return the cases in ``name``.jsonl as pytest parameters, each with its name as the id."""
    lines = (_FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    parsed: list[dict[str, Any]] = [orjson.loads(line) for line in lines if line.strip()]
    return [pytest.param(case, id=case["name"]) for case in parsed]
