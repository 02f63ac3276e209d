"""Boilerplate and quoted stories: what other texts show about the part that many clusters have."""

from __future__ import annotations

import numpy as np
import pytest

from stream.core.dedup.fingerprint import compute_fingerprint
from stream.core.dedup.quotations import CommonText, OtherText, is_round_up_of
from stream.core.dedup.similarity import ComparedText
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS
from tests.support.index import prose

STORY = prose("story", 100)


def compared(text: str) -> ComparedText:
    return ComparedText(compute_fingerprint(text, None))


def round_up(number: int, quoted: str = STORY) -> str:
    seed = "xyzvw"[number]
    return f"{prose(f'{seed}before')} {quoted} {prose(f'{seed}after', 90)}"


def common_text(text: str, others: list[tuple[str, str]], *, boilerplate: slice = slice(0)) -> CommonText:
    incoming = compared(text)
    mask = np.zeros(len(incoming.fingerprint.sequence), dtype=bool)
    mask[boilerplate] = True
    return CommonText(
        incoming, mask, [OtherText(cluster, compared(other)) for cluster, other in others], DEFAULT_THRESHOLDS
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (round_up(0), True),
        (f"{STORY} {prose('x', 90)}", False),
        (f"{prose('x', 90)} {STORY}", False),
        (f"{prose('x', 90)} {STORY} {prose('y', 14)}", False),
        (f"{prose('x', 90)} {STORY} {prose('y', 25)}", True),
        (prose("x", 300), False),
        (f"{prose('x', 20)} {prose('story', 400)} {prose('y', 20)}", False),
    ],
    ids=["between", "at the start", "at the end", "above a line", "above a paragraph", "no", "mostly quoted"],
)
def test_a_round_up_has_a_story_between_other_text(text: str, expected: bool) -> None:
    assert is_round_up_of(compared(text), compared(prose("story", 400)), DEFAULT_THRESHOLDS) is expected


class TestQuotedAsAWhole:
    """A story counts as quoted if several texts of other clusters have nearly all of it."""

    @pytest.mark.parametrize(("clusters", "expected"), [("a", False), ("ab", True), ("abcde", True), ("s", False)])
    def test_by_how_many(self, clusters: str, expected: bool) -> None:
        others = [(cluster, round_up(number)) for number, cluster in enumerate(clusters)]
        assert common_text(STORY, others).is_quoted_as_a_whole(compared(STORY), "s") is expected

    def test_its_own_cluster_does_not_count(self) -> None:
        others = [("s", round_up(number)) for number in range(4)] + [("a", round_up(4))]
        assert not common_text(STORY, others).is_quoted_as_a_whole(compared(STORY), "s")

    @pytest.mark.parametrize(("tokens", "expected"), [(70, False), (90, True)])
    def test_how_much(self, tokens: int, expected: bool) -> None:
        others = [("a", round_up(0, prose("story", tokens))), ("b", round_up(1, prose("story", tokens)))]
        assert common_text(STORY, others).is_quoted_as_a_whole(compared(STORY), "s") is expected

    def test_a_few_words_do_not_count(self) -> None:
        short = prose("story", DEFAULT_THRESHOLDS.notice_tokens - 1)
        others = [("a", round_up(0, short)), ("b", round_up(1, short))]
        assert not common_text(short, others).is_quoted_as_a_whole(compared(short), "s")


class TestBoilerplate:
    """Boilerplate goes on beyond its anchors, for at most a window."""

    TEXT = f"{prose('own', 100)} {prose('foot', 40)}"

    @pytest.mark.parametrize(("clusters", "first"), [("", 110), ("a", 110), ("ab", 100), ("aab", 100), ("sss", 110)])
    def test_it_includes_what_other_clusters_have_too(self, clusters: str, first: int) -> None:
        others = [(cluster, f"{prose(f'{cluster}x', 80)} {prose('foot', 40)}") for cluster in clusters]
        common = common_text(self.TEXT, others, boilerplate=slice(110, 140))
        assert np.flatnonzero(common.boilerplate_in_other_clusters("s"))[0] == first

    def test_it_does_not_include_what_is_far_from_an_anchor(self) -> None:
        others = [(cluster, f"{prose('own', 100)} {prose(cluster, 80)}") for cluster in "abc"]
        common = common_text(self.TEXT, others, boilerplate=slice(130, 140))
        assert np.flatnonzero(common.boilerplate_in_other_clusters("s"))[0] >= 100
