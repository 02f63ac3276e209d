"""The rule that compares texts: which of several articles it chooses, and what it sets aside."""

from __future__ import annotations

import dataclasses

import numpy as np

from stream.core.dedup.articles import Candidates
from stream.core.dedup.fingerprint import compute_fingerprint
from stream.core.dedup.rules import decide
from tests.support.cases import cases
from tests.support.stories import earlier, story, subject


class TestChoice:
    """One article decides, whatever the order of the candidates."""

    def test_the_reason_is_that_of_the_article_that_came_nearest(self) -> None:
        case = {parameters.id: parameters.values[0] for parameters in cases("duplicates_templates")}["weather, English"]
        assert isinstance(case, dict)
        numbers, unlike = earlier(case["template"].format(*case["before"]), offset=1), earlier(story("Latin"), offset=2)
        incoming = subject(case["template"].format(*case["later"]))
        for similar in ([numbers, unlike], [unlike, numbers]):
            assert decide(incoming, Candidates(similar_articles=similar)).duplicate.method == "other-numbers"
        assert decide(incoming, Candidates(similar_articles=[unlike])).duplicate.method == "too-little-alike"

    def test_the_best_of_several_decides_and_the_first_of_equals(self) -> None:
        rough, good = earlier(story("Latin", 0, 1, 2, 3), offset=1), earlier(story("Latin"), offset=9)
        twin = dataclasses.replace(good, offset=5, id="earlier-5")
        incoming = subject(story("Latin", 0, 1, 2, 3, 4))
        for order in ([rough, good, twin], [twin, good, rough], [good, rough, twin]):
            assert decide(incoming, Candidates(similar_articles=order)).duplicate.duplicate_of == "earlier-5"


class TestCommonText:
    """What many texts share counts neither for nor against a link, unless it is a story that they quote."""

    def test_passages_that_many_clusters_share_do_not_count(self) -> None:
        below = story("Latin")
        incoming, before = subject(f"{story('Cyrillic', 0)} {below}"), earlier(f"{story('Hindi', 0)} {below}")
        assert decide(incoming, Candidates(similar_articles=[before])).duplicate.relation == "near_copy"
        common = np.intersect1d(incoming.fingerprint.anchors, compute_fingerprint(below, None).anchors)
        assert (
            decide(incoming, Candidates(similar_articles=[before], common_anchors=common)).duplicate.method
            == "too-little-alike"
        )

    def test_a_story_that_round_ups_quote_is_found_although_its_anchors_are_common(self) -> None:
        quoted, incoming = earlier(story("Latin")), subject(f"Agency: {story('Latin')}")
        round_ups = [earlier(f"{story(other)} {story('Latin')} {story(other)}", offset=n) for n, other in _OTHERS]
        candidates = Candidates(
            similar_articles=[quoted],
            common_anchors=incoming.fingerprint.anchors,
            quoted_articles=[quoted],
            find_quoting_articles=lambda: round_ups,
        )
        verdict = decide(incoming, candidates).duplicate
        assert (verdict.relation, verdict.duplicate_of) == ("near_copy", "earlier-0")
        without_round_ups = dataclasses.replace(candidates, find_quoting_articles=tuple)
        assert decide(incoming, without_round_ups).duplicate.relation == "new"


_OTHERS = tuple(enumerate(("Cyrillic", "Hindi", "Arabic"), 1))


def test_neither_a_notice_in_the_text_nor_what_many_clusters_share_counts() -> None:
    own, footer, notice = story("Cyrillic", 0), story("Latin", 0, 1, 2), story("Hindi", 0, 1, 2)
    incoming = subject(f"{own} {footer} {notice}")
    before = earlier(f"{story('Arabic', 0)} {footer} {notice}")
    common = np.intersect1d(incoming.fingerprint.anchors, compute_fingerprint(footer, None).anchors)
    tokens = incoming.fingerprint.tokens
    is_notice = np.arange(tokens) >= tokens - compute_fingerprint(notice, None).tokens
    incoming = dataclasses.replace(incoming, notice_tokens=is_notice)
    candidates = Candidates(similar_articles=[before], common_anchors=common)
    assert decide(incoming, candidates).duplicate.relation == "new"
    for article, found in (
        (dataclasses.replace(incoming, notice_tokens=None), candidates),
        (incoming, Candidates(similar_articles=[before])),
    ):
        assert decide(article, found).duplicate.relation != "new"


def test_a_notice_alone_makes_no_link() -> None:
    notice = story("Latin", 0, 1, 2)
    incoming, before = subject(f"{story('Cyrillic', 0)} {notice}"), earlier(f"{story('Hindi', 0)} {notice}")
    tokens = incoming.fingerprint.tokens
    is_notice = np.arange(tokens) >= tokens - compute_fingerprint(notice, None).tokens
    candidates = Candidates(similar_articles=[before])
    assert decide(incoming, candidates).duplicate.relation == "near_copy"
    assert decide(dataclasses.replace(incoming, notice_tokens=is_notice), candidates).duplicate.relation == "new"
