"""Explanations: the verdict of the core, and why, in figures that lead to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.dedup.requirements import NO_SEPARATION, REASONS, Separation, first_failed_requirement
from stream.core.dedup.rules import RULES
from stream.core.dedup.similarity import Similarity
from stream.errors import Rejected
from stream.evaluation.explanation import METHODS, check_requirements, compare, explain
from tests.support.articles import BRIDGE, BRIDGE_EDITED, BRIDGE_TEASER, FLOOD, FLOOD_RESET, HARVEST

REPORT = (
    "The central bank of Calder sold bills worth {} million crowns at an average rate of {} percent on Tuesday.\n"
    "Bids reached {} million crowns, of which {} percent were accepted, the bank said in a statement."
)


def event(name: str, text: str, **fields: Any) -> dict[str, Any]:
    """A raw event."""
    return {"id": name, "text": text, **fields}


#: The first article, the second one, and what is said of it: relation, method, and whether texts alone are linked.
EXPLAINED = [
    (event("a", BRIDGE), event("b", BRIDGE_EDITED), "near_copy", "similar-text", True),
    (event("a", BRIDGE), event("b", BRIDGE_TEASER), "excerpt", "similar-text", True),
    (event("a", BRIDGE_TEASER), event("b", BRIDGE), "expansion", "similar-text", True),
    (event("a", FLOOD), event("b", FLOOD_RESET), "copy", "same-text", True),
    (event("a", BRIDGE), event("b", HARVEST), "new", "nothing-alike", False),
    (event("a", BRIDGE), event("a", HARVEST), "revision", "same-address", False),
    (event("a", BRIDGE), event("a", BRIDGE), "recrawl", "same-address", True),
    (
        event("a", REPORT.format(120, 3.5, 340, 35)),
        event("b", REPORT.format(90, 4.1, 280, 32)),
        "new",
        "other-numbers",
        False,
    ),
]


@pytest.mark.parametrize(("first", "second", "relation", "method", "is_alike"), EXPLAINED)
def test_the_verdict_and_the_rule_that_decided(
    first: dict[str, Any], second: dict[str, Any], relation: str, method: str, is_alike: bool
) -> None:
    explanation = explain(first, second)
    verdict = explanation.second.duplicate
    assert (verdict.relation, verdict.method) == (relation, method)
    assert explanation.is_linked == (relation != "new")
    assert explanation.meaning == METHODS[method]
    assert (explanation.comparison.reason is None) == is_alike
    assert all(check.is_met for check in explanation.comparison.checks) == is_alike
    if method not in ("same-address", "same-text", "nothing-alike", "similar-text"):
        assert explanation.comparison.reason == method


@pytest.mark.parametrize(("first", "second", "relation", "method", "is_alike"), EXPLAINED[:3])
def test_the_scores_are_those_that_are_published(
    first: dict[str, Any], second: dict[str, Any], relation: str, method: str, is_alike: bool
) -> None:
    assert is_alike
    explanation = explain(first, second)
    scores, published = explanation.comparison.scores, explanation.second.duplicate
    for name in ("jaccard", "containment", "title_similarity", "change", "same_source"):
        assert getattr(scores, name) == getattr(published, name), (relation, method)


def test_two_that_are_not_linked_have_scores_too() -> None:
    source = {"name": "The Paper"}
    explanation = explain(
        event("a", BRIDGE, title="Bridge closed", source=source),
        event("b", HARVEST, title="Bridge open", source=source),
    )
    assert explanation.second.duplicate.title_similarity is None
    scores = explanation.comparison.scores
    assert scores.title_similarity == pytest.approx(1 / 3, abs=1e-3)
    assert scores.same_source
    assert scores.containment == 0


def test_articles_of_two_languages_never_meet() -> None:
    explanation = explain(event("a", BRIDGE), event("b", FLOOD))
    assert not explanation.is_linked
    assert explanation.meaning.startswith("articles in default/en and default/ar are never compared")


def test_the_window_hides_nothing() -> None:
    explanation = explain(
        event("a", BRIDGE, published_at="2001-01-01T00:00:00Z"),
        event("b", BRIDGE, published_at="2026-01-01T00:00:00Z"),
    )
    assert explanation.second.duplicate.relation == "copy"


@pytest.mark.parametrize(("first", "second", "name"), [("", BRIDGE, "A"), (BRIDGE, "<>", "B")])
def test_an_invalid_article_is_rejected_with_its_name(first: str, second: str, name: str) -> None:
    if name == "B":
        second = "\u200b"
    with pytest.raises(Rejected) as caught:
        explain(event("a", first), event("b", second))
    assert caught.value.code == "missing_content"
    assert caught.value.message.startswith(f"{name}: ")


def test_a_notice_is_explained_as_one() -> None:
    wall = event("a", "Please enable JavaScript and cookies in your browser to continue to this site.")
    explanation = explain(event("b", BRIDGE), wall)
    assert not explanation.is_linked
    assert explanation.meaning == f"{METHODS['notice']} (bot_check)"
    assert explain(wall, event("b", BRIDGE)).meaning == "A is a notice (bot_check), to which nothing is linked"


def test_every_method_has_a_meaning() -> None:
    assert {name for name, _ in RULES} | {*REASONS} | {
        "nothing-alike",
        "no-words",
        "notice",
        "other-title",
        "repeated-notice",
    } == METHODS.keys()


@dataclass
class Figures:
    """What `first_failed_requirement` and `check_requirements` read of a `Similarity`."""

    is_spaced: bool
    tokens: int
    covered_tokens: int
    number_changes: int
    new_number_changes: int
    shared_numbers_share: float | None
    length_ratio: float
    is_longer: bool
    is_opening: bool
    shares_opening: bool
    has_other_names: bool
    has_other_marks: bool

    @property
    def containment(self) -> float:
        """As in `Similarity`."""
        return self.covered_tokens / self.tokens if self.tokens else 0.0


FIGURES = st.builds(
    Figures,
    is_spaced=st.booleans(),
    tokens=st.integers(0, 400),
    covered_tokens=st.integers(0, 400),
    number_changes=st.integers(0, 10),
    new_number_changes=st.integers(0, 10),
    shared_numbers_share=st.none() | st.floats(0, 1),
    length_ratio=st.floats(0.01, 1),
    is_longer=st.booleans(),
    is_opening=st.booleans(),
    shares_opening=st.booleans(),
    has_other_names=st.booleans(),
    has_other_marks=st.booleans(),
).filter(lambda figures: figures.covered_tokens <= figures.tokens)


@given(FIGURES, st.sampled_from([NO_SEPARATION, Separation(hours=31)]))
def test_checks_agree_with_the_rule_and_name_the_first_that_fails(figures: Figures, separation: Separation) -> None:
    similarity = cast("Similarity", figures)
    failed = [check.reason for check in check_requirements(similarity, separation) if not check.is_met]
    assert (failed[0] if failed else None) == first_failed_requirement(similarity, separation)


@pytest.mark.parametrize("field", ["published_at", "fetched_at"])
def test_checks_mention_the_hours_between_two_articles(field: str) -> None:
    first = {**event("a", BRIDGE), field: "2026-05-04T06:00:00Z"}
    for moment, is_later in (("2026-05-05T06:00:00Z", False), ("2026-05-06T06:00:00Z", True)):
        explanation = explain(first, {**event("b", BRIDGE_EDITED), field: moment})
        required = next(
            check.required
            for check in explanation.comparison.checks
            if check.reason == "too-little-alike" and "(" in check.required
        )
        assert ("more than 30 hours apart" in required) is is_later
        assert (explanation.comparison.reason is None) is explanation.is_linked


def test_checks_state_required_and_actual_overlap() -> None:
    explanation = explain(event("a", BRIDGE), event("b", BRIDGE_EDITED))
    required = " ".join(check.required for check in explanation.comparison.checks)
    assert "words" in required
    similarity = explanation.comparison.similarity
    assert f"{similarity.covered_tokens} ({similarity.containment:.0%})" in [
        check.actual for check in explanation.comparison.checks
    ]
    chinese = "市政府星期一宣布，旧桥经过两年维修后重新开放，行人和车辆都可以通过。"
    characters = explain(event("a", chinese), event("b", chinese.replace("两年", "三年")))
    assert "characters" in " ".join(check.required for check in characters.comparison.checks)


def test_comparing_does_not_depend_on_the_verdict() -> None:
    first, second = (explain(event("a", BRIDGE), event(name, BRIDGE_EDITED)) for name in "ab")
    assert first.second.duplicate.relation == "revision"
    assert compare(first.first, first.second).scores.jaccard == second.second.duplicate.jaccard
