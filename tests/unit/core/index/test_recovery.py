"""An index goes on after a log went back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import DecidedUpTo, FingerprintEvent, Origin, RecoveryEvent
from stream.core.index.recovery import decided_up_to
from stream.core.index.store import MemoryStore
from tests.support.index import STORY, Partition, article, prose, takedown

EVENT_ID = "ab" * 16


def recovery(offset: int, *, base: int = 0, decided: list[DecidedUpTo] | None = None) -> RecoveryEvent:
    return RecoveryEvent(event_id=EVENT_ID, offset=offset, base=base, log="new-topic/0", decided=decided or [])


@pytest.fixture
def partition() -> Partition:
    partition = Partition(MemoryStore())
    partition.run([article(STORY, name="story"), article(prose("a"), name="other")])
    return partition


def apply(partition: Partition, event: RecoveryEvent) -> None:
    partition.index.apply_changelog([event], changelog_end=partition.index.changelog_end + 1)
    partition.changelog.append(event)


class TestNormalizedTopicStartsAgain:
    """The offsets of the normalized topic begin at zero again."""

    def test_articles_at_offsets_that_were_used_before_are_recorded_and_find_earlier_ones(
        self, partition: Partition
    ) -> None:
        apply(partition, recovery(1, base=2))
        first, copy = partition.run([article(prose("b")), article(STORY, source="other.example")], offsets=[0, 1])
        assert (first.verdict.relation, copy.verdict.duplicate_of) == ("new", "story")
        assert [event.offset for event in partition.fingerprints] == [0, 1, 2, 3]

    def test_without_a_recovery_they_would_not_be_recorded(self, partition: Partition) -> None:
        partition.run([article(prose("b")), article(prose("c"))], offsets=[0, 1])
        assert len(partition.changelog) == 2

    def test_takedowns_withdraw_articles_of_the_earlier_log(self, partition: Partition) -> None:
        apply(partition, recovery(1, base=2))
        assert partition.run_takedown(takedown("story"), offset=0).result == "withdrawn"

    def test_an_article_of_the_new_log_is_published_again_when_it_becomes_canonical(self, partition: Partition) -> None:
        apply(partition, recovery(1, base=2))
        (copy,) = partition.deliver([article(STORY, name="copy", source="other.example")], offsets=[0])
        assert copy.result == "copy"
        (outcome,) = partition.deliver([takedown("story")], offsets=[1])
        assert [(each.id, each.offset) for each in outcome.promotions] == [("copy", 2)]
        assert outcome.lost_promotions == []

    def test_an_article_of_the_earlier_log_cannot_be_published_again(self, partition: Partition) -> None:
        partition.deliver([article(STORY, name="copy", source="other.example")])
        apply(partition, recovery(2, base=3))
        (outcome,) = partition.deliver([takedown("story")], offsets=[0])
        assert outcome.result == "withdrawn"
        assert [each.id for each in outcome.lost_promotions] == ["copy"]

    def test_an_event_that_is_delivered_again_keeps_its_verdict(self, partition: Partition) -> None:
        event = article(prose("b"), event="again")
        before = partition.run_one(event)
        apply(partition, recovery(2, base=3))
        after = partition.run_one(event, offset=0)
        assert (after.is_repeat, after.verdict) == (True, before.verdict)

    def test_a_restored_index_goes_on_likewise(self, partition: Partition) -> None:
        apply(partition, recovery(1, base=2))
        partition.run([article(prose("b"))], offsets=[0])
        restored = Partition(MemoryStore())
        assert restored.index.apply_changelog(partition.changelog, changelog_end=4) == 4
        assert (restored.index.last_offset, restored.index.position.base) == (2, 2)
        trimmed = Partition(MemoryStore())
        trimmed.index.apply_changelog(partition.changelog[-1:], changelog_end=4)
        assert (trimmed.index.last_offset, trimmed.index.position.base) == (2, 2)
        assert restored.run_one(article(prose("b"), source="other.example"), offset=1).verdict.relation == "copy"


class TestChangelogIsLost:
    """Decisions up to a raw offset are no longer in the changelog."""

    def test_events_that_were_decided_then_are_rejected_and_later_ones_decided(self) -> None:
        partition = Partition(MemoryStore())
        lost, later = article(STORY, name="lost"), article(prose("b"), name="later")
        decided = decided_up_to([lost.origin])
        apply(partition, recovery(7, decided=decided))
        outcomes = partition.deliver([lost, later], offsets=[8, 9])
        assert [(outcome.result, outcome.code) for outcome in outcomes] == [
            ("rejected", "decision_lost"),
            ("new", None),
        ]
        assert isinstance(partition.changelog[-1], FingerprintEvent)
        assert partition.changelog[-1].previous == 7

    @pytest.mark.parametrize(("topic_id", "code"), [("old", "decision_lost"), ("new", None), (None, None)])
    def test_what_was_decided_is_known_by_the_id_of_its_raw_topic(self, topic_id: str | None, code: str | None) -> None:
        partition = Partition(MemoryStore())
        lost = article(STORY)
        origin = msgspec.structs.replace(lost.origin, topic_id="old", leader_epoch=0)
        apply(partition, recovery(7, decided=decided_up_to([origin])))
        event = msgspec.structs.replace(lost, origin=msgspec.structs.replace(origin, topic_id=topic_id))
        assert partition.deliver([event], offsets=[8])[0].code == code

    def test_a_takedown_that_was_decided_then_is_rejected(self) -> None:
        partition = Partition(MemoryStore())
        lost = takedown("a")
        apply(partition, recovery(7, decided=decided_up_to([lost.origin])))
        assert partition.deliver([lost], offsets=[8])[0].code == "decision_lost"

    def test_an_index_that_still_has_the_decision_publishes_it_again(self, partition: Partition) -> None:
        event = article(prose("b"), event="again")
        before = partition.run_one(event)
        apply(partition, recovery(2, decided=decided_up_to([event.origin])))
        assert partition.run_one(event, offset=3).verdict == before.verdict

    def test_an_index_that_is_ahead_of_the_recovery_repeats_what_it_decided(self, partition: Partition) -> None:
        event = article(prose("b"), event="again")
        before = partition.run_one(event)
        apply(partition, recovery(1))
        after = partition.run_one(event, offset=2)
        assert (after.is_repeat, after.verdict) == (True, before.verdict)


@given(
    st.lists(
        st.builds(
            Origin,
            topic=st.sampled_from(["raw", "a/b"]),
            partition=st.integers(0, 2),
            offset=st.integers(0, 9),
            item=st.none() | st.integers(0, 3),
            topic_id=st.none() | st.just("id"),
            leader_epoch=st.none() | st.integers(0, 2),
        ),
        max_size=8,
    )
)
def test_decided_up_to_names_each_partition_once_and_nothing_that_was_not_decided(origins: list[Origin]) -> None:
    decided = decided_up_to(origins)
    names = {(each.topic, each.partition) for each in decided}
    assert len(decided) == len(names)
    assert names == {(origin.topic, origin.partition) for origin in origins}
    for each in decided:
        assert any(
            (origin.topic, origin.partition, origin.offset) == (each.topic, each.partition, each.offset)
            for origin in origins
        )
