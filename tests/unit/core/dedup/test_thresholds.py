"""The thresholds of the decision: their version, and the worked examples in their comments."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from stream.core.dedup.articles import Candidates
from stream.core.dedup.fingerprint import FORMAT
from stream.core.dedup.requirements import Separation, first_failed_requirement, required_overlap
from stream.core.dedup.rules import VERSION, decide
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds
from tests.support.stories import earlier, figures, story, subject


def test_the_published_version_does_not_change() -> None:
    """It is part of every verdict: other thresholds are another version."""
    assert Thresholds().version == VERSION == f"{FORMAT},5eb16e37"


@pytest.mark.parametrize("name", [field.name for field in fields(Thresholds)])
def test_each_threshold_is_part_of_the_version(name: str) -> None:
    changed = replace(DEFAULT_THRESHOLDS, **{name: getattr(DEFAULT_THRESHOLDS, name) * 2})
    assert changed.version != VERSION


@pytest.mark.parametrize(
    ("tokens", "other_figures", "separation", "required"),
    [
        (300, {}, Separation(), 169),
        (20, {}, Separation(), 15),
        (100, {"is_spaced": False}, Separation(), 64),
        (80, {"length_ratio": 0.2}, Separation(), 56),
        (200, {}, Separation(cluster_depth=2), 164),
        (200, {}, Separation(cluster_depth=9), 190),
    ],
)
def test_the_required_overlap_in_the_examples(
    tokens: int, other_figures: dict[str, object], separation: Separation, required: float
) -> None:
    assert required_overlap(figures(tokens=tokens, **other_figures), separation) == required


@pytest.mark.parametrize(
    ("tokens", "other_figures", "hours", "required"),
    [
        (200, {"shares_opening": False}, 0, 130),
        (100, {"shares_opening": False, "length_ratio": 0.5}, 0, 69),
        (100, {"has_other_names": True}, 0, 74),
        (100, {"has_other_names": True}, 48, 84),
        (100, {"shared_numbers_share": 0.0}, 0, 90),
    ],
)
def test_the_larger_overlap_in_the_examples(
    tokens: int, other_figures: dict[str, object], hours: float, required: int
) -> None:
    enough = figures(tokens=tokens, covered_tokens=required, **other_figures)
    too_little = figures(tokens=tokens, covered_tokens=required - 1, **other_figures)
    assert first_failed_requirement(enough, Separation(hours=hours)) is None
    assert first_failed_requirement(too_little, Separation(hours=hours)) is not None


def test_decide_uses_the_thresholds_that_it_is_given() -> None:
    incoming, candidates = subject(story("Latin", 0, 1, 2, 3)), Candidates(similar_articles=[earlier(story("Latin"))])
    strict = replace(DEFAULT_THRESHOLDS, tokens_min=10_000)
    assert decide(incoming, candidates).duplicate.relation == "near_copy"
    verdict = decide(incoming, candidates, strict).duplicate
    assert (verdict.relation, verdict.method, verdict.version) == ("new", "too-little-alike", strict.version)
    by_ratio = decide(incoming, candidates, replace(DEFAULT_THRESHOLDS, near_copy_ratio_min=0.99))
    assert by_ratio.duplicate.relation == "excerpt"
