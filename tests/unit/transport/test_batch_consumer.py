"""What a consumer commits, how long its lease lasts, and what it forgets. No broker; the tests move the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any, cast

import faust
import pytest
from faust.types import TP, Message

from stream.core.contracts.events import ChangelogMark
from stream.core.contracts.records import LogId
from stream.core.log_position import LogState
from stream.errors import BrokerError, BrokerNotReady, LogWentBack
from stream.transport.commit_metadata import CommitMetadata, CommitNote
from stream.transport.memory.broker import MemoryBroker, StoredRecord
from stream.transport.memory.transport import MemoryBatchConsumer
from stream.transport.offset_tracker import FetchedRecords, PartitionStart
from stream.transport.record_batch import RecordBatch

TP0, TP1 = TP("t", 0), TP("t", 1)
SESSION_S = 60.0


async def ignore(*_: object) -> None:
    """Take whatever Faust passes."""


def records_of(tp: TP, start: int, end: int) -> FetchedRecords:
    """What a broker returns for ``tp`` from ``start`` to before ``end``."""
    records = [StoredRecord(tp.topic, tp.partition, offset, 7, None, b"v", ()) for offset in range(start, end)]
    return FetchedRecords(records, end)


class ScriptedConsumer(MemoryBatchConsumer):
    """A consumer whose broker is a few attributes; what Faust itself asks of a consumer is that of the memory broker.

    Attributes:
        now: What its clock shows, in seconds.
        starts: Where the assigned partitions start.
        fetches: What the next fetch returns.
        commits: What was committed, in order.
        metadata: What was committed along with it, likewise.
        answers: Whether the next commits succeed; those beyond the last succeed.
        states: What the broker says about each log, or its error.
        asked: The leader epochs that it was asked for.
        topic_ids: The topics that exist, or the broker's error.
        before_answer: Called while a commit is on its way.
    """

    now: float

    def __init__(self, app: faust.App) -> None:
        super().__init__(app.transport, ignore, ignore, ignore, clock=lambda: self.now)
        self.now = 1000.0
        self.starts: dict[TP, PartitionStart] = {}
        self.fetches: dict[TP, FetchedRecords] = {}
        self.commits: list[dict[TP, int]] = []
        self.metadata: list[dict[TP, str]] = []
        self.answers: list[bool] = []
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self.states: dict[TP, LogState] | BrokerError = {}
        self.asked: list[dict[TP, int | None]] = []
        self.topic_ids: dict[str, str] | BrokerError = {}
        self.wakes = 0
        self.ends: dict[TP, int] = {}

    async def fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        assert seconds >= 0
        if self.before_answer:
            await self.before_answer()
        return {tp: fetched for tp, fetched in self.fetches.items() if tp in positions}

    def assignment(self) -> set[TP]:
        return set(self.starts)

    def wake(self) -> None:
        self.wakes += 1

    async def find_starts(self) -> Mapping[TP, PartitionStart]:
        if self.before_answer:
            await self.before_answer()
        return self.starts

    async def commit_offsets(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        self.metadata.append(dict(metadata))
        self.commits.append(dict(offsets))
        if self.before_answer:
            await self.before_answer()
        return self.answers.pop(0) if self.answers else True

    def last_seen_end(self, tp: TP) -> int | None:
        return self.ends.get(tp)

    async def fetch_log_states(self, epochs: Mapping[TP, int | None]) -> Mapping[TP, LogState]:
        self.asked.append(dict(epochs))
        if isinstance(self.states, BrokerError):
            raise self.states
        return {tp: state for tp, state in self.states.items() if tp in epochs}

    async def fetch_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        if isinstance(self.topic_ids, BrokerError):
            raise self.topic_ids
        return {topic: topic_id for topic, topic_id in self.topic_ids.items() if topic in topics}

    async def highwaters(self, *partitions: TP) -> Any:
        return {tp: 100 + tp.partition for tp in partitions}

    async def assign(self, *partitions: TP) -> None:
        """Take over ``partitions``, from offset 0 on."""
        await self.on_partitions_assigned(set(partitions), 1)
        self.starts = {tp: PartitionStart(0, 0, 0) for tp in partitions}
        await self.perform_seek()

    def track(self, tp: TP = TP0, start: int = 0, end: int = 5) -> RecordBatch:
        """Hand out a batch of ``tp``."""
        batch = self.offset_tracker.track(tp, records_of(tp, start, end))
        assert batch is not None
        return batch

    def hand_out(self, batch: RecordBatch) -> Message:
        """Give ``batch`` to an agent, as Faust does, which counts it as unacknowledged while the message lives."""
        message = self._to_faust_message(batch)
        self.track_message(message)
        return message


@pytest.fixture
def app() -> Iterator[faust.App]:
    """Yield an app that is never started."""
    yield faust.App(
        "group",
        broker="memory://test-batch-consumer",
        broker_session_timeout=SESSION_S,
        broker_rebalance_timeout=100.0,
        store="memory://",
    )
    MemoryBroker.drop("test-batch-consumer")


@pytest.fixture
async def consumer(app: faust.App) -> ScriptedConsumer:
    """Return a consumer that is assigned one partition."""
    consumer = ScriptedConsumer(app)
    await consumer.assign(TP0)
    return consumer


class TestCommits:
    """A commit never says more than what is finished."""

    async def test_finished_offsets_are_committed_once(self, consumer: ScriptedConsumer) -> None:
        consumer.track().done()
        assert consumer.committable_offsets() == {TP0: 5}
        assert await consumer.commit_finished({TP0: 5})
        assert (consumer.commits, consumer.committable_offsets()) == ([{TP0: 5}], {})

    async def test_offsets_that_are_not_finished_are_left_out(self, consumer: ScriptedConsumer) -> None:
        await consumer.assign(TP0, TP1)
        consumer.track(TP0).done()
        consumer.track(TP1)
        assert await consumer.commit_finished({TP0: 5, TP1: 1})
        assert consumer.commits == [{TP0: 5}]

    async def test_nothing_is_committed_where_nothing_is_finished(self, consumer: ScriptedConsumer) -> None:
        consumer.track()
        assert not await consumer.commit_finished({TP0: 1})
        assert consumer.commits == []

    async def test_offsets_of_a_partition_that_was_revoked_are_left_out(self, consumer: ScriptedConsumer) -> None:
        assert not await consumer.commit_finished({TP1: 0})
        assert consumer.commits == []

    async def test_a_commit_that_failed_does_not_count(self, consumer: ScriptedConsumer) -> None:
        consumer.track().done()
        consumer.answers = [False]
        assert not await consumer.commit_finished({TP0: 5})
        assert consumer.committable_offsets() == {TP0: 5}

    async def test_a_commit_that_a_rebalance_overtook_does_not_count(self, consumer: ScriptedConsumer) -> None:
        async def rebalance() -> None:
            consumer.offset_tracker.restart({TP0: PartitionStart(0, 0, 0)})

        consumer.track().done()
        consumer.before_answer = rebalance
        await consumer.commit_finished({TP0: 5})
        consumer.track().done()
        assert consumer.committable_offsets() == {TP0: 5}

    async def test_the_log_and_the_note_of_the_app_go_with_every_commit(self, consumer: ScriptedConsumer) -> None:
        mark = ChangelogMark(topic_id="C" * 22, offset=7, event_id="ab12")
        log = LogId("A" * 22, 3)
        consumer.fetches = {TP0: records_of(TP0, 0, 5)._replace(log=log)}
        consumer.commit_notes[TP0] = CommitNote(mark, 2)
        async for _, message in consumer.getmany(0.0):
            cast("Any", message.value).done()
        await consumer.commit_finished({TP0: 5})
        await consumer.commit_finished({TP0: 5})
        assert [CommitMetadata.decode(committed[TP0]) for committed in consumer.metadata] == [
            CommitMetadata(*log, mark, 2)
        ] * 2

    async def test_what_was_committed_before_is_committed_again(self, consumer: ScriptedConsumer) -> None:
        metadata = CommitMetadata("A" * 22, 3, ChangelogMark(topic_id="C" * 22, offset=7, event_id="ab12"), 2)
        consumer.starts = {TP0: PartitionStart(7, 7, 9, metadata.log, metadata)}
        await consumer.perform_seek()
        await consumer.commit_finished({TP0: 7})
        assert consumer.metadata[-1] == {TP0: metadata.encode()}

    async def test_a_note_of_the_app_is_newer_than_what_was_committed(self, consumer: ScriptedConsumer) -> None:
        metadata = CommitMetadata("A" * 22, 3, ChangelogMark(topic_id="C" * 22, offset=7, event_id="ab12"), 2)
        consumer.commit_notes[TP0] = CommitNote(None, 9)
        consumer.starts = {TP0: PartitionStart(7, 7, 9, metadata.log, metadata)}
        await consumer.perform_seek()
        assert consumer.commit_notes == {TP0: CommitNote(None, 9)}

    async def test_notes_end_with_the_assignment(self, consumer: ScriptedConsumer) -> None:
        consumer.commit_notes[TP0] = CommitNote(None, 9)
        await consumer.assign(TP0)
        assert consumer.commit_notes == {}


class TestLease:
    """Outputs are published only while a commit proves that the group still counts this worker in."""

    async def test_a_commit_is_a_lease_for_half_a_session(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        assert await consumer.holds_lease(batch)
        consumer.now += SESSION_S / 2 - 0.1
        assert await consumer.holds_lease(batch)
        assert consumer.commits == [{TP0: 0}]
        consumer.now += 0.1
        assert await consumer.holds_lease(batch)
        assert consumer.commits == [{TP0: 0}, {TP0: 0}]

    async def test_a_lease_begins_when_the_commit_was_sent(self, consumer: ScriptedConsumer) -> None:
        """The group may have counted the session from any moment between request and answer."""

        async def answer_late() -> None:
            consumer.before_answer = None
            consumer.now += SESSION_S / 2

        batch = consumer.track()
        consumer.before_answer = answer_late
        assert await consumer.holds_lease(batch)
        assert len(consumer.commits) == 2

    async def test_a_commit_that_failed_is_no_lease(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        consumer.answers = [False]
        assert await consumer.holds_lease(batch)
        assert len(consumer.commits) == 2

    async def test_a_lease_ends_with_the_assignment(self, consumer: ScriptedConsumer) -> None:
        assert await consumer.holds_lease(consumer.track())
        await consumer.assign(TP0)
        assert await consumer.holds_lease(consumer.track())
        assert len(consumer.commits) == 2

    async def test_an_ended_lease_is_proved_again(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        await consumer.holds_lease(batch)
        consumer.end_lease()
        await consumer.holds_lease(batch)
        assert len(consumer.commits) == 2

    async def test_a_batch_of_an_earlier_assignment_has_no_lease(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        assert await consumer.holds_lease(batch)
        await consumer.assign(TP0)
        assert not await consumer.holds_lease(batch)

    async def test_a_batch_loses_its_lease_when_a_rebalance_overtakes_the_commit(
        self, consumer: ScriptedConsumer
    ) -> None:
        async def rebalance() -> None:
            consumer.before_answer = None
            await consumer.assign(TP0)

        batch = consumer.track()
        consumer.before_answer = rebalance
        assert not await consumer.holds_lease(batch)

    async def test_a_worker_that_stops_does_not_wait_for_a_lease(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        consumer.stop_flow()
        consumer.answers = [False]
        assert not await consumer.holds_lease(batch)
        assert len(consumer.commits) == 1


class TestDraining:
    """Running batches may finish when partitions are revoked, but not for ever."""

    async def test_running_batches_get_two_fifths_of_the_rebalance_timeout(self, consumer: ScriptedConsumer) -> None:
        assert (consumer.drain_timeout_s, consumer.lease_s) == (40.0, SESSION_S / 2)

    async def test_a_batch_that_takes_too_long_is_forgotten_at_once(
        self, consumer: ScriptedConsumer, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, second = consumer.track(), consumer.track(start=5, end=9)
        message = consumer.hand_out(second)
        first.done()
        consumer.drain_timeout_s = 0.0
        await consumer.wait_empty()
        assert consumer.commits == [{TP0: 5}]
        assert consumer.committable_offsets() == {}
        assert not await consumer.holds_lease(second)
        second.done()
        assert consumer.offset_tracker.finished_offsets() == {}
        assert "no longer waiting for running batches" in caplog.text
        assert not message.acked

    async def test_a_running_batch_may_finish_within_the_time(self, consumer: ScriptedConsumer) -> None:
        batch = consumer.track()
        message = consumer.hand_out(batch)

        def finish() -> None:
            batch.done()
            consumer.ack(message)

        consumer.drain_timeout_s = 0.9
        asyncio.get_running_loop().call_soon(finish)
        await consumer.wait_empty()
        assert consumer.commits == [{TP0: 5}]
        assert consumer.offset_tracker.finished_offsets() == {TP0: 5}

    async def test_what_is_finished_is_committed_and_stays_known(self, consumer: ScriptedConsumer) -> None:
        consumer.track().done()
        await consumer.wait_empty()
        assert consumer.commits == [{TP0: 5}]
        assert consumer.offset_tracker.finished_offsets() == {TP0: 5}

    async def test_revoked_partitions_are_forgotten(self, consumer: ScriptedConsumer) -> None:
        await consumer.on_partitions_revoked({TP0})
        assert consumer.progress() == {}


class TestAssignment:
    """Reading starts where the group is, and only the newest assignment counts."""

    async def test_reading_starts_at_the_offsets_of_the_group(self, consumer: ScriptedConsumer) -> None:
        consumer.starts = {TP0: PartitionStart(7, 7, 9)}
        await consumer.perform_seek()
        assert consumer.offset_tracker.fetch_positions([TP0]) == {TP0: 7}

    async def test_a_fetch_that_waits_is_ended_when_reading_starts(self, consumer: ScriptedConsumer) -> None:
        consumer.wakes = 0
        await consumer.perform_seek()
        assert consumer.wakes == 1

    async def test_starts_of_an_earlier_assignment_are_dropped(self, consumer: ScriptedConsumer) -> None:
        async def rebalance() -> None:
            consumer.offset_tracker.clear()

        consumer.before_answer = rebalance
        await consumer.perform_seek()
        assert consumer.offset_tracker.finished_offsets() == {}

    @pytest.mark.parametrize(("start", "is_logged"), [((7, 5, 9), True), ((7, 7, 9), False), ((7, None, 9), False)])
    async def test_records_that_were_deleted_unread_are_logged(
        self,
        start: tuple[int, int | None, int],
        is_logged: bool,
        consumer: ScriptedConsumer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        consumer.starts = {TP0: PartitionStart(*start)}
        await consumer.perform_seek()
        logs = [vars(record) for record in caplog.records]
        fields = [(log["message"], log["partition"], log["offset"], log["end_offset"]) for log in logs]
        assert fields == [("records were deleted before they were processed", 0, 5, 7)] * is_logged


async def handed_out(consumer: ScriptedConsumer) -> list[tuple[TP, list[int]]]:
    """What one fetch hands out: partitions and offsets."""
    messages = [(tp, cast("Any", message.value)) async for tp, message in consumer.getmany(0.0)]
    return [(tp, [record.offset for record in batch]) for tp, batch in messages]


class TestFetching:
    """What was fetched before a rebalance is not handed out after it."""

    async def test_a_fetch_is_handed_out_as_one_message_for_each_partition(self, consumer: ScriptedConsumer) -> None:
        await consumer.assign(TP0, TP1)
        consumer.fetches = {TP0: records_of(TP0, 0, 3), TP1: FetchedRecords([], 4)}
        assert await handed_out(consumer) == [(TP0, [0, 1, 2])]
        assert consumer.offset_tracker.finished_offsets() == {TP0: 0, TP1: 4}

    async def test_a_message_has_the_place_and_time_of_its_last_record(self, consumer: ScriptedConsumer) -> None:
        consumer.fetches = {TP0: records_of(TP0, 0, 3)}
        ((_, message),) = [item async for item in consumer.getmany(0.0)]
        place = (message.tp, message.topic, message.partition, message.offset, message.timestamp)
        assert place == (TP0, "t", 0, 2, 0.007)

    async def test_a_fetch_that_a_rebalance_overtook_is_dropped(self, consumer: ScriptedConsumer) -> None:
        async def rebalance() -> None:
            consumer.offset_tracker.restart({TP0: PartitionStart(0, 0, 0)})

        consumer.fetches = {TP0: records_of(TP0, 0, 3)}
        consumer.before_answer = rebalance
        assert await handed_out(consumer) == []
        assert consumer.offset_tracker.fetch_positions([TP0]) == {TP0: 0}

    async def test_a_fetch_is_dropped_when_the_flow_was_stopped_meanwhile(self, consumer: ScriptedConsumer) -> None:
        async def stop_flow() -> None:
            consumer.stop_flow()

        consumer.fetches = {TP0: records_of(TP0, 0, 3)}
        consumer.before_answer = stop_flow
        assert await handed_out(consumer) == []
        assert consumer.offset_tracker.fetch_positions([TP0]) == {TP0: 0}


A, B = "A" * 22, "B" * 22


def logged(caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    """The last message in the log, and the reason that it gives."""
    return caplog.records[-1].message, str(vars(caplog.records[-1])["reason"])


async def start_at(consumer: ScriptedConsumer, offset: int, log: LogId) -> None:
    """Start to read where the record before ``offset`` is of ``log``."""
    consumer.starts = {TP0: PartitionStart(offset, offset, offset, log, CommitMetadata(*log))}
    await consumer.perform_seek()
    consumer.asked.clear()


class TestLeaderEpochs:
    """Records of another leader epoch are handed out when the broker confirms that what was read is still there."""

    @pytest.mark.parametrize("epoch", [2, 4])
    async def test_records_of_another_epoch_are_handed_out_when_the_log_has_not_changed(
        self, epoch: int, consumer: ScriptedConsumer
    ) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.fetches = {TP0: records_of(TP0, 5, 7)._replace(log=LogId(A, epoch))}
        consumer.states = {TP0: LogState(A, epoch, 0, 7, 5)}
        assert await handed_out(consumer) == [(TP0, [5, 6])]
        assert consumer.asked == [{TP0: 3}]

    @pytest.mark.parametrize("epoch", [0, 1])
    async def test_the_first_epochs_are_confirmed_too(self, epoch: int, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, epoch))
        consumer.fetches = {TP0: records_of(TP0, 5, 7)._replace(log=LogId(A, epoch + 1))}
        consumer.states = {TP0: LogState(A, epoch + 1, 0, 7, 2)}
        with pytest.raises(LogWentBack):
            await handed_out(consumer)

    @pytest.mark.parametrize("first", [LogId(A, 3), LogId(A, -1)])
    async def test_records_of_the_same_epoch_need_no_question(self, first: LogId, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, first)
        consumer.fetches = {TP0: records_of(TP0, 5, 7)._replace(log=LogId(A, 3))}
        assert await handed_out(consumer) == [(TP0, [5, 6])]
        assert consumer.asked == []

    async def test_a_log_that_was_truncated_is_not_read_on(self, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.fetches = {TP0: records_of(TP0, 5, 7)._replace(log=LogId(A, 4))}
        consumer.states = {TP0: LogState(A, 4, 0, 7, 2)}
        with pytest.raises(LogWentBack) as raised:
            await handed_out(consumer)
        assert raised.value.kind == "truncated"
        assert consumer.log_change is raised.value

    async def test_nothing_is_committed_or_published_after_it(self, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.fetches = {TP0: records_of(TP0, 5, 6)._replace(log=LogId(A, 3))}
        ((_, message),) = [item async for item in consumer.getmany(0.0)]
        running = cast("RecordBatch", cast("Any", message.value))
        running.done()
        consumer.fetches = {TP0: records_of(TP0, 6, 8)._replace(log=LogId(A, 4))}
        consumer.states = {TP0: LogState(A, 4, 0, 8, 2)}
        with pytest.raises(LogWentBack):
            await handed_out(consumer)
        assert not await consumer.commit_finished({TP0: 6})
        assert not await consumer.holds_lease(running)
        assert consumer.commits == []

    async def test_records_wait_while_the_broker_does_not_confirm(
        self, consumer: ScriptedConsumer, caplog: pytest.LogCaptureFixture
    ) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.fetches = {TP0: records_of(TP0, 5, 7)._replace(log=LogId(A, 4))}
        consumer.states = BrokerNotReady("no leader")
        assert await handed_out(consumer) == []
        assert logged(caplog) == ("cannot check the logs", "no leader")
        consumer.states = {TP0: LogState(A, 4, 0, 7, 5)}
        assert await handed_out(consumer) == [(TP0, [5, 6])]


class TestTopicIds:
    """A topic that is deleted, or created again, ends the worker within seconds, also without records."""

    async def test_topics_that_stay_are_fine(self, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.topic_ids = {"t": A}
        await consumer.look_at_topics()

    @pytest.mark.parametrize("topic", ["t", "changelog"])
    async def test_a_topic_that_was_created_again_is_noticed(self, topic: str, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.watched_topics["changelog"] = A
        consumer.topic_ids = {"t": A, "changelog": A, topic: B}
        with pytest.raises(LogWentBack, match=f"deleted and created again with the id {B}") as raised:
            await consumer.look_at_topics()
        assert (raised.value.topic, raised.value.kind) == (topic, "recreated")
        assert consumer.log_change is raised.value

    async def test_a_topic_that_is_missing_three_times_in_a_row_was_deleted(self, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        for topic_ids in ({}, {}, {"t": A}, {}, {}):
            consumer.topic_ids = topic_ids
            await consumer.look_at_topics()
        with pytest.raises(LogWentBack, match="t: was read, but does not exist any more") as raised:
            await consumer.look_at_topics()
        assert raised.value.kind == "deleted"

    async def test_a_broker_that_does_not_answer_says_nothing_about_topics(
        self, consumer: ScriptedConsumer, caplog: pytest.LogCaptureFixture
    ) -> None:
        await start_at(consumer, 5, LogId(A, 3))
        consumer.topic_ids = BrokerNotReady("no broker")
        for _ in range(5):
            await consumer.look_at_topics()
        assert logged(caplog) == ("cannot check the topics", "no broker")

    async def test_a_topic_keeps_its_id_in_the_next_assignment(self, consumer: ScriptedConsumer) -> None:
        """Kafka forgets what was committed for a topic that is deleted."""
        await start_at(consumer, 5, LogId(A, 3))
        with pytest.raises(LogWentBack):
            await start_at(consumer, 0, LogId(B, -1))

    async def test_brokers_without_topic_ids_are_watched_for_deleted_topics(self, consumer: ScriptedConsumer) -> None:
        await start_at(consumer, 5, LogId("", -1))
        consumer.topic_ids = {"t": ""}
        await consumer.look_at_topics()


class TestProgress:
    """How far a partition is, and where it ends as far as this worker knows."""

    @pytest.mark.parametrize(
        ("seen", "is_asked", "end"),
        [(None, False, None), (7, False, 7), (None, True, 100), (7, True, 100), (120, True, 120)],
    )
    async def test_the_end_is_the_newest_that_is_known(
        self, seen: int | None, is_asked: bool, end: int | None, consumer: ScriptedConsumer
    ) -> None:
        if seen is not None:
            consumer.ends = {TP0: seen}
        if is_asked:
            await consumer.fetch_end_offsets()
        assert consumer.progress() == {TP0: (0, end)}
