"""Takedowns: which articles are deleted, what succeeds them, and what remains of clusters."""

from __future__ import annotations

import msgspec
import pytest

from stream.core.contracts.events import RecoveryEvent, RemovalEvent
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.index.transaction import SUCCESSORS_MAX
from tests.support.index import (
    DAY_MS,
    EXCERPT,
    FAR,
    REPRINT,
    START_MS,
    STORY,
    TOPICS,
    WINDOW_MS,
    Partition,
    article,
    part,
    prose,
    takedown,
)
from tests.unit.core.index.conftest import NewStore

#: Another edited reprint of the story.
EDITED = f"{part(STORY, 0, 68)} {prose('u', 8)}"


def tombstones(*names: str) -> list[tuple[str, str]]:
    return [(topic, name) for name in names for topic in (TOPICS.enriched, TOPICS.duplicates)]


class TestDeletion:
    """Every version is deleted, by id or by URL."""

    @pytest.mark.parametrize("by", [takedown("a"), takedown(url_key="paper.example/a"), takedown("a", url_key="x/y")])
    def test_an_article_is_deleted_by_id_or_by_url(self, new_store: NewStore, by: object) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        assert isinstance(by, type(takedown()))
        effects = partition.run_takedown(by)
        assert effects == ("withdrawn", tombstones("a"), {})
        for later in (article(STORY), article(REPRINT, source="b.example"), article(EXCERPT, source="c.example")):
            restored = Partition(MemoryStore())
            restored.index.apply_changelog(partition.changelog, changelog_end=2)
            assert restored.run_one(later).verdict.relation == "new"

    @pytest.mark.parametrize("sizes", [(1, 1, 1, 1), ()], ids=["batches", "one batch"])
    def test_all_its_versions_are_deleted(self, new_store: NewStore, sizes: tuple[int, ...]) -> None:
        partition = Partition(new_store())
        texts = [STORY, prose("x"), prose("x"), prose("y")]
        partition.run([article(text, name="a") for text in texts], sizes=sizes)
        assert partition.run_takedown(takedown("a")).tombstones == tombstones("a")
        results = partition.run([article(text) for text in texts])
        assert [result.verdict.relation for result in results] == ["new", "new", "copy", "new"]

    def test_versions_with_several_ids_at_one_url_are_deleted(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = article(STORY, name="a")
        partition.run([first, msgspec.structs.replace(article(prose("x"), name="b"), url_key=first.url_key)])
        assert partition.run_takedown(takedown(url_key=first.url_key)).tombstones == tombstones("a", "b")
        assert partition.run_one(article(STORY)).verdict.relation == "new"

    def test_versions_before_one_that_moved_to_the_url_of_another_article_are_deleted(
        self, new_store: NewStore
    ) -> None:
        partition = Partition(new_store())
        unrelated = article(prose("x"), name="b")
        moved = msgspec.structs.replace(article(prose("y"), name="a"), url_key=unrelated.url_key)
        partition.run([article(STORY, name="a"), unrelated, moved])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(STORY)).verdict.relation == "new"

    def test_articles_in_every_language_of_the_tenant_are_deleted_and_no_others(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        scopes = [("default", "en"), ("default", "fr"), ("acme", "en")]
        partition.run([article(STORY, name="a", tenant=tenant, language=language) for tenant, language in scopes])
        assert partition.run_takedown(takedown("a")).tombstones == tombstones("a")
        results = partition.run(
            [article(STORY, name="a", tenant=tenant, language=language) for tenant, language in scopes]
        )
        assert [result.verdict.relation for result in results] == ["new", "new", "recrawl"]

    def test_other_articles_are_kept(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name="a"), article(prose("x"), name="b")])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(prose("x"))).verdict.duplicate_of == "b"

    def test_an_article_of_the_same_batch_is_deleted(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        outcomes = partition.deliver([article(STORY, name="a"), takedown("a"), article(STORY, name="b")])
        assert [outcome.result for outcome in outcomes] == ["new", "withdrawn", "new"]

    def test_versions_that_left_the_store_are_ignored(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        versions = [article(prose(chr(97 + n)), name="a", time=START_MS + n * 5 * DAY_MS) for n in range(8)]
        partition.run(versions, offsets=[n * FAR for n in range(8)])
        assert partition.run_takedown(takedown("a")).result == "withdrawn"

    def test_an_id_is_found_though_the_newest_article_at_the_url_was_deleted(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        unrelated = article(prose("x"), name="b")
        partition.run([article(STORY, name="a"), unrelated])
        partition.run_takedown(takedown("b"))
        moved = msgspec.structs.replace(article(prose("y"), name="a"), url_key=unrelated.url_key)
        assert partition.run_one(moved).verdict.duplicate_of == "a"


class TestAfterwards:
    """New articles and repeated deliveries after a takedown."""

    def test_a_deleted_article_that_is_published_again_is_new(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        partition.run_takedown(takedown("a"))
        result = partition.run_one(article(STORY, name="a"))
        assert (result.verdict.relation, result.revision, result.is_repeat) == ("new", 1, False)
        assert partition.run_one(article(REPRINT)).verdict.relation == "near_copy"

    def test_a_repeated_delivery_of_a_deleted_article_publishes_nothing(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a", event="e"))
        partition.run_takedown(takedown("a"))
        for offset in (0, 2):
            effects = partition.run_takedown(article(STORY, name="a", event="e"), offset=offset)
            assert effects == ("withdrawn", [], {})
        assert len(partition.changelog) == 2

    @pytest.mark.parametrize("name", ["b", "url-" + 24 * "0"])
    def test_a_takedown_of_an_unknown_article_is_only_recorded(self, name: str) -> None:
        partition = Partition(MemoryStore())
        partition.run([article(STORY, name="a"), article(STORY, name="b", tenant="acme")])
        assert partition.run_takedown(takedown(name)) == ("nothing_withdrawn", [], {})
        assert (len(partition.changelog), partition.index.last_offset) == (3, 2)
        assert partition.run_one(article(STORY)).verdict.duplicate_of == "a"

    def test_a_takedown_of_a_deleted_article_publishes_nothing(self) -> None:
        partition = Partition(MemoryStore())
        partition.run_one(article(STORY, name="a"))
        partition.run_takedown(takedown("a"))
        for again in (takedown("a"), takedown(url_key="paper.example/a")):
            assert partition.run_takedown(again) == ("nothing_withdrawn", [], {})

    def test_a_takedown_that_is_consumed_again_after_a_crash_publishes_its_tombstones_again(
        self, new_store: NewStore
    ) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        first = partition.run_takedown(takedown("a", event="t"))
        restored = Partition(new_store())
        restored.index.apply_changelog(partition.changelog, changelog_end=2)
        again = restored.run_takedown(takedown("a", event="t"), offset=1)
        assert again.tombstones == first.tombstones

    def test_the_next_changelog_record_follows_that_of_the_takedown(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.deliver([article(STORY, name="a"), takedown("x"), takedown("a"), article(STORY, name="b")])
        changelog = [event for event in partition.changelog if not isinstance(event, RecoveryEvent)]
        assert [(event.offset, event.previous) for event in changelog] == [(0, -1), (1, 0), (2, 1), (3, 2)]
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        assert index.apply_changelog(partition.changelog, changelog_end=4) == 4
        assert (index.last_offset, index.documents) == (3, 2)

    def test_a_trimmed_changelog_may_begin_with_a_takedown(self, new_store: NewStore) -> None:
        partition = Partition(MemoryStore())
        partition.deliver([article(STORY, name="a"), takedown("a"), article(STORY, name="b")])
        again = Partition(new_store())
        assert isinstance(partition.changelog[1], RemovalEvent)
        assert again.index.apply_changelog(partition.changelog[1:], changelog_end=3) == 2
        assert again.run_one(article(REPRINT)).verdict.duplicate_of == "b"


class TestSuccessors:
    """Postings that lead to a deleted article then lead to another one of its cluster."""

    @pytest.mark.parametrize("later", [(STORY, "copy"), (REPRINT, "near_copy"), (part(STORY, 30, 60), "excerpt")])
    @pytest.mark.parametrize(("deleted", "remaining"), [("a", "b"), ("ab", "c"), ("ba", "c"), ("ac", "b"), ("bc", "a")])
    @pytest.mark.parametrize("before", [0, 3])
    def test_a_copy_succeeds_a_deleted_article(
        self, new_store: NewStore, before: int, deleted: str, remaining: str, later: tuple[str, str]
    ) -> None:
        text, relation = later
        partition = Partition(new_store())
        partition.deliver([article(prose(f"q{chr(97 + n)}")) for n in range(before)])
        first = partition.run([article(STORY, name=name) for name in "abc"])[0].verdict
        for name in deleted:
            partition.run_takedown(takedown(name))
        verdict = partition.run_one(article(text)).verdict
        assert (verdict.relation, verdict.duplicate_of, verdict.cluster_id) == (relation, remaining, first.cluster_id)

    @pytest.mark.parametrize("text", [STORY, REPRINT, EXCERPT])
    def test_without_a_successor_later_copies_are_new(self, new_store: NewStore, text: str) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name=name) for name in "abc"])
        partition.deliver([takedown(name) for name in "abc"])
        assert partition.run_one(article(text)).verdict.relation == "new"

    def test_a_near_copy_is_found_by_anchors_of_the_deleted_article(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = partition.run([article(STORY, name="a"), article(REPRINT, name="b")])[0].verdict
        partition.run_takedown(takedown("a"))
        verdict = partition.run_one(article(EDITED)).verdict
        assert (verdict.relation, verdict.duplicate_of, verdict.cluster_id) == ("near_copy", "b", first.cluster_id)

    def test_a_deleted_text_published_again_is_a_near_copy_of_its_successor(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = partition.run([article(STORY, name="a"), article(REPRINT, name="b")])[0].verdict
        partition.run_takedown(takedown("a"))
        result = partition.run_one(article(STORY, name="a"))
        assert (result.verdict.relation, result.verdict.duplicate_of) == ("near_copy", "b")
        assert result.verdict.cluster_id == first.cluster_id
        assert result.cluster is not None
        assert (result.cluster.size, result.cluster.canonical_id) == (2, "b")

    def test_a_successor_with_the_same_text_is_preferred(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name="a"), article(REPRINT, name="b"), article(STORY, name="c")])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(EDITED)).verdict.duplicate_of == "c"

    def test_chains_of_successors_are_followed_up_to_a_limit(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="0"))
        for number in range(1, SUCCESSORS_MAX + 9):
            partition.deliver([article(STORY, name=str(number)), takedown(str(number - 1))])
        # The newest article with this text has a posting beside the first one.
        assert partition.run_one(article(STORY)).verdict.duplicate_of == str(SUCCESSORS_MAX + 8)
        assert partition.run_one(article(REPRINT)).verdict.relation in ("new", "near_copy")

    def test_a_successor_that_left_the_store_is_not_followed(self, new_store: NewStore) -> None:
        store = new_store()
        days = {"q": 0, "orig": 5, "ages": 8, "turns": 8, "copy": 11, "": 11, "ages again": 16, "turns again": 16}
        for number, (name, day) in enumerate(days.items()):
            text = STORY if name in ("orig", "copy") else prose(name.replace(" ", ""))
            event = article(text, name=name, time=START_MS + day * DAY_MS) if name else takedown("copy")
            # Opened anew each time, so that nothing is cached.
            partition = Partition(store)
            result = partition.deliver([event], offsets=[number * FAR])[0].result
            assert result == {"copy": "copy", "": "withdrawn"}.get(name, "new")
        later = article(STORY, time=START_MS + 17 * DAY_MS)
        assert Partition(store).run_one(later).verdict.relation == "new"


class TestClusters:
    """Clusters that lost an article."""

    def test_the_first_remaining_article_is_canonical(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        cluster_id = partition.run([article(STORY, name=name) for name in "abcd"])[0].verdict.cluster_id
        for deleted, canonical, size in (("c", "a", 3), ("a", "b", 2), ("b", "d", 1)):
            cluster = partition.run_takedown(takedown(deleted)).clusters[cluster_id]
            assert cluster is not None
            assert (cluster.canonical_id, cluster.size) == (canonical, size)
        assert partition.run_takedown(takedown("d")).clusters == {cluster_id: None}

    def test_a_cluster_continues_to_grow(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        cluster_id = partition.run([article(STORY, name=name) for name in "ab"])[0].verdict.cluster_id
        partition.run_takedown(takedown("a"))
        result = partition.run_one(article(STORY, name="c"))
        assert result.cluster is not None
        assert result.cluster.cluster_id == cluster_id
        assert (result.cluster.canonical_id, result.cluster.size, result.verdict.duplicate_of) == ("b", 2, "b")

    def test_a_cluster_that_was_never_published_needs_no_tombstone(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        assert partition.run_takedown(takedown("a")).clusters == {}

    def test_versions_in_several_clusters_are_removed_from_each(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        results = partition.run(
            [
                article(STORY, name="a"),
                article(STORY, name="b"),
                article(prose("x"), name="c"),
                article(prose("x"), name="b", language="fr"),
                article(prose("x"), name="d", language="fr"),
            ]
        )
        clusters = partition.run_takedown(takedown("b")).clusters
        assert list(clusters) == [results[0].verdict.cluster_id, results[3].verdict.cluster_id]
        assert [cluster.canonical_id if cluster else None for cluster in clusters.values()] == ["a", "d"]

    @pytest.mark.parametrize("turns", [0, 1])
    def test_the_canonical_article_is_kept_though_it_left_the_store(self, new_store: NewStore, turns: int) -> None:
        partition = Partition(new_store())
        days = [0, 4, 8, 12, 16, 20, 24]
        stream = [article(STORY, name=str(day), time=START_MS + day * DAY_MS) for day in days]
        partition.run(stream, offsets=[n * (FAR if turns else 1) for n in range(len(days))])
        (cluster,) = partition.run_takedown(takedown("24")).clusters.values()
        assert cluster is not None
        assert (cluster.canonical_id, cluster.size) == ("0", 6)
