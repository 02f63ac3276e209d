"""Takedowns: what is forgotten, what stands in for it, and what becomes of clusters."""

from __future__ import annotations

import msgspec
import pytest

from stream.core.contracts.events import RemovalEvent
from stream.core.index.cluster import MEMBERS_MAX
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


class TestWhatGoes:
    """Every version, by id or by address."""

    @pytest.mark.parametrize("by", [takedown("a"), takedown(url_key="paper.example/a"), takedown("a", url_key="x/y")])
    def test_an_article(self, new_store: NewStore, by: object) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        assert isinstance(by, type(takedown()))
        told = partition.run_takedown(by)
        assert told == ("withdrawn", tombstones("a"), {})
        for again in (article(STORY), article(REPRINT, source="b.example"), article(EXCERPT, source="c.example")):
            fresh = Partition(MemoryStore())
            fresh.index.apply_changelog(partition.changelog, changelog_end=2)
            assert fresh.run_one(again).verdict.relation == "new"

    @pytest.mark.parametrize("sizes", [(1, 1, 1, 1), ()], ids=["batches", "one batch"])
    def test_all_its_versions(self, new_store: NewStore, sizes: tuple[int, ...]) -> None:
        partition = Partition(new_store())
        texts = [STORY, prose("x"), prose("x"), prose("y")]
        partition.run([article(text, name="a") for text in texts], sizes=sizes)
        assert partition.run_takedown(takedown("a")).tombstones == tombstones("a")
        told = partition.run([article(text) for text in texts])
        assert [one.verdict.relation for one in told] == ["new", "new", "copy", "new"]

    def test_versions_under_several_ids_at_one_address(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = article(STORY, name="a")
        partition.run([first, msgspec.structs.replace(article(prose("x"), name="b"), url_key=first.url_key)])
        assert partition.run_takedown(takedown(url_key=first.url_key)).tombstones == tombstones("a", "b")
        assert partition.run_one(article(STORY)).verdict.relation == "new"

    def test_versions_behind_one_that_moved_to_the_address_of_another_article(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        other = article(prose("x"), name="b")
        moved = msgspec.structs.replace(article(prose("y"), name="a"), url_key=other.url_key)
        partition.run([article(STORY, name="a"), other, moved])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(STORY)).verdict.relation == "new"

    def test_in_every_language_of_the_tenant_and_of_no_other(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        scopes = [("default", "en"), ("default", "fr"), ("acme", "en")]
        partition.run([article(STORY, name="a", tenant=tenant, language=language) for tenant, language in scopes])
        assert partition.run_takedown(takedown("a")).tombstones == tombstones("a")
        told = partition.run(
            [article(STORY, name="a", tenant=tenant, language=language) for tenant, language in scopes]
        )
        assert [one.verdict.relation for one in told] == ["new", "new", "recrawl"]

    def test_other_articles_stay(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name="a"), article(prose("x"), name="b")])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(prose("x"))).verdict.duplicate_of == "b"

    def test_within_the_batch_that_brought_it(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        outcomes = partition.deliver([article(STORY, name="a"), takedown("a"), article(STORY, name="b")])
        assert [outcome.result for outcome in outcomes] == ["new", "withdrawn", "new"]

    def test_versions_that_left_the_store_are_gone_already(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        versions = [article(prose(chr(97 + n)), name="a", time=START_MS + n * 5 * DAY_MS) for n in range(8)]
        partition.run(versions, offsets=[n * FAR for n in range(8)])
        assert partition.run_takedown(takedown("a")).result == "withdrawn"

    def test_an_id_is_known_though_the_newest_at_the_address_was_withdrawn(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        other = article(prose("x"), name="b")
        partition.run([article(STORY, name="a"), other])
        partition.run_takedown(takedown("b"))
        moved = msgspec.structs.replace(article(prose("y"), name="a"), url_key=other.url_key)
        assert partition.run_one(moved).verdict.duplicate_of == "a"


class TestAfterwards:
    """What comes back, and what comes again."""

    def test_an_article_that_comes_back_is_new(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        partition.run_takedown(takedown("a"))
        back = partition.run_one(article(STORY, name="a"))
        assert (back.verdict.relation, back.revision, back.is_repeat) == ("new", 1, False)
        assert partition.run_one(article(REPRINT)).verdict.relation == "near_copy"

    def test_a_repeated_delivery_is_answered_with_nothing(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a", event="e"))
        partition.run_takedown(takedown("a"))
        for offset in (0, 2):
            told = partition.run_takedown(article(STORY, name="a", event="e"), offset=offset)
            assert told == ("withdrawn", [], {})
        assert len(partition.changelog) == 2

    @pytest.mark.parametrize("name", ["b", "nobody"])
    def test_an_unknown_takedown_leaves_no_trace(self, name: str) -> None:
        store = MemoryStore()
        partition = Partition(store)
        partition.run([article(STORY, name="a"), article(STORY, name="b", tenant="acme")])
        before = dict(store.values)
        assert partition.run_takedown(takedown(name)) == ("nothing_withdrawn", [], {})
        assert (store.values, len(partition.changelog), partition.index.last_offset) == (before, 2, 1)

    def test_so_does_one_of_what_was_withdrawn_already(self) -> None:
        store = MemoryStore()
        partition = Partition(store)
        partition.run_one(article(STORY, name="a"))
        partition.run_takedown(takedown("a"))
        before = dict(store.values)
        for again in (takedown("a"), takedown(url_key="paper.example/a")):
            assert partition.run_takedown(again).result == "nothing_withdrawn"
        assert (store.values, len(partition.changelog)) == (before, 2)

    def test_a_takedown_that_is_read_again_after_a_crash_is_told_again(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        told = partition.run_takedown(takedown("a", event="t"))
        restored = Partition(new_store())
        restored.index.apply_changelog(partition.changelog, changelog_end=2)
        again = restored.run_takedown(takedown("a", event="t"), offset=1)
        assert again.tombstones == told.tombstones

    def test_the_next_record_of_the_changelog_follows_the_removal(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.deliver([article(STORY, name="a"), takedown("x"), takedown("a"), article(STORY, name="b")])
        assert [(event.offset, event.previous) for event in partition.changelog] == [(0, -1), (2, 0), (3, 2)]
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        assert index.apply_changelog(partition.changelog, changelog_end=3) == 3
        assert (index.last_offset, index.documents) == (3, 2)

    def test_a_trimmed_changelog_may_begin_with_a_removal(self, new_store: NewStore) -> None:
        partition = Partition(MemoryStore())
        partition.deliver([article(STORY, name="a"), takedown("a"), article(STORY, name="b")])
        again = Partition(new_store())
        assert isinstance(partition.changelog[1], RemovalEvent)
        assert again.index.apply_changelog(partition.changelog[1:], changelog_end=3) == 2
        assert again.run_one(article(REPRINT)).verdict.duplicate_of == "b"


class TestStandIns:
    """What led to a removed article leads to another one of its cluster."""

    @pytest.mark.parametrize("later", [(STORY, "copy"), (REPRINT, "near_copy"), (part(STORY, 30, 60), "excerpt")])
    @pytest.mark.parametrize(("gone", "left"), [("a", "b"), ("ab", "c"), ("ba", "c"), ("ac", "b"), ("bc", "a")])
    @pytest.mark.parametrize("before", [0, 3])
    def test_a_copy_of_the_same_text(
        self, new_store: NewStore, before: int, gone: str, left: str, later: tuple[str, str]
    ) -> None:
        text, relation = later
        partition = Partition(new_store())
        partition.deliver([article(prose(f"q{chr(97 + n)}")) for n in range(before)])
        first = partition.run([article(STORY, name=name) for name in "abc"])[0].verdict
        for name in gone:
            partition.run_takedown(takedown(name))
        told = partition.run_one(article(text)).verdict
        assert (told.relation, told.duplicate_of, told.cluster_id) == (relation, left, first.cluster_id)

    @pytest.mark.parametrize("text", [STORY, REPRINT, EXCERPT])
    def test_without_any_left_all_is_new(self, new_store: NewStore, text: str) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name=name) for name in "abc"])
        partition.deliver([takedown(name) for name in "abc"])
        assert partition.run_one(article(text)).verdict.relation == "new"

    def test_a_near_copy_that_was_found_by_anchors_of_the_removed_one(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = partition.run([article(STORY, name="a"), article(REPRINT, name="b")])[0].verdict
        partition.run_takedown(takedown("a"))
        told = partition.run_one(article(EDITED)).verdict
        assert (told.relation, told.duplicate_of, told.cluster_id) == ("near_copy", "b", first.cluster_id)

    def test_a_near_copy_is_no_copy_of_the_text_that_was_removed(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        first = partition.run([article(STORY, name="a"), article(REPRINT, name="b")])[0].verdict
        partition.run_takedown(takedown("a"))
        back = partition.run_one(article(STORY, name="a"))
        assert (back.verdict.relation, back.verdict.duplicate_of) == ("near_copy", "b")
        assert back.verdict.cluster_id == first.cluster_id
        assert back.cluster is not None
        assert (back.cluster.size, back.cluster.canonical_id) == (2, "b")

    def test_the_same_text_is_preferred(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, name="a"), article(REPRINT, name="b"), article(STORY, name="c")])
        partition.run_takedown(takedown("a"))
        assert partition.run_one(article(EDITED)).verdict.duplicate_of == "c"

    def test_chains_of_them_end(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="0"))
        for number in range(1, SUCCESSORS_MAX + 9):
            partition.deliver([article(STORY, name=str(number)), takedown(str(number - 1))])
        # The newest article with this text is known beside the first one.
        assert partition.run_one(article(STORY)).verdict.duplicate_of == str(SUCCESSORS_MAX + 8)
        assert partition.run_one(article(REPRINT)).verdict.relation in ("new", "near_copy")

    def test_one_that_left_the_store_stands_in_no_more(self, new_store: NewStore) -> None:
        store = new_store()
        days = {"q": 0, "orig": 5, "ages": 8, "turns": 8, "copy": 11, "": 11, "ages again": 16, "turns again": 16}
        for number, (name, day) in enumerate(days.items()):
            text = STORY if name in ("orig", "copy") else prose(name.replace(" ", ""))
            event = article(text, name=name, time=START_MS + day * DAY_MS) if name else takedown("copy")
            # Opened anew each time, so that nothing is at hand.
            partition = Partition(store)
            result = partition.deliver([event], offsets=[number * FAR])[0].result
            assert result == {"copy": "copy", "": "withdrawn"}.get(name, "new")
        later = article(STORY, time=START_MS + 17 * DAY_MS)
        assert Partition(store).run_one(later).verdict.relation == "new"


class TestClusters:
    """What consumers are told of the clusters that lost an article."""

    def test_the_first_that_is_left_is_canonical(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        cluster_id = partition.run([article(STORY, name=name) for name in "abcd"])[0].verdict.cluster_id
        for gone, canonical, size in (("c", "a", 3), ("a", "b", 2), ("b", "d", 1)):
            cluster = partition.run_takedown(takedown(gone)).clusters[cluster_id]
            assert cluster is not None
            assert (cluster.canonical_id, cluster.size) == (canonical, size)
        assert partition.run_takedown(takedown("d")).clusters == {cluster_id: None}

    def test_goes_on_to_grow(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        cluster_id = partition.run([article(STORY, name=name) for name in "ab"])[0].verdict.cluster_id
        partition.run_takedown(takedown("a"))
        told = partition.run_one(article(STORY, name="c"))
        assert told.cluster is not None
        assert told.cluster.cluster_id == cluster_id
        assert (told.cluster.canonical_id, told.cluster.size, told.verdict.duplicate_of) == ("b", 2, "b")

    def test_one_that_was_never_published_needs_no_tombstone(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        assert partition.run_takedown(takedown("a")).clusters == {}

    def test_versions_in_several_clusters(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        told = partition.run(
            [
                article(STORY, name="a"),
                article(STORY, name="b"),
                article(prose("x"), name="c"),
                article(prose("x"), name="b", language="fr"),
                article(prose("x"), name="d", language="fr"),
            ]
        )
        clusters = partition.run_takedown(takedown("b")).clusters
        assert list(clusters) == [told[0].verdict.cluster_id, told[3].verdict.cluster_id]
        assert [found.canonical_id if found else None for found in clusters.values()] == ["a", "d"]

    def test_the_rest_of_a_cluster_whose_members_are_gone_is_forgotten(self) -> None:
        partition = Partition(MemoryStore())
        names = [str(number) for number in range(MEMBERS_MAX + 2)]
        cluster_id = partition.run([article(STORY, name=name) for name in names])[0].verdict.cluster_id
        partition.deliver([takedown(name) for name in names[: MEMBERS_MAX - 1]])
        assert partition.run_takedown(takedown(names[MEMBERS_MAX - 1])).clusters == {cluster_id: None}

    @pytest.mark.parametrize("turns", [0, 1])
    def test_the_canonical_article_stays_though_it_left_the_store(self, new_store: NewStore, turns: int) -> None:
        partition = Partition(new_store())
        days = [0, 4, 8, 12, 16, 20, 24]
        stream = [article(STORY, name=str(day), time=START_MS + day * DAY_MS) for day in days]
        partition.run(stream, offsets=[n * (FAR if turns else 1) for n in range(len(days))])
        (cluster,) = partition.run_takedown(takedown("24")).clusters.values()
        assert cluster is not None
        assert (cluster.canonical_id, cluster.size) == ("0", 6)
