"""A short, repeatable part of the fuzzing; ``tests/fuzz/run.py`` goes on for minutes."""

from __future__ import annotations

import random

import pytest

from stream.core.validation import Limits, validate
from stream.errors import REJECTION_CODES, Rejected
from tests.fuzz.hostile_inputs import PAGES as SHAPES
from tests.fuzz.hostile_inputs import page
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import MESSAGES, PAGES
from tests.fuzz.targets import TARGETS, Finding

SEEDS = {"raw": MESSAGES, "html": PAGES}
SMALL = Limits(html_chars=6_000, html_tags=400)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_pass(target: str) -> None:
    for seed in SEEDS[target]:
        TARGETS[target](seed)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("target", TARGETS)
def test_mutations_are_events_or_documented_rejections(target: str, part: int) -> None:
    chance = random.Random(part)  # noqa: S311 # inputs, no secrets
    for _ in range(40):
        TARGETS[target](mutated(chance, SEEDS[target]))


@pytest.mark.parametrize("shape", SHAPES)
def test_small_hostile_pages_are_read(shape: str) -> None:
    html = page(shape, SMALL)
    TARGETS["html"](html.encode())


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_pages_keep_the_limits_that_they_are_made_for(shape: str) -> None:
    """Else their times would tell nothing."""
    try:
        validate({"id": "a", "html": page(shape)})
    except Rejected as error:
        assert error.code == "missing_content"  # noqa: PT017 # the only other way


def test_a_finding_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(REJECTION_CODES, "empty_value")
    with pytest.raises((Finding, ValueError)):
        TARGETS["raw"](b"")
