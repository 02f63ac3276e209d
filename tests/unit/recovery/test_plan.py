"""What to do for each log that went back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stream.core.contracts.events import ChangelogMark, DecidedUpTo, RecoveryEvent
from stream.core.log_position import LogState
from stream.recovery.facts import CommittedOffset, IndexFacts, InputFacts
from stream.recovery.plan import Recovery, find_changed_logs, plan_recovery
from stream.transport.commit_metadata import CommitMetadata

CHANGELOG = "fingerprints"
MARK = ChangelogMark(topic_id="C", offset=70, event_id="ab" * 16)
DECIDED = [DecidedUpTo(topic="raw", partition=2, offset=44)]


def committed(offset: int, *, log: str = "N", epoch: int = 3, mark: ChangelogMark | None = None) -> CommittedOffset:
    return CommittedOffset(offset, CommitMetadata(log, epoch, mark))


def last(offset: int, *, base: int = 0, log: str | None = "N/3") -> RecoveryEvent:
    """A changelog record; of its kind, only these fields matter."""
    return RecoveryEvent(event_id="cd" * 16, offset=offset, base=base, log=log)


def index(state: LogState, **changed: Any) -> IndexFacts:
    """An index that has decided up to offset 99; its changelog has 71 records."""
    facts = IndexFacts(
        InputFacts("normalized", 1, committed(100, mark=MARK), state), state, LogState("C", 0, 0, 71, None), last(99)
    )
    return changed_facts(facts, **changed)


def changed_facts(facts: IndexFacts, **changed: Any) -> IndexFacts:
    return IndexFacts(**{name: changed.get(name, getattr(facts, name)) for name in facts.__slots__})


def plan(*indexes: IndexFacts, raw: tuple[InputFacts, ...] = ()) -> list[Recovery]:
    return plan_recovery(raw, indexes, changelog=CHANGELOG)


SAME = LogState("N", 4, 0, 130, epoch_end=110)


def test_logs_that_are_those_that_were_read_need_nothing() -> None:
    raw = InputFacts("raw", 0, committed(7), LogState("N", 3, 0, 9, epoch_end=9))
    assert plan(index(SAME), raw=(raw, InputFacts("raw", 1, None, LogState("N", 0, 0, 0, None)))) == []


class TestRawTopic:
    """The raw topic went back."""

    def test_a_topic_that_was_created_again_is_read_from_its_beginning(self) -> None:
        (recovery,) = plan(raw=(InputFacts("raw", 0, committed(7), LogState("M", 0, 2, 9, epoch_end=None)),))
        assert (recovery.topic, recovery.partition, recovery.offset) == ("raw", 0, 2)
        assert recovery.metadata == CommitMetadata("M", -1)
        assert recovery.event is None

    def test_a_log_that_lost_its_end_is_read_from_where_it_differs(self) -> None:
        (recovery,) = plan(raw=(InputFacts("raw", 0, committed(7), LogState("N", 4, 0, 9, epoch_end=5)),))
        assert (recovery.offset, recovery.metadata) == (5, CommitMetadata("N", 3))
        assert [change.kind for change in recovery.changes] == ["truncated"]


class TestNormalizedTopic:
    """The normalized topic went back: offsets in the index go on growing."""

    @pytest.mark.parametrize(
        ("state", "offset", "base"),
        [
            (LogState("M", 0, 0, 9, None), 0, 100),
            (LogState("M", 0, 4, 9, None), 4, 96),
            (LogState("N", 4, 0, 60, 50), 50, 50),
        ],
    )
    def test_the_next_record_follows_the_last_decision(self, state: LogState, offset: int, base: int) -> None:
        (recovery,) = plan(index(state))
        assert (recovery.offset, recovery.metadata.base) == (offset, base)
        assert recovery.event is not None
        assert (recovery.event.offset, recovery.event.base) == (99, base)
        assert offset + base == recovery.event.offset + 1
        assert recovery.event.lost_mark is None

    def test_what_was_decided_but_not_committed_counts(self) -> None:
        truncated = LogState("N", 4, 0, 60, epoch_end=55)
        facts = InputFacts("normalized", 1, committed(50), truncated)
        (recovery,) = plan(IndexFacts(facts, truncated, SAME, last(57)))
        # Offsets 50 to 54 are consumed again, and known to the index; 55 is new.
        assert (recovery.offset, recovery.metadata.base) == (50, 58 - 55)

    def test_a_topic_whose_committed_offset_was_deleted_with_it_is_noticed_by_the_changelog(self) -> None:
        recreated = LogState("M", 0, 0, 9, None)
        (recovery,) = plan(IndexFacts(InputFacts("normalized", 1, None, recreated), recreated, SAME, last(99)))
        assert (recovery.offset, recovery.metadata.base) == (0, 100)

    def test_a_second_recovery_continues_the_first(self) -> None:
        facts = index(LogState("L", 0, 0, 9, None), last=last(120, base=100, log="M/0"))
        (recovery,) = plan(facts)
        assert (recovery.offset, recovery.metadata.base) == (0, 121)

    def test_after_the_recovery_nothing_is_left_to_do(self) -> None:
        state = LogState("M", 0, 0, 9, None)
        (recovery,) = plan(index(state))
        done = CommittedOffset(recovery.offset, recovery.metadata)
        assert plan(IndexFacts(InputFacts("normalized", 1, done, state), state, SAME, recovery.event)) == []

    def test_a_recovery_that_was_interrupted_is_the_same_when_it_is_repeated(self) -> None:
        state = LogState("M", 0, 0, 9, None)
        (first,) = plan(index(state))
        (again,) = plan(index(state, last=first.event))
        assert (again.offset, again.metadata) == (first.offset, first.metadata)
        assert again.event == first.event


class TestChangelog:
    """The changelog went back."""

    def test_decisions_that_are_lost_are_not_made_again(self) -> None:
        (recovery,) = plan(index(SAME, last=last(60), holds_mark=False, decided=DECIDED))
        assert recovery.event is not None
        assert (recovery.event.offset, recovery.event.base, recovery.event.decided) == (99, 0, DECIDED)
        assert recovery.event.lost_mark == MARK
        assert (recovery.offset, recovery.metadata) == (100, CommitMetadata("N", 3, None, 0))
        assert [(change.topic, change.kind) for change in recovery.changes] == [(CHANGELOG, "truncated")]

    def test_what_was_decided_in_a_later_leader_epoch_than_that_of_the_commit_is_not_missed(self) -> None:
        """A worker stored decisions in a changelog that had lost its end, and stopped before it could commit."""
        ends = {3: 110, 4: 130}

        def facts(newest: RecoveryEvent) -> IndexFacts:
            states = [SAME._replace(epoch_end=ends[epoch]) for epoch in (3, int((newest.log or "").rpartition("/")[2]))]
            collected = InputFacts("normalized", 1, committed(100, mark=MARK), states[0])
            return IndexFacts(collected, states[1], LogState("C", 0, 0, 71, None), newest, holds_mark=False)

        (recovery,) = plan(facts(last(119, log="N/4")))
        assert recovery.event is not None
        assert (recovery.event.offset, recovery.event.log) == (119, "N/4")
        assert [change.topic for change in recovery.changes] == [CHANGELOG]
        (again,) = plan(facts(recovery.event))
        assert again.event == recovery.event

    def test_an_empty_changelog_keeps_the_base_that_was_committed(self) -> None:
        metadata = CommitMetadata("N", 3, MARK, 40)
        facts = InputFacts("normalized", 1, CommittedOffset(100, metadata), SAME)
        (recovery,) = plan(IndexFacts(facts, SAME, LogState("D", 0, 0, 0, None), None, holds_mark=False))
        assert recovery.event is not None
        assert (recovery.event.offset, recovery.metadata.base) == (139, 40)
        assert [change.kind for change in recovery.changes] == ["recreated"]

    def test_it_may_go_back_together_with_the_normalized_topic(self) -> None:
        (recovery,) = plan(index(LogState("M", 0, 0, 9, None), last=None, holds_mark=False))
        assert [change.topic for change in recovery.changes] == ["normalized", CHANGELOG]
        assert recovery.event is not None
        assert (recovery.event.offset, recovery.metadata.base, recovery.offset) == (99, 100, 0)


def test_changed_logs_are_those_of_all_recoveries() -> None:
    raw = InputFacts("raw", 0, committed(7), LogState("M", 0, 0, 9, None))
    facts = index(LogState("M", 0, 0, 9, None), last=None, holds_mark=False)
    changed = find_changed_logs([raw], [facts], changelog=CHANGELOG)
    assert [(each.topic, each.partition) for each in changed] == [("raw", 0), ("normalized", 1), (CHANGELOG, 1)]


def test_metadata_of_a_recovery_is_short_enough_for_kafka() -> None:
    (recovery,) = plan(index(LogState("M" * 22, 2**31 - 1, 0, 2**62, None)))
    metadata = msgspec.structs.replace(recovery.metadata, changelog=msgspec.structs.replace(MARK, topic_id="C" * 22))
    assert len(metadata.encode()) < 1024
