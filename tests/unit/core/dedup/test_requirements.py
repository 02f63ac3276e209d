"""What two similar texts must have in common: each threshold, just met and just missed."""

from __future__ import annotations

import dataclasses

import pytest

from stream.core.dedup.articles import Candidates, Times
from stream.core.dedup.requirements import NO_SEPARATION, Separation, first_failed_requirement, has_same_names
from stream.core.dedup.rules import decide
from stream.core.dedup.similarity import Similarity
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS
from stream.core.timestamps import HOUR_MS
from tests.support.stories import decide_similar, earlier, figures, story, subject

CABLE_NAMES = [f"aba{letter}x" for letter in "abcdefghijklmnopqrst"]
OTHER_CABLE_NAMES = [f"oto{letter}x" for letter in "abcdefghijklmnopqrst"]


class TestThresholds:
    """One figure more or less changes the verdict."""

    @pytest.mark.parametrize(
        ("similarity", "reason"),
        [
            (figures(), None),
            (figures(covered_tokens=58), "too-little-alike"),
            (figures(is_spaced=False, covered_tokens=63), "too-little-alike"),
            (figures(is_spaced=False, covered_tokens=65), None),
            (figures(tokens=10, covered_tokens=10), None),
            (figures(tokens=10, covered_tokens=9), "too-little-alike"),
            (figures(tokens=20, covered_tokens=15), None),
            (figures(tokens=20, covered_tokens=14), "too-little-alike"),
            (figures(tokens=DEFAULT_THRESHOLDS.tokens_min, covered_tokens=DEFAULT_THRESHOLDS.tokens_min), None),
            (
                figures(tokens=DEFAULT_THRESHOLDS.tokens_min - 1, covered_tokens=DEFAULT_THRESHOLDS.tokens_min - 1),
                "too-little-alike",
            ),
            (figures(tokens=0, covered_tokens=0), "too-little-alike"),
            (figures(length_ratio=0.29, covered_tokens=68), "too-little-alike"),
            (figures(length_ratio=0.29, covered_tokens=70), None),
            (figures(length_ratio=0.30), None),
            (figures(shares_opening=False), "other-opening"),
            (figures(shares_opening=False, covered_tokens=66), "other-opening"),
            (figures(shares_opening=False, covered_tokens=68), None),
            (figures(shares_opening=False, covered_tokens=68, length_ratio=0.59), "other-opening"),
            (figures(shares_opening=False, covered_tokens=70, length_ratio=0.59), None),
            (figures(has_other_names=True), "other-names"),
            (figures(has_other_names=True, covered_tokens=73), "other-names"),
            (figures(has_other_names=True, covered_tokens=75), None),
            (figures(tokens=240, has_other_names=True, covered_tokens=153), "other-names"),
            (figures(tokens=240, has_other_names=True, covered_tokens=155), None),
            (figures(shares_opening=False, has_other_names=True), "other-opening"),
            (figures(has_other_names=True, new_number_changes=3), "other-names"),
            (figures(new_number_changes=2), None),
            (figures(new_number_changes=3), "other-numbers"),
            (figures(number_changes=9), None),
            (figures(tokens=99, number_changes=1), None),
            (figures(tokens=99, number_changes=2), "other-numbers"),
            (figures(tokens=49, covered_tokens=49, number_changes=1), "other-numbers"),
            (figures(tokens=50, covered_tokens=49, number_changes=1), None),
            (figures(shared_numbers_share=0.50), None),
            (figures(shared_numbers_share=0.49), "other-numbers"),
            (figures(shared_numbers_share=0.0, covered_tokens=89), "other-numbers"),
            (figures(shared_numbers_share=0.0, covered_tokens=90), None),
            (figures(is_longer=True, length_ratio=0.19, covered_tokens=99), "round-up"),
            (figures(is_longer=True, length_ratio=0.20, covered_tokens=99), None),
            (figures(is_longer=True, length_ratio=0.19, covered_tokens=99, is_opening=True), None),
            (figures(length_ratio=0.19, covered_tokens=99), None),
            (figures(covered_tokens=58, new_number_changes=3), "too-little-alike"),
            (figures(is_longer=True, length_ratio=0.19, covered_tokens=99, new_number_changes=3), "other-numbers"),
        ],
    )
    def test_the_first_failed_requirement_at_each_threshold(self, similarity: Similarity, reason: str | None) -> None:
        assert first_failed_requirement(similarity) == reason

    @pytest.mark.parametrize(("cluster_depth", "covered"), [(0, 60), (1, 75), (2, 85), (3, 95), (4, 95), (9, 95)])
    def test_each_link_asks_for_more_up_to_nearly_all(self, cluster_depth: int, covered: int) -> None:
        assert first_failed_requirement(figures(covered_tokens=covered), Separation(cluster_depth)) is None
        assert (
            first_failed_requirement(figures(covered_tokens=covered - 2), Separation(cluster_depth))
            == "too-little-alike"
        )

    @pytest.mark.parametrize(("hours", "covered"), [(30.0, 75), (30.001, 85), (999.0, 85)])
    def test_titles_that_name_others_ask_for_more_a_day_later(self, hours: float, covered: int) -> None:
        similarities = {count: figures(has_other_names=True, covered_tokens=count) for count in (covered - 2, covered)}
        assert first_failed_requirement(similarities[covered], Separation(hours=hours)) is None
        assert first_failed_requirement(similarities[covered - 2], Separation(hours=hours)) == "other-names"

    @pytest.mark.parametrize(("hours", "covered"), [(30.0, 60), (30.001, 65), (999.0, 65)])
    def test_texts_have_more_in_common_a_day_later(self, hours: float, covered: int) -> None:
        assert first_failed_requirement(figures(covered_tokens=covered), Separation(hours=hours)) is None
        assert (
            first_failed_requirement(figures(covered_tokens=covered - 2), Separation(hours=hours)) == "too-little-alike"
        )

    @pytest.mark.parametrize(
        ("published", "before", "seen_apart_h", "hours"),
        [
            ("2026-05-05T12:00:00.000Z", "2026-05-04T06:00:00.000Z", 0, 30),
            ("2026-05-04T06:00:00.000Z", "2026-05-05T12:00:00.000Z", 0, 30),
            ("2026-05-04T07:00:00.000+05:00", "2026-05-04T02:00:00.000Z", 0, 0),
            # When they were seen counts if the publication time of one of them is unknown.
            ("2026-05-04T06:00:00.000Z", "2026-05-04T06:00:00.000Z", 99, 0),
            (None, "2026-05-04T06:00:00.000Z", 31, 31),
            ("2026-05-09T06:00:00.000Z", None, 31, 31),
            ("2026-05-09T06:00:00.000Z", "yesterday", 31, 31),
            ("2026-05-09T06:00:00", "2026-05-04T06:00:00.000Z", 31, 31),
            (None, None, -31, 31),
        ],
    )
    def test_hours_lie_between_their_publication_or_else_their_arrival(
        self, published: str | None, before: str | None, seen_apart_h: int, hours: float
    ) -> None:
        times = Times(published, 10**12 + seen_apart_h * HOUR_MS)
        assert times.hours_from(Times(before, 10**12)) == hours

    @pytest.mark.parametrize(("day", "relation"), [("04", "near_copy"), ("06", "new")])
    def test_the_next_message_in_a_template_is_new(self, day: str, relation: str) -> None:
        texts = [f"{story('Latin')} It greets {' '.join(names)}." for names in (CABLE_NAMES, OTHER_CABLE_NAMES)]
        titles = [f"Greetings to {names[0]}" for names in (CABLE_NAMES, OTHER_CABLE_NAMES)]
        before = earlier(texts[0], title=titles[0], times=Times("2026-05-04T06:00:00.000Z"))
        later = subject(texts[1], title=titles[1], times=Times(f"2026-05-{day}T06:00:00.000Z"))
        assert decide(later, Candidates(similar_articles=[before])).duplicate.relation == relation

    @pytest.mark.parametrize(
        ("words", "relation"), [(100, "copy"), (60, "near_copy"), (59, "excerpt"), (30, "excerpt"), (8, "excerpt")]
    )
    def test_the_ratio_of_lengths_separates_excerpts_from_reprints(self, words: int, relation: str) -> None:
        text = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}x" for i in range(100)]
        assert decide_similar(" ".join(text[:words]), " ".join(text)).duplicate.relation == relation


def test_names_are_weighed_with_the_thresholds_of_the_call() -> None:
    strict = dataclasses.replace(DEFAULT_THRESHOLDS, overlap_share_min=0.9)
    similarity = figures(has_other_names=True, covered_tokens=89)
    assert has_same_names(similarity, NO_SEPARATION, DEFAULT_THRESHOLDS)
    assert not has_same_names(similarity, NO_SEPARATION, strict)
