"""Which candidates a decision gets, and what recording it adds: anchors, boilerplate, clusters, versions."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import pytest

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.dedup.articles import IncomingArticle
from stream.core.dedup.fingerprint import FORMAT, compute_fingerprint
from stream.core.index.candidates import ANCHORS_SHARED_MIN, CANDIDATES_MAX, COMMON_MIN
from stream.core.index.cluster import MEMBERS_MAX
from stream.core.index.keys import anchor_names, visible_postings
from stream.core.index.postings import NEWEST_POSTINGS, OLDEST_POSTINGS, POSTINGS_MAX
from stream.core.index.scope_view import ScopeView
from stream.core.index.store import MemoryStore, Store
from tests.support.index import (
    DAY_MS,
    EXCERPT,
    REPRINT,
    START_MS,
    STORY,
    WINDOW_MS,
    Partition,
    article,
    part,
    prose,
    takedown,
)
from tests.unit.core.index.conftest import NewStore

SCOPE = "default/en"
NOTICE = prose("notice", 40)


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def with_notice(count: int, words: int = 60) -> list[str]:
    """Texts that have one paragraph in common."""
    return [f"{prose(f'z{letters(number)}z', words)} {NOTICE}" for number in range(count)]


def incoming(text: str) -> IncomingArticle:
    return IncomingArticle("later", SCOPE, None, None, "0" * 32, compute_fingerprint(text, None))


def offsets_led_to(store: Store, text: str) -> set[int]:
    """Offsets of the articles that the anchors of ``text`` lead to."""
    values = ScopeView(store, SCOPE, window_s=0).get_many(anchor_names(compute_fingerprint(text, None).anchors))
    return {offset for value in values for offset, _ in visible_postings(value)}


class TestAnchors:
    """Which anchors lead to an article."""

    @pytest.mark.parametrize("later", [STORY, REPRINT, EXCERPT, part(STORY, 20, 60)])
    def test_anchors_that_lead_to_its_cluster_do_not_lead_to_the_article(self, new_store: NewStore, later: str) -> None:
        store = new_store()
        partition = Partition(store)
        first, second = partition.run([article(STORY), article(later)])
        is_same_cluster = first.verdict.cluster_id == second.verdict.cluster_id
        assert offsets_led_to(store, STORY) == ({0} if is_same_cluster else {0, 1})

    def test_anchors_that_a_reprint_adds_lead_to_it(self, new_store: NewStore) -> None:
        store = new_store()
        Partition(store).run([article(STORY), article(f"{STORY} {prose('t', 30)}")])
        assert offsets_led_to(store, prose("t", 30)) == {1}

    def test_a_story_that_everybody_reprints_is_not_boilerplate(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        reprints = [f"{part(STORY, 0, 70)} {prose(f'z{letters(number)}z', 9)}" for number in range(3 * COMMON_MIN)]
        partition.run([article(text) for text in [STORY, *reprints]])
        assert (
            len(partition.index.begin_transaction().find_candidates(incoming(EXCERPT), time_ms=START_MS).common_anchors)
            == 0
        )
        assert partition.run_one(article(EXCERPT)).verdict.relation == "excerpt"

    def test_each_posting_counts_the_anchors_that_lead_to_its_article(self, new_store: NewStore) -> None:
        store = new_store()
        Partition(store).run_one(article(STORY))
        names = anchor_names(compute_fingerprint(STORY, None).anchors)
        postings = [visible_postings(value) for value in ScopeView(store, SCOPE, window_s=0).get_many(names)]
        assert postings == [[(0, len(names))]] * len(names)


class TestBoilerplate:
    """Anchors that many unrelated texts share."""

    @pytest.mark.parametrize(("count", "is_common"), [(COMMON_MIN - 1, False), (COMMON_MIN, True)])
    def test_an_anchor_is_boilerplate_from_a_number_of_articles_on(
        self, new_store: NewStore, count: int, is_common: bool
    ) -> None:
        partition = Partition(new_store())
        partition.run([article(text) for text in with_notice(count, 120)])
        common = partition.index.begin_transaction().find_candidates(incoming(NOTICE), time_ms=START_MS).common_anchors
        assert (len(common) > 0) is is_common
        assert np.isin(common, compute_fingerprint(NOTICE, None).anchors).all()

    def test_thousands_of_texts_that_share_a_paragraph_are_new(self) -> None:
        partition = Partition(MemoryStore())
        results = partition.run([article(text) for text in with_notice(2000)], sizes=[100] * 20)
        assert {result.verdict.relation for result in results} == {"new"}

    def test_a_copy_among_texts_with_boilerplate_is_found(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        texts = with_notice(60)
        results = partition.run([article(text, name=str(i)) for i, text in enumerate(texts)])
        near = partition.run_one(article(f"{part(texts[30], 0, 56)} {prose('t', 4)} {NOTICE}"))
        assert {result.verdict.relation for result in results} == {"new"}
        assert (near.verdict.relation, near.verdict.duplicate_of) == ("near_copy", "30")


class TestQuotedStories:
    """A story that many others quote stays findable: its anchors are common, but are not boilerplate."""

    STORIES: Final = (STORY, prose("long", 300))

    @staticmethod
    def round_up(story: str, number: int) -> str:
        words = len(story.split())
        return f"{prose(f'x{letters(number)}x', words)} {story} {prose(f'y{letters(number)}y', words + 7 * number)}"

    @pytest.mark.parametrize("story", STORIES)
    @pytest.mark.parametrize("count", [COMMON_MIN - 1, COMMON_MIN, 2 * POSTINGS_MAX])
    @pytest.mark.parametrize("share_before", [0.0, 0.5, 1.0])
    def test_a_near_copy_and_an_excerpt_are_found(
        self, new_store: NewStore, story: str, count: int, share_before: float
    ) -> None:
        partition = Partition(new_store())
        texts = [self.round_up(story, number) for number in range(count)]
        before = int(share_before * count)
        partition.run([article(text, source=f"{number}.example") for number, text in enumerate(texts[:before])])
        original = partition.run_one(article(story, name="story", source="origin.example")).verdict
        partition.run([article(text, source=f"{number}.example") for number, text in enumerate(texts[before:])])
        words = len(story.split())
        near_copy = f"{part(story, 0, words * 2 // 3)} {prose('t', 9)} {part(story, words * 2 // 3 + 9, words)}"
        for text, relation in ((near_copy, "near_copy"), (part(story, 0, 36), "excerpt")):
            verdict = partition.run_one(article(text, source="other.example")).verdict
            assert (verdict.relation, verdict.duplicate_of) == (relation, "story")
            assert verdict.cluster_id == original.cluster_id

    def test_a_story_that_short_texts_quote_in_parts_is_found(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        story = self.STORIES[1]
        partition.run_one(article(story, name="story"))
        for number in range(2 * POSTINGS_MAX):
            start = number % 3 * 100
            quoted = part(story, start, start + 100)
            partition.run_one(article(f"{prose(f'x{letters(number)}x')} {quoted} {prose(f'y{letters(number)}y')}"))
        near_copy = f"{part(story, 0, 200)} {prose('t', 20)} {part(story, 220, 300)}"
        verdict = partition.run_one(article(near_copy, source="other.example")).verdict
        assert (verdict.relation, verdict.duplicate_of) == ("near_copy", "story")

    def test_round_ups_that_quote_a_story_are_not_copies_of_each_other(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        results = partition.run([article(self.round_up(STORY, number)) for number in range(3 * COMMON_MIN)])
        assert {result.verdict.relation for result in results} == {"new"}

    @pytest.mark.parametrize("sources", [1, 20])
    @pytest.mark.parametrize("words", [30, 60, 110])
    def test_articles_above_a_footer_are_not_linked_to_a_page_with_the_footer_alone(
        self, new_store: NewStore, sources: int, words: int
    ) -> None:
        partition = Partition(new_store())
        footer = prose("footer", 100)
        longer = [f"{prose(f'z{letters(number)}z', 300)} {footer}" for number in range(2 * COMMON_MIN)]
        shorter = [f"{prose(f'v{letters(number)}v', words)} {footer}" for number in range(2 * COMMON_MIN)]
        texts = [*longer, footer, *shorter]
        results = partition.run(
            [
                article(text, title=part(text, 0, 5), source=f"{number % sources}.example")
                for number, text in enumerate(texts)
            ]
        )
        assert {result.verdict.relation for result in results} == {"new"}


class TestBounds:
    """Work and space have limits."""

    def test_an_anchor_keeps_its_oldest_and_newest_postings_up_to_a_limit(self) -> None:
        store = MemoryStore()
        count = 3 * POSTINGS_MAX
        Partition(store).run([article(text) for text in with_notice(count, 200)])
        values = ScopeView(store, SCOPE, window_s=0).get_many(anchor_names(compute_fingerprint(NOTICE, None).anchors))
        longest = max((value for value in values if value), key=len)
        offsets = [offset for offset, _ in visible_postings(longest)]
        assert len(offsets) == POSTINGS_MAX
        assert offsets[:OLDEST_POSTINGS] == list(range(OLDEST_POSTINGS))
        assert offsets[-NEWEST_POSTINGS:] == list(range(count - NEWEST_POSTINGS, count))

    def test_the_number_of_candidates_is_limited(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        # Each shares another part of the text, so that no anchor is common and all of them are similar.
        texts = [f"{part(STORY, 4 * n, 4 * n + 40)} {prose(f'z{letters(n)}z', 200)}" for n in range(11)]
        more = [f"{part(STORY, 4 * n, 4 * n + 40)} {prose(f'y{letters(n)}y', 200)}" for n in range(11)]
        results = partition.run([article(text) for text in texts + more])
        assert len({result.verdict.cluster_id for result in results}) > CANDIDATES_MAX
        assert (
            len(partition.index.begin_transaction().find_candidates(incoming(STORY), time_ms=START_MS).similar_articles)
            <= CANDIDATES_MAX
        )

    def test_the_number_of_candidates_is_limited_for_boilerplate_too(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(text) for text in with_notice(CANDIDATES_MAX + 9, 200)])
        assert (
            len(
                partition.index.begin_transaction().find_candidates(incoming(NOTICE), time_ms=START_MS).similar_articles
            )
            == CANDIDATES_MAX
        )

    def test_an_article_that_shares_few_anchors_is_not_a_candidate(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(f"{part(STORY, 0, 80)} {prose('z', 800)}"))
        later = f"{part(STORY, 0, 30)} {prose('y', 800)}"
        anchors, story_anchors = (compute_fingerprint(text, None).anchors for text in (later, STORY))
        assert 0 < len(np.intersect1d(anchors, story_anchors)) < ANCHORS_SHARED_MIN * len(anchors)
        candidates = partition.index.begin_transaction().find_candidates(incoming(later), time_ms=START_MS)
        assert not candidates.similar_articles


class TestClusters:
    """Which articles are in one cluster."""

    def test_an_item_of_a_round_up_has_a_cluster_of_its_own(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        round_up = f"{prose('a', 60)} {STORY} {prose('b', 60)}"
        round_up_result, item, copy = partition.run(
            [article(round_up, name="whole"), article(STORY, name="item"), article(STORY, name="copy")]
        )
        assert (item.verdict.relation, item.verdict.duplicate_of) == ("excerpt", "whole")
        assert item.verdict.cluster_id != round_up_result.verdict.cluster_id
        assert item.cluster is None
        assert copy.cluster is not None
        assert copy.cluster.cluster_id == item.verdict.cluster_id
        assert (copy.cluster.canonical_id, copy.cluster.size) == ("item", 2)

    def test_a_round_up_that_has_an_earlier_item_has_a_cluster_of_its_own(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        item, round_up = partition.run(
            [article(STORY, name="item"), article(f"{prose('a', 90)} {STORY} {prose('b', 40)}", name="whole")]
        )
        assert (round_up.verdict.relation, round_up.verdict.duplicate_of) == ("expansion", "item")
        assert round_up.verdict.cluster_id != item.verdict.cluster_id
        assert round_up.cluster is None

    @pytest.mark.parametrize(("first", "second"), [(STORY, EXCERPT), (EXCERPT, STORY)])
    def test_a_teaser_and_its_article_are_in_one_cluster(self, new_store: NewStore, first: str, second: str) -> None:
        first_result, second_result = Partition(new_store()).run([article(first, name="a"), article(second, name="b")])
        assert first_result.verdict.cluster_id == second_result.verdict.cluster_id
        assert second_result.cluster is not None
        assert (second_result.cluster.size, second_result.cluster.canonical_id) == (2, "a")

    def test_the_first_article_stays_canonical_and_the_first_members_are_listed(self) -> None:
        partition = Partition(MemoryStore())
        count = MEMBERS_MAX + 20
        results = partition.run([article(STORY, name=str(number)) for number in range(count)], sizes=[50] * 6)
        sizes = [result.cluster.size if result.cluster else 1 for result in results]
        assert sizes == list(range(1, count + 1))
        assert {result.cluster.canonical_id for result in results if result.cluster} == {"0"}
        cluster = partition.index.begin_transaction().cluster(SCOPE, results[0].verdict.cluster_id)
        assert cluster is not None
        assert [member.id for member in cluster.members] == [str(number) for number in range(MEMBERS_MAX)]


@pytest.mark.parametrize("later", [STORY, REPRINT])
def test_a_near_copy_is_found_as_long_as_any_member_of_its_cluster_is_in_the_window(
    new_store: NewStore, later: str
) -> None:
    partition = Partition(new_store())
    partition.run([article(STORY), article(later, time=START_MS + 6 * DAY_MS)])
    edited = f"{part(STORY, 0, 68)} {prose('u', 8)}"
    assert partition.run_one(article(edited, time=START_MS + 8 * DAY_MS)).verdict.relation == "near_copy"


class TestEarlierDecisions:
    """What was decided is found within the window, and at any age by what is consumed again."""

    LATE_MS = START_MS + 2 * WINDOW_MS

    @pytest.mark.parametrize(("offset", "is_found"), [(0, True), (1, True), (2, False)])
    def test_the_decision_on_an_article(self, new_store: NewStore, offset: int, is_found: bool) -> None:
        partition = Partition(new_store())
        event = article(STORY)
        partition.run([event, article(prose("x"))])
        transaction = partition.index.begin_transaction()
        earlier = transaction.find_earlier_decision(SCOPE, event.event_id, offset=offset, time_ms=self.LATE_MS)
        assert (earlier is not None) is is_found

    @pytest.mark.parametrize(("offset", "is_found"), [(0, True), (1, True), (2, False)])
    def test_the_result_of_a_takedown(self, new_store: NewStore, offset: int, is_found: bool) -> None:
        partition = Partition(new_store())
        partition.deliver([takedown("a", event="e"), article(prose("x"))])
        (removal,) = (event for event in partition.changelog if isinstance(event, RemovalEvent))
        again = msgspec.structs.replace(removal, offset=offset, event_time=self.LATE_MS)
        assert (partition.index.begin_transaction().find_takedown(again) is not None) is is_found


class TestOtherFormats:
    """Articles with fingerprints of another format are found by event and URL only."""

    @pytest.fixture
    def partition(self, new_store: NewStore) -> Partition:
        original = Partition(MemoryStore())
        original.run([article(STORY, name="a", event="e"), article(STORY, name="b", event="f")])
        partition = Partition(new_store())
        assert (
            partition.index.apply_changelog([foreign(event) for event in original.fingerprints], changelog_end=2) == 2
        )
        return partition

    def test_their_events_are_repeats(self, partition: Partition) -> None:
        result = partition.run_one(article(STORY, name="a", event="e"))
        assert (result.is_repeat, result.verdict.relation, result.verdict.version) == (True, "new", "0:other")

    @pytest.mark.parametrize(("text", "relation"), [(STORY, "recrawl"), (REPRINT, "revision")])
    def test_their_urls_are_found(self, partition: Partition, text: str, relation: str) -> None:
        result = partition.run_one(article(text, name="a"))
        assert (result.verdict.relation, result.verdict.duplicate_of) == (relation, "a")

    @pytest.mark.parametrize("text", [STORY, REPRINT, EXCERPT])
    def test_their_texts_are_not_found(self, partition: Partition, text: str) -> None:
        assert partition.run_one(article(text)).verdict.relation == "new"

    def test_no_anchors_lead_to_them(self, partition: Partition) -> None:
        assert offsets_led_to(partition.index.store, STORY) == set()


def foreign(event: FingerprintEvent) -> FingerprintEvent:
    duplicate = msgspec.structs.replace(event.duplicate, version="0:other")
    odd = b"no whole number of hashes"
    return msgspec.structs.replace(
        event, format=f"0{FORMAT}", anchors=odd, sequence=odd, title=odd, duplicate=duplicate
    )


@pytest.mark.parametrize("is_cached", [True, False])
def test_an_article_that_was_withdrawn_in_the_same_batch_is_not_read_from_the_cache(is_cached: bool) -> None:
    store = MemoryStore()
    partition = Partition(store)
    partition.run([article(STORY, name="story"), article(STORY, name="story")])
    if not is_cached:
        partition = Partition(store)
    withdrawn, copy = partition.deliver([takedown("story"), article(STORY, name="copy", source="other.example")])
    assert (withdrawn.result, copy.result) == ("withdrawn", "new")
