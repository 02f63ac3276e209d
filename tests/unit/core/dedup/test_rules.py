"""The duplicate decision: which relation follows from which texts, and what the verdict says about it."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import DUPLICATE_RELATIONS
from stream.core.dedup.articles import Candidates
from stream.core.dedup.fingerprint import FORMAT, compute_fingerprint
from stream.core.dedup.rules import RULES, VERSION, decide, new_cluster_id
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS
from stream.core.folding import fold_letters
from tests.support.cases import cases
from tests.support.stories import (
    REPRINTED,
    SCRIPTS,
    STORIES,
    decide_similar,
    earlier,
    is_candidate,
    shared_anchors,
    story,
    subject,
)


class TestRelations:
    """Every relation, in every script."""

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_same_text_at_another_address_is_a_copy(self, script: str) -> None:
        spaced = story(script).replace("\n", "  \n\n ").replace(".", " . ").replace("।", " । ")
        verdict = decide_similar(spaced, story(script)).duplicate
        assert (verdict.relation, verdict.method, verdict.is_duplicate) == ("copy", "same-text", True)
        assert (verdict.jaccard, verdict.containment) == (1.0, 1.0)
        assert verdict.change is not None
        assert (verdict.change.tokens, verdict.change.numbers) == (0.0, False)

    @pytest.mark.parametrize(
        ("later", "before"), [("…", ""), ("🔥🔥🔥", "❤️👍 ✅"), ("🔥🔥🔥", "🔥🔥🔥"), ("— \u061f !", "。、")]
    )
    def test_a_text_without_a_token_is_a_copy_of_nothing(self, later: str, before: str) -> None:
        verdict = decide_similar(later, before).duplicate
        assert (verdict.relation, verdict.method, verdict.duplicate_of) == ("new", "no-words", None)

    @pytest.mark.parametrize("case", cases("duplicates_signs"))
    def test_texts_that_differ_in_a_sign_or_a_currency_are_not_copies(self, case: dict[str, Any]) -> None:
        first, second = case["texts"]
        for later, before in ((first, second), (second, first)):
            assert decide_similar(later, before).duplicate.relation == "new"

    @pytest.mark.parametrize("case", cases("duplicates_hyphens"))
    def test_a_hyphen_that_is_no_sign_makes_no_difference(self, case: dict[str, Any]) -> None:
        first, second = case["texts"]
        for later, before in ((first, second), (second, first)):
            assert decide_similar(later, before).duplicate.relation == "copy"

    @pytest.mark.parametrize("script", REPRINTED)
    def test_an_edited_reprint_is_a_near_copy(self, script: str) -> None:
        """Another agency's name, words exchanged, sentences dropped and moved: in either order of arrival."""
        reprint = STORIES[script]["reprint"]
        assert is_candidate(reprint, story(script))
        for later, before in ((reprint, story(script)), (story(script), reprint)):
            verdict = decide_similar(later, before).duplicate
            assert (verdict.relation, verdict.method, verdict.is_duplicate) == ("near_copy", "similar-text", True)
            assert verdict.containment is not None
            assert 0.8 < verdict.containment < 1
            assert verdict.change is not None
            assert 0 < verdict.change.tokens < 0.3

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_a_copy_with_a_sentence_cut_off_is_a_near_copy(self, script: str) -> None:
        verdict = decide_similar(story(script, 0, 1, 2, 3, 4), story(script)).duplicate
        assert (verdict.relation, verdict.method, verdict.is_duplicate) == ("near_copy", "similar-text", True)

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_a_cut_copy_is_an_excerpt(self, script: str) -> None:
        excerpt, original = story(script, 0, 1), story(script)
        assert is_candidate(excerpt, original)
        verdict = decide_similar(excerpt, original).duplicate
        assert (verdict.relation, verdict.is_duplicate, verdict.duplicate_of) == ("excerpt", True, "earlier-0")
        assert verdict.containment == 1.0
        assert verdict.jaccard is not None
        assert verdict.jaccard < 0.5

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_any_25_words_or_37_characters_are_an_excerpt(self, script: str) -> None:
        is_spaced = compute_fingerprint(story(script), None).is_spaced
        tokens = story(script).split() if is_spaced else list(fold_letters(story(script)))
        size, joint = (25, " ") if is_spaced else (37, "")
        for start in range(len(tokens) - size + 1):
            excerpt = joint.join(tokens[start : start + size])
            assert shared_anchors(excerpt, story(script)) > 0, excerpt
            assert decide_similar(excerpt, story(script)).duplicate.relation == "excerpt", excerpt

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_the_full_article_after_its_teaser_is_an_expansion_and_no_duplicate(self, script: str) -> None:
        teaser = story(script)[: len(story(script)) // 2 - 3] + "…"
        assert is_candidate(teaser, story(script))
        verdict = decide_similar(story(script), teaser).duplicate
        assert (verdict.relation, verdict.is_duplicate, verdict.duplicate_of) == ("expansion", False, "earlier-0")

    @pytest.mark.parametrize("script", REPRINTED)
    def test_another_text_at_the_same_address_is_a_revision(self, script: str) -> None:
        before = earlier(f"{story(script)} 25", revision=3)
        verdict = decide(subject(f"{STORIES[script]['reprint']} 26"), Candidates(same_address=before))
        assert (verdict.duplicate.relation, verdict.duplicate.method, verdict.revision) == (
            "revision",
            "same-address",
            4,
        )
        assert (verdict.duplicate.is_duplicate, verdict.duplicate.duplicate_of) == (False, "earlier-0")
        assert verdict.duplicate.change is not None
        assert verdict.duplicate.change.tokens > 0
        assert verdict.duplicate.change.numbers

    def test_a_revision_of_words_alone_has_the_same_numbers(self) -> None:
        verdict = decide(subject(story("Latin", 0, 1) + " 25"), Candidates(earlier(story("Latin") + " 25"))).duplicate
        assert verdict.change is not None
        assert (verdict.change.numbers, verdict.change.tokens > 0.2) == (False, True)

    def test_the_same_at_the_same_address_is_a_recrawl(self) -> None:
        before = earlier(story("Arabic"), revision=3, display_hash="same")
        verdict = decide(subject(story("Arabic"), display_hash="same"), Candidates(same_address=before))
        assert (verdict.duplicate.relation, verdict.duplicate.method, verdict.revision) == (
            "recrawl",
            "same-address",
            3,
        )
        assert verdict.duplicate.is_duplicate

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_one_shared_passage_does_not_make_a_copy(self, script: str) -> None:
        verdict = decide_similar(story(script, 0, 1, 2, 3), story(script, 3, 4, 5)).duplicate
        assert (verdict.relation, verdict.method) == ("new", "too-little-alike")
        assert (verdict.duplicate_of, verdict.containment, verdict.jaccard, verdict.change) == (None, None, None, None)

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_other_stories_are_new(self, script: str) -> None:
        for before in SCRIPTS:
            if before != script:
                verdict = decide_similar(story(script), story(before)).duplicate
                assert (verdict.relation, verdict.method) == ("new", "too-little-alike")


class TestTemplates:
    """Reports that share a template differ in names, numbers and dates."""

    @pytest.mark.parametrize("case", cases("duplicates_templates"))
    def test_another_report_in_the_same_template_is_new(self, case: dict[str, Any]) -> None:
        later, before = (case["template"].format(*case[which]) for which in ("later", "before"))
        reports = list(zip((later, before), case.get("titles", (None, None)), strict=True))
        for (text, title), (text_before, title_before) in (reports, reports[::-1]):
            verdict = decide_similar(text, text_before, title=title, title_before=title_before).duplicate
            assert (verdict.relation, verdict.method) == ("new", case["method"])

    @pytest.mark.parametrize("case", cases("duplicates_templates"))
    def test_the_same_report_below_an_editors_line_is_a_near_copy(self, case: dict[str, Any]) -> None:
        report = case["template"].format(*case["before"])
        verdict = decide_similar(f"Amber Coast Agency {report}", report).duplicate
        assert (verdict.relation, verdict.containment) == ("near_copy", 1.0)

    @pytest.mark.parametrize("case", cases("duplicates_known_failures"))
    def test_known_failures_still_fail(self, case: dict[str, Any]) -> None:
        """Readers would decide as expected; each case says why the rules do not."""
        later, before = (case["template"].format(*case[which]) for which in ("later", "before"))
        assert decide_similar(later, before).duplicate.relation != case["expected"]

    def test_one_corrected_number_in_a_long_text_leaves_a_near_copy(self) -> None:
        text = story("Latin") + " The council met {} times before the vote."
        assert decide_similar(text.format(41), text.format(42)).duplicate.relation == "near_copy"

    @pytest.mark.parametrize(("numbers", "relation"), [((12, 340, 56, 7), "near_copy"), ((15, 350, 60, 8), "new")])
    def test_numbers_that_an_editor_moved_in_a_long_text_leave_a_near_copy(
        self, numbers: tuple[int, ...], relation: str
    ) -> None:
        body = story("Latin") + " The harbour office asks every captain to call two hours before arrival."
        before = body + " Prices rose by 12 percent to 340 marks. In the bay 56 ships wait and 7 left on Monday."
        later = body + " Up {} percent, they came to {} marks. Waiting were {} ships, while {} sailed.".format(*numbers)
        assert min(len(before.split()), len(later.split())) > DEFAULT_THRESHOLDS.moved_numbers_tokens_min
        assert decide_similar(later, before).duplicate.relation == relation

    def test_a_round_up_of_many_articles_is_no_expansion_of_one(self) -> None:
        item = story("Latin", 5, 4)
        others = [
            story(name) for name in SCRIPTS if compute_fingerprint(story(name), None).is_spaced and name != "Latin"
        ]
        round_up = "\n".join([*others, story("Latin")])
        assert decide_similar(f"{round_up} {item}", item).duplicate.method == "round-up"
        assert decide_similar(f"{item} {round_up}", item).duplicate.relation == "expansion"
        assert decide_similar(item, f"{round_up} {item}").duplicate.relation == "excerpt"


class TestRules:
    """Which rule decides, and what its verdict says."""

    def test_they_are_tried_from_the_surest_to_the_weakest(self) -> None:
        assert [name for name, _ in RULES] == ["same-address", "same-text", "similar-text"]

    def test_the_first_that_has_an_answer_decides(self) -> None:
        by_address, by_text, by_similarity = (earlier(story("Latin"), offset=offset) for offset in (9, 2, 1))
        incoming = subject(story("Latin"))
        verdict = decide(incoming, Candidates(by_address, by_text, similar_articles=[by_similarity])).duplicate
        assert (verdict.relation, verdict.duplicate_of) == ("revision", "earlier-9")
        verdict = decide(incoming, Candidates(None, by_text, similar_articles=[by_similarity])).duplicate
        assert (verdict.relation, verdict.duplicate_of) == ("copy", "earlier-2")
        verdict = decide(incoming, Candidates(similar_articles=[by_similarity])).duplicate
        assert (verdict.relation, verdict.duplicate_of) == ("near_copy", "earlier-1")

    def test_nothing_known_is_new_and_begins_a_cluster(self) -> None:
        incoming = subject(story("Latin"))
        verdict = decide(incoming, Candidates())
        assert (verdict.revision, verdict.cluster_depth, verdict.earlier) == (1, 0, None)
        assert (verdict.duplicate.relation, verdict.duplicate.method) == ("new", "nothing-alike")
        assert verdict.duplicate.cluster_id == new_cluster_id(
            incoming.scope, incoming.id, incoming.fingerprint.text_hash
        )

    @pytest.mark.parametrize(
        ("title", "title_before", "relation", "method"),
        [
            ("Harbour closed", "Harbour closed", "copy", "same-text"),
            ("Harbour closed today again", "Harbour closed", "copy", "same-text"),
            ("Harbour closed for good today", "Harbour closed", "new", "other-title"),
            ("Harbour closed", "Museum reopens", "new", "other-title"),
            (None, "Museum reopens", "copy", "same-text"),
            ("Harbour closed", None, "copy", "same-text"),
        ],
    )
    def test_a_short_text_with_another_title_is_no_copy(
        self, title: str | None, title_before: str | None, relation: str, method: str
    ) -> None:
        text = "Read the whole story in tomorrow's edition."
        verdict = decide_similar(text, text, title=title, title_before=title_before).duplicate
        assert (verdict.relation, verdict.method) == (relation, method)

    @pytest.mark.parametrize(
        ("tokens", "relation"),
        [(DEFAULT_THRESHOLDS.short_text_tokens - 1, "new"), (DEFAULT_THRESHOLDS.short_text_tokens, "copy")],
    )
    def test_a_longer_text_is_a_copy_whatever_its_title(self, tokens: int, relation: str) -> None:
        text = " ".join(story("Latin").split()[:tokens])
        verdict = decide_similar(text, text, title="One", title_before="Another").duplicate
        assert verdict.relation == relation
        assert verdict.title_similarity == (0.0 if relation == "copy" else None)

    @pytest.mark.parametrize("relation", ["copy", "near_copy", "excerpt"])
    def test_copies_join_the_cluster_of_their_original(self, relation: str) -> None:
        text = {"copy": story("Latin"), "near_copy": STORIES["Latin"]["reprint"], "excerpt": story("Latin", 0, 1)}
        verdict = decide_similar(text[relation], story("Latin"))
        assert (verdict.duplicate.relation, verdict.duplicate.cluster_id) == (relation, earlier("").cluster_id)
        assert verdict.earlier is not None
        assert verdict.duplicate.duplicate_of == verdict.earlier.id == "earlier-0"

    def test_an_excerpt_from_the_middle_keeps_a_cluster_of_its_own(self) -> None:
        words = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}x" for i in range(200)]
        middle, original = " ".join(words[100:150]), " ".join(words)
        incoming = subject(middle)
        verdict = decide(incoming, Candidates(similar_articles=[earlier(original, cluster_depth=1)]))
        own = new_cluster_id(incoming.scope, incoming.id, incoming.fingerprint.text_hash)
        assert (verdict.duplicate.relation, verdict.duplicate.cluster_id, verdict.cluster_depth) == ("excerpt", own, 0)
        opening = decide(
            subject(" ".join(words[:50])), Candidates(similar_articles=[earlier(original, cluster_depth=1)])
        )
        assert (opening.duplicate.cluster_id, opening.cluster_depth) == (earlier(original).cluster_id, 2)

    @pytest.mark.parametrize(
        ("incoming", "existing", "same_source"),
        [("a.example", "a.example", True), ("a.example", "b.example", False), (None, "b", None), ("a", None, None)],
    )
    def test_same_source_is_null_unless_both_sources_are_known(
        self, incoming: str | None, existing: str | None, same_source: bool
    ) -> None:
        later = dataclasses.replace(subject(story("Latin")), source=incoming)
        before = dataclasses.replace(earlier(story("Latin")), source=existing)
        assert decide(later, Candidates(same_text=before)).duplicate.same_source is same_source

    def test_every_verdict_names_the_parameters_that_made_it(self) -> None:
        assert VERSION.startswith(f"{FORMAT},")
        for verdict in (decide(subject("one"), Candidates()), decide_similar(story("Thai"), story("Thai"))):
            assert verdict.duplicate.version == VERSION


class TestLinks:
    """How far an article is from the first one of its cluster."""

    @pytest.mark.parametrize(
        ("later", "more"),
        [(story("Latin"), 0), (STORIES["Latin"]["reprint"], 1), (story("Latin", 0, 1), 1)],
        ids=["copy", "near copy", "excerpt"],
    )
    def test_a_copy_has_the_cluster_depth_of_its_original(self, later: str, more: int) -> None:
        for links in (0, 1):
            assert decide_similar(later, story("Latin"), cluster_depth=links).cluster_depth == links + more

    def test_a_recrawl_adds_no_link_and_a_revision_does(self) -> None:
        before = earlier(story("Latin"), cluster_depth=2, display_hash="same")
        again = decide(subject(story("Latin"), display_hash="same"), Candidates(before))
        changed = decide(subject(story("Hindi")), Candidates(before))
        assert (again.cluster_depth, changed.cluster_depth) == (2, 3)

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_chains_of_changes_end(self, script: str) -> None:
        """Each text drops a sentence of the story before it and goes on with one of another story."""
        sentences = story("Hebrew" if script != "Hebrew" else "Latin").split("\n")
        own = story(script).split("\n")
        texts = ["\n".join([*own[i:], *sentences[:i]]) for i in range(6)]
        links = 0
        for before, later in pairwise(texts):
            verdict = decide_similar(later, before, cluster_depth=links)
            if verdict.duplicate.relation == "new":
                break
            links = verdict.cluster_depth
        assert verdict.duplicate.method == "too-little-alike"
        assert links <= 4


class TestClusterIds:
    """What a cluster is called."""

    def test_they_do_not_change(self) -> None:
        assert new_cluster_id("default/ar", "a.example/1", "00" * 16) == CLUSTER_ID

    def test_scope_article_and_text_count(self) -> None:
        assert len({new_cluster_id(*parts) for parts in ("sit", "xit", "sxt", "six")}) == 4


words = st.lists(st.sampled_from([*"abcdefghij", "10", "20", "30", "40"]), max_size=60).map(" ".join)
long_words = st.integers(0, 3000).map(lambda count: " ".join(f"w{i % 977}" for i in range(count)))
texts = words | long_words


@given(texts, st.lists(texts, max_size=5), st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_candidates(text: str, others: list[str], random: Random) -> None:
    similar = [
        earlier(text_before, offset=offset, cluster_depth=offset % 3) for offset, text_before in enumerate(others)
    ]
    shuffled = list(similar)
    random.shuffle(shuffled)
    verdict = decide(subject(text), Candidates(similar_articles=similar))
    assert decide(subject(text), Candidates(similar_articles=shuffled)) == verdict
    assert verdict.duplicate.is_duplicate == (verdict.duplicate.relation in DUPLICATE_RELATIONS)


@given(texts, texts)
def test_all_published_figures_are_shares(incoming: str, existing: str) -> None:
    verdict = decide(subject(incoming), Candidates(same_address=earlier(existing))).duplicate
    assert verdict.change is not None
    for share in (verdict.jaccard, verdict.containment, verdict.change.tokens):
        assert share is not None
        assert 0 <= share <= 1


def test_published_figures_have_four_decimals() -> None:
    reprint, before = STORIES["Latin"]["reprint"], story("Latin")
    verdict = decide(
        subject(reprint, title="Council approves tidal power"),
        Candidates(similar_articles=[earlier(before, title="Council approved a tidal power plant")]),
    ).duplicate
    assert verdict.change is not None
    for share in (verdict.jaccard, verdict.containment, verdict.change.tokens, verdict.title_similarity):
        assert share is not None
        assert 0 < share < 1
        assert share == round(share, 4) != round(share, 3)


CLUSTER_ID: Final = "f26b6f55bdcd6a4ebf0bdd5ea240b2a7"
