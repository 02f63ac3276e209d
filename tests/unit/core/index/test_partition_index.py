"""The index of a partition: what it finds, what leaves the window, and repeated deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import pytest

from stream.core.contracts.events import NormalizedEvent
from stream.core.index.candidates import CANDIDATES_MAX
from stream.core.index.partition_index import RECENT_MAX, PartitionIndex
from stream.core.index.store import MemoryStore
from tests.support.index import (
    DAY_MS,
    EXCERPT,
    FAR,
    HOUR_MS,
    REPRINT,
    START_MS,
    STORY,
    WINDOW_MS,
    ArticleResult,
    Partition,
    article,
    part,
    prose,
    takedown,
)
from tests.unit.core.index.conftest import NewStore

SECOND_MS: Final = 1000


def relations(results: Sequence[ArticleResult]) -> list[str]:
    return [result.verdict.relation for result in results]


class TestLookUp:
    """Which earlier articles are found."""

    @pytest.mark.parametrize(
        ("first", "second", "relation"),
        [
            (article(STORY, name="a"), article(STORY, name="a"), "recrawl"),
            (article(STORY, name="a"), article(prose("other"), name="a"), "revision"),
            (article(STORY), article(STORY), "copy"),
            (article(STORY), article(REPRINT), "near_copy"),
            (article(STORY), article(EXCERPT), "excerpt"),
            (article(EXCERPT), article(STORY), "expansion"),
            (article(STORY), article(prose("other")), "new"),
        ],
    )
    @pytest.mark.parametrize("sizes", [(1, 1), (2,)], ids=["two batches", "one batch"])
    def test_an_earlier_article_is_found_within_a_batch_and_across_batches(
        self,
        new_store: NewStore,
        first: NormalizedEvent,
        second: NormalizedEvent,
        relation: str,
        sizes: tuple[int, ...],
    ) -> None:
        partition = Partition(new_store())
        assert relations(partition.run([first, second], sizes=sizes)) == ["new", relation]
        assert (partition.index.documents, partition.index.last_offset) == (2, 1)

    def test_an_earlier_version_is_found_by_id_alone_or_by_url_alone(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        original = article(STORY, name="a")
        same_id = msgspec.structs.replace(article(prose("x"), name="a"), url_key="elsewhere.example/1")
        same_url = msgspec.structs.replace(article(f"{prose('x')} more"), url_key=same_id.url_key)
        newer = msgspec.structs.replace(article(prose("z"), name=same_url.id), url_key=original.url_key)
        results = partition.run([original, same_id, same_url, newer])
        assert relations(results) == ["new", "revision", "revision", "revision"]
        assert [result.verdict.duplicate_of for result in results] == [None, "a", "a", same_url.id]

    def test_the_newest_article_at_a_url_and_the_first_with_a_text_are_found(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        results = partition.run(
            [
                article(STORY, name="a"),
                article(STORY, name="b"),
                article(STORY, name="c"),
                article(prose("x"), name="b"),
                article(prose("x"), name="b"),
            ]
        )
        assert relations(results) == ["new", "copy", "copy", "revision", "recrawl"]
        assert [result.verdict.duplicate_of for result in results] == [None, "a", "a", "b", "b"]
        assert [result.revision for result in results] == [1, 1, 1, 2, 2]

    def test_the_cluster_includes_the_article_itself(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        papers = [article(STORY, source=f"paper-{number}.example") for number in range(3)]
        sizes = [result.cluster.size if result.cluster else 1 for result in partition.run(papers, sizes=(1, 1, 1))]
        assert sizes == [1, 2, 3]
        last = partition.run_one(article(EXCERPT, source="paper-0.example")).cluster
        assert last is not None
        assert (last.size, last.canonical_id) == (4, papers[0].id)
        assert last.sources == ["paper-0.example", "paper-1.example", "paper-2.example"]

    def test_articles_are_found_after_they_leave_the_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stream.core.index.partition_index.RECENT_MAX", 2)
        partition = Partition(MemoryStore())
        stories = [article(prose(letter, 80)) for letter in "abcdefg"]
        copies = [article(part(story.text, 0, 70)) for story in stories]
        results = partition.run([*stories, *copies], sizes=[1] * 14)
        assert relations(results) == ["new"] * 7 + ["near_copy"] * 7
        assert RECENT_MAX > CANDIDATES_MAX


class TestBounds:
    """Work and space have limits."""

    def test_articles_that_leave_the_window_leave_the_store(self) -> None:
        store = MemoryStore()
        partition = Partition(store)
        sizes = []
        for window in range(24):
            time = START_MS + window * (WINDOW_MS + DAY_MS)
            stories = [article(prose(f"{chr(97 + window)}{chr(97 + n)}l"), time=time) for n in range(20)]
            first = window * FAR
            partition.run(stories, offsets=range(first, first + 20))
            sizes.append(store.size_bytes)
        assert max(sizes[6:]) <= 1.1 * max(sizes[:6])

    def test_a_generation_is_kept_while_its_events_may_be_consumed_again(self) -> None:
        store = MemoryStore()
        partition = Partition(store)
        for window in range(6):
            partition.run_one(article(prose(chr(97 + window)), time=START_MS + window * 2 * WINDOW_MS))
        assert partition.run_one(article(prose("a"), name="x"), offset=6).verdict.relation == "new"
        repeated = [msgspec.structs.replace(event, previous=-1) for event in partition.fingerprints[:6]]
        transaction = partition.index.begin_transaction()
        for event in repeated:
            assert (
                transaction.find_earlier_decision(event.scope, event.event_id, offset=event.offset, time_ms=0)
                is not None
            )


class TestWindow:
    """The window runs on the scope's own time."""

    @pytest.mark.parametrize("text", [STORY, REPRINT, EXCERPT])
    @pytest.mark.parametrize(("age_ms", "is_new"), [(WINDOW_MS, False), (WINDOW_MS + SECOND_MS, True)])
    def test_an_article_is_found_within_the_window(
        self, new_store: NewStore, text: str, age_ms: int, is_new: bool
    ) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY))
        assert (partition.run_one(article(text, time=START_MS + age_ms)).verdict.relation == "new") is is_new

    @pytest.mark.parametrize(("age_ms", "relation"), [(WINDOW_MS, "revision"), (WINDOW_MS + SECOND_MS, "new")])
    def test_its_url_is_found_within_the_window(self, new_store: NewStore, age_ms: int, relation: str) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        assert partition.run_one(article(prose("x"), name="a", time=START_MS + age_ms)).verdict.relation == relation

    def test_the_window_ends_at_the_latest_event_and_not_at_a_late_one(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY), article(prose("x"), time=START_MS + WINDOW_MS + SECOND_MS)])
        assert partition.run_one(article(STORY, time=START_MS)).verdict.relation == "new"

    def test_a_late_article_counts_as_seen_when_it_arrived(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        now = START_MS + 30 * DAY_MS
        partition.run([article(prose("x"), time=now), article(STORY, time=START_MS)])
        assert partition.run_one(article(STORY, time=now + DAY_MS)).verdict.relation == "copy"

    def test_each_copy_keeps_the_text_in_the_window(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        results = partition.run([article(STORY, name=str(n), time=START_MS + n * 5 * DAY_MS) for n in range(5)])
        assert relations(results) == ["new", "copy", "copy", "copy", "copy"]
        assert len({result.verdict.cluster_id for result in results}) == 1

    def test_times_out_of_bounds_count_as_the_nearest_in_bounds(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        ancient, distant = -2_000_000_000_000, 7_000_000_000_000
        results = partition.run(
            [article(STORY, time=ancient), article(STORY, time=ancient), article(STORY, time=distant)]
        )
        assert relations(results) == ["new", "copy", "new"]
        assert partition.run_one(article(STORY, time=distant + 1)).verdict.relation == "copy"

    def test_a_rewritten_article_after_the_window_leaves_the_old_cluster_alone(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        old = partition.run([article(STORY, name="a"), article(STORY, name="b", time=START_MS + 5 * DAY_MS)])
        back = partition.run_one(article(prose("x"), name="a", time=START_MS + 9 * DAY_MS))
        assert back.verdict.relation == "new"
        assert back.verdict.cluster_id != old[0].verdict.cluster_id
        third = partition.run_one(article(STORY, name="c", time=START_MS + 9 * DAY_MS)).cluster
        assert third is not None
        assert third.size == 3


class TestScopes:
    """Scopes (tenant and language) share a partition and nothing else."""

    @pytest.mark.parametrize("other_fields", [{"tenant": "acme"}, {"language": "fr"}])
    def test_scopes_do_not_find_each_others_articles(self, new_store: NewStore, other_fields: dict[str, str]) -> None:
        partition = Partition(new_store())
        elsewhere = article(STORY, name="a", event="e", **other_fields)  # type: ignore[arg-type] # names of string arguments
        assert relations(partition.run([article(STORY, name="a", event="e"), elsewhere])) == ["new", "new"]

    def test_scopes_do_not_advance_each_others_clock(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY))
        partition.run_one(article(STORY, tenant="acme", time=START_MS + 100 * DAY_MS), offset=FAR)
        partition.run_one(article(prose("x"), tenant="acme", time=START_MS + 200 * DAY_MS), offset=2 * FAR)
        assert partition.run_one(article(STORY, time=START_MS + HOUR_MS)).verdict.relation == "copy"


class TestRedelivery:
    """An event that was decided before gets the same verdict again."""

    @pytest.mark.parametrize("sizes", [(), (1, 1)], ids=["one batch", "two batches"])
    def test_an_event_at_a_later_offset_is_a_repeat(self, new_store: NewStore, sizes: tuple[int, ...]) -> None:
        partition = Partition(new_store())
        first, again = partition.run([article(STORY, event="e")] * 2, sizes=sizes)
        assert again == first._replace(is_repeat=True)
        assert partition.index.documents == 1

    def test_an_event_is_never_a_copy_of_itself(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run([article(STORY, event="e"), article(STORY, event="f")])
        again = partition.run_one(article(STORY, event="f"))
        assert (again.verdict.relation, again.is_repeat) == ("copy", True)

    def test_a_repeat_is_recognized_within_the_window(self, new_store: NewStore) -> None:
        for age_ms, is_repeat in ((WINDOW_MS, True), (WINDOW_MS + SECOND_MS, False)):
            partition = Partition(new_store())
            partition.run_one(article(STORY, event="e"))
            partition.run_one(article(prose("x"), time=START_MS + age_ms))
            assert partition.run_one(article(STORY, event="e")).is_repeat is is_repeat

    def test_events_that_are_consumed_again_after_a_crash_are_repeats_at_any_age(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        stream = [article(STORY, event=str(n), time=START_MS + n * 5 * DAY_MS) for n in range(8)]
        results = partition.run(stream)
        again = partition.run(stream, offsets=range(8))
        assert [result._replace(is_repeat=False, cluster=None) for result in again] == [
            result._replace(cluster=None) for result in results
        ]
        assert all(result.is_repeat for result in again)

    def test_each_delivery_that_is_consumed_again_gets_its_first_verdict(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        event, later = article(STORY, event="e"), article(STORY, time=START_MS + 2 * WINDOW_MS)
        late = article(STORY, event="e")  # sent again in a raw record behind the others
        results = partition.run([event, event, later, late, late])
        assert relations(results) == ["new", "new", "new", "copy", "copy"]
        assert [result.is_repeat for result in results] == [False, True, False, False, True]
        again = partition.run([event, event], offsets=[0, 1]) + partition.run([late, late], offsets=[3, 4])
        assert [result.verdict for result in again] == [results[i].verdict for i in (0, 1, 3, 4)]
        assert all(result.is_repeat for result in again)
        assert [event.offset for event in partition.fingerprints] == [0, 2, 3]

    def test_a_repeat_that_is_consumed_again_is_recognized_after_its_record_left_the_window(
        self, new_store: NewStore
    ) -> None:
        partition = Partition(new_store())
        event = article(STORY, event="e")
        stream = [event, article(prose("x"), time=START_MS + WINDOW_MS), event]
        stream += [article(prose(letter), time=START_MS + 2 * WINDOW_MS) for letter in "yz"]
        offsets = [0, FAR, FAR + 1, FAR + 2, 2 * FAR]
        assert [result.is_repeat for result in partition.run(stream, offsets=offsets)] == [
            False,
            False,
            True,
            False,
            False,
        ]
        again = partition.run_one(event, offset=FAR + 1)
        assert (again.is_repeat, again.verdict.relation) == (True, "new")

    @pytest.mark.parametrize("offset", [5, 10])
    def test_an_unknown_article_behind_the_index_is_decided_and_not_recorded(
        self, new_store: NewStore, offset: int
    ) -> None:
        """As after a restore from a trimmed changelog: its record would break the chain that a restore follows."""
        partition = Partition(new_store())
        partition.run_one(article(prose("x")), offset=10)
        assert partition.run_one(article(STORY), offset=offset).verdict.relation == "new"
        assert (partition.index.last_offset, partition.index.documents) == (10, 1)
        assert [event.offset for event in partition.changelog] == [10]

    @pytest.mark.parametrize("offset", [5, 10])
    def test_an_unknown_takedown_behind_the_index_withdraws_nothing(self, new_store: NewStore, offset: int) -> None:
        """It withdrew what came before it the first time; what came back since must stay."""
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"), offset=10)
        effects = partition.run_takedown(takedown("a"), offset=offset)
        assert (effects.result, effects.tombstones) == ("nothing_withdrawn", [])
        assert [event.offset for event in partition.changelog] == [10]
        assert partition.run_one(article(STORY, name="a"), offset=11).verdict.relation == "recrawl"

    def test_a_takedown_that_is_consumed_again_is_a_repeat_at_any_age(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        partition.run_one(article(STORY, name="a"))
        first = takedown("a")
        later = msgspec.structs.replace(takedown("b"), event_time=START_MS + 2 * WINDOW_MS)
        effects = partition.run_takedown(first)
        partition.run_takedown(later)
        assert effects.tombstones
        assert partition.run_takedown(first, offset=1) == effects


class TestTransaction:
    """One batch."""

    def test_a_transaction_that_is_not_committed_changes_nothing(self, new_store: NewStore) -> None:
        store = new_store()
        partition = Partition(store)
        partition.run_one(article(prose("x")))
        transaction = partition.index.begin_transaction()
        partition.decide([(1, article(STORY, event="e", name="a"))], transaction)
        assert (partition.index.last_offset, partition.index.documents) == (0, 1)
        result = partition.run_one(article(STORY, event="e", name="a"))
        assert (result.verdict.relation, result.is_repeat) == ("new", False)

    def test_a_commit_never_moves_the_end_of_the_changelog_back(self, new_store: NewStore) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        for end, expected in ((5, 5), (None, 5), (3, 5), (9, 9)):
            index.commit(index.begin_transaction(), changelog_end=end)
            assert index.changelog_end == expected

    def test_a_dropped_generation_is_not_read_in_the_transaction_that_dropped_it(self, new_store: NewStore) -> None:
        # Until the commit, the store holds it under the keys that the new generation will have.
        days = {"first": 0, "ages": 8, "turns": 8, "second": 10, "ages again": 16, "turns again": 16, "third": 16}
        texts = {"first": STORY, "second": STORY, "third": REPRINT}
        stream = [
            article(
                texts.get(event, prose(event.replace(" ", ""))),
                name="a" if event in ("first", "second") else event,
                event=event,
                time=START_MS + age * DAY_MS,
            )
            for event, age in days.items()
        ]
        offsets = [i * FAR for i in range(len(stream))]
        results = Partition(new_store()).run(stream, offsets=offsets, sizes=[5, 2])
        assert relations(results) == [*["new"] * 6, "near_copy"]
        cluster = results[-1].cluster
        assert cluster is not None
        assert (cluster.size, cluster.first_seen) == (2, stream[3].fetched_at)


class TestAge:
    """How old the oldest article is that is still found."""

    def test_the_oldest_article_is_that_of_all_scopes(self, new_store: NewStore) -> None:
        partition = Partition(new_store())
        assert partition.index.oldest_s is None
        partition.run_one(article(STORY, language="en", time=START_MS + HOUR_MS))
        partition.run_one(article(STORY, language="fr", time=START_MS))
        assert partition.index.oldest_s == START_MS // SECOND_MS
        partition.run_one(article(STORY, language="fr", time=START_MS + WINDOW_MS + DAY_MS))
        assert partition.index.oldest_s == (START_MS + HOUR_MS) // SECOND_MS
        partition.index.reset()
        assert partition.index.oldest_s is None

    def test_the_oldest_article_covers_only_the_scopes_used_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stream.core.index.partition_index.MEASURED_SCOPES_MAX", 3)
        partition = Partition(MemoryStore())
        for number in range(9):
            partition.run_one(article(STORY, tenant=f"t{number}", time=START_MS + number * HOUR_MS))
        assert partition.index.oldest_s == (START_MS + 6 * HOUR_MS) // SECOND_MS
