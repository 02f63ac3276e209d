"""A short, reproducible part of the fuzzing; ``python -m tests.fuzz.run`` fuzzes for minutes."""

from __future__ import annotations

import random

import pytest

from stream.core.validation import Limits, validate
from stream.errors import REJECTION_CODES, Rejected
from tests.fuzz.hostile_inputs import PAGES as SHAPES
from tests.fuzz.hostile_inputs import page
from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import MESSAGES, PAGES
from tests.fuzz.targets import TARGETS, Finding

SEEDS = {"raw": MESSAGES, "html": PAGES}
SMALL = Limits(html_chars=6_000, html_tags=400)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_processed(target: str) -> None:
    for seed in SEEDS[target]:
        TARGETS[target](seed)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("target", TARGETS)
def test_mutations_become_events_or_documented_rejections(target: str, part: int) -> None:
    numbers = random.Random(part)  # noqa: S311 # inputs, not secrets
    for _ in range(40):
        TARGETS[target](mutate(numbers, SEEDS[target]))


@pytest.mark.parametrize("shape", SHAPES)
def test_small_hostile_pages_are_processed(shape: str) -> None:
    html = page(shape, SMALL)
    TARGETS["html"](html.encode())


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_pages_are_within_the_limits(shape: str) -> None:
    """Pages that are rejected for their size would not show how long processing takes."""
    try:
        validate({"id": "a", "html": page(shape)})
    except Rejected as error:
        assert error.code == "missing_content"  # noqa: PT017 # only some pages are rejected


def test_an_undocumented_rejection_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REJECTION_CODES, "empty_value")
    with pytest.raises((Finding, ValueError)):
        TARGETS["raw"](b"")
