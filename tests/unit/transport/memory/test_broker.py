"""The broker in memory: topics, records, consumer groups. No Faust."""

from __future__ import annotations

import threading

import pytest
from faust.types import TP

from stream.core.contracts.records import LogId, OutputRecord
from stream.core.log_position import LogState
from stream.transport.errors import (
    NotAMemberError,
    RecordTooLargeError,
    StaleGenerationError,
    TopicExistsError,
    UnknownTopicError,
)
from stream.transport.memory.broker import MemoryBroker
from tests.support.transports import numbered_records


def awake() -> bool:
    """A member that can be woken."""
    return True


def ended() -> bool:
    """A member whose event loop has ended."""
    return False


@pytest.fixture
def broker() -> MemoryBroker:
    """Return a broker with a topic of four partitions."""
    made = MemoryBroker()
    made.create_topic("t", 4)
    return made


def test_topics_are_never_created_by_use(broker: MemoryBroker) -> None:
    with pytest.raises(UnknownTopicError):
        broker.produce(OutputRecord("other", b"k", b"v"))
    with pytest.raises(UnknownTopicError):
        broker.produce(OutputRecord("t", b"k", b"v", partition=4))
    with pytest.raises(UnknownTopicError):
        broker.bounds(TP("t", -1))
    with pytest.raises(UnknownTopicError):
        broker.enter("g", "m", ["other"], awake)
    with pytest.raises(TopicExistsError):
        broker.create_topic("t", 4)
    with pytest.raises(ValueError, match="at least one"):
        broker.create_topic("empty", 0)
    assert broker.topics() == {"t": 4}


def test_each_partition_counts_its_own_offsets(broker: MemoryBroker) -> None:
    stored = broker.produce_all(numbered_records("t", range(20), partition=1))
    assert [metadata.offset for metadata in stored] == list(range(20))
    assert broker.bounds(TP("t", 1)) == (0, 20)
    assert broker.bounds(TP("t", 0)) == (0, 0)
    assert [record.offset for record in broker.records("t", 1, 18)] == [18, 19]
    assert len(broker.records("t")) == 20


def test_records_without_a_key_are_spread_round_robin(broker: MemoryBroker) -> None:
    stored = [broker.produce(OutputRecord("t", None, b"v")) for _ in range(6)]
    assert [metadata.partition for metadata in stored] == [0, 1, 2, 3, 0, 1]


def test_a_record_is_stored_unchanged(broker: MemoryBroker) -> None:
    broker.produce(OutputRecord("t", b"k", None, (("h", b"x"),), 2), timestamp=123)
    (record,) = broker.records("t", 2)
    assert (record.key, record.value, record.headers, record.timestamp) == (b"k", None, (("h", b"x"),), 123)


def test_a_batch_with_a_bad_record_stores_nothing(broker: MemoryBroker) -> None:
    broker.create_topic("small", 1, {"max.message.bytes": "500"})
    with pytest.raises(RecordTooLargeError) as raised:
        broker.produce_all([OutputRecord("small", b"", b"v"), OutputRecord("small", b"", b"v" * 500)])
    assert raised.value.index == 1
    assert broker.bounds(TP("small", 0)) == (0, 0)


def test_trimming_keeps_the_offsets(broker: MemoryBroker) -> None:
    broker.produce_all(numbered_records("t", range(10), partition=0))
    broker.trim(TP("t", 0), 4)
    assert broker.bounds(TP("t", 0)) == (4, 10)
    assert [record.offset for record in broker.read(TP("t", 0), 0, 3)] == [4, 5, 6]
    broker.trim(TP("t", 0), 2)
    broker.trim(TP("t", 0), 99)
    assert broker.bounds(TP("t", 0)) == (10, 10)
    assert broker.produce(OutputRecord("t", b"", b"", partition=0)).offset == 10


def test_apps_with_the_same_name_share_a_broker() -> None:
    first = MemoryBroker.get_or_create("a-test-of-names")
    assert MemoryBroker.get_or_create("A-Test-of-Names") is first
    MemoryBroker.drop("a-test-of-names")
    assert MemoryBroker.get_or_create("a-test-of-names") is not first
    MemoryBroker.drop("a-test-of-names")


def partitions(broker: MemoryBroker, member: str, topic: str = "t") -> set[int]:
    """The partitions of a topic that a member owns."""
    assignment = broker.assignment("g", member)
    assert assignment is not None
    return {tp.partition for tp in assignment.partitions if tp.topic == topic}


def test_partitions_are_assigned_round_robin_to_subscribers(broker: MemoryBroker) -> None:
    broker.create_topic("u", 2)
    broker.enter("g", "one", ["t"], awake)
    broker.enter("g", "two", ["t", "u"], awake)
    broker.enter("g", "one", ["t"], awake)
    assert partitions(broker, "one") == {0, 2}
    assert partitions(broker, "two") == {1, 3}
    assert partitions(broker, "one", "u") == set()
    assert partitions(broker, "two", "u") == {0, 1}


def test_a_generation_begins_when_all_members_have_entered(broker: MemoryBroker) -> None:
    broker.enter("g", "one", ["t"], awake)
    first = broker.assignment("g", "one")
    assert first is not None
    assert not broker.must_give_up("g", "one", first.generation)

    broker.enter("g", "two", ["t"], awake)
    assert broker.must_give_up("g", "one", first.generation)
    assert broker.assignment("g", "two") is None
    # Until it has given up, a member may still commit what it finishes.
    broker.commit("g", {TP("t", 0): 5}, "one", first.generation)

    broker.enter("g", "one", ["t"], awake)
    second = broker.assignment("g", "one")
    assert second is not None
    assert second.generation == first.generation + 1
    with pytest.raises(StaleGenerationError):
        broker.commit("g", {TP("t", 0): 6}, "one", first.generation)
    with pytest.raises(NotAMemberError):
        broker.commit("g", {TP("t", 0): 6}, "three", second.generation)
    with pytest.raises(NotAMemberError):
        broker.commit("g", {TP("t", 0): 6})
    assert broker.committed("g", TP("t", 0)) == 5


def test_offsets_outlive_the_members(broker: MemoryBroker) -> None:
    broker.enter("g", "one", ["t"], awake)
    broker.leave("g", "one")
    broker.commit("g", {TP("t", 3): 8})
    assert broker.committed("g", TP("t", 3)) == 8
    assert broker.committed("other", TP("t", 3)) is None


def test_members_that_do_not_enter_again_are_expelled(broker: MemoryBroker) -> None:
    broker.enter("g", "one", ["t"], awake)
    broker.enter("g", "two", ["t"], awake)
    broker.expel_missing("g")
    assert broker.members("g") == ["two"]
    assert partitions(broker, "two") == {0, 1, 2, 3}
    with pytest.raises(NotAMemberError):
        broker.assignment("g", "one")


def test_members_whose_loop_has_ended_are_removed(broker: MemoryBroker) -> None:
    broker.enter("g", "one", ["t"], ended)
    broker.enter("g", "two", ["t"], awake)
    assert broker.members("g") == ["two"]
    assert partitions(broker, "two") == {0, 1, 2, 3}


def test_writes_of_several_threads_keep_all_records(broker: MemoryBroker) -> None:
    def write(number: int) -> None:
        for _ in range(500):
            broker.produce(OutputRecord("t", None, b"%d" % number, partition=0))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [record.offset for record in broker.records("t", 0)] == list(range(2000))


class TestLogs:
    """Which log a record is in: topic ids and leader epochs."""

    def test_topic_ids_look_like_kafka_s_and_are_the_same_in_every_run(self, broker: MemoryBroker) -> None:
        broker.create_topic("one", 1)
        broker.create_topic("two", 1)
        again = MemoryBroker()
        again.create_topic("t", 4)
        again.create_topic("one", 1)
        again.create_topic("two", 1)
        ids = broker.topic_ids()
        assert ids == again.topic_ids()
        assert {len(topic_id) for topic_id in ids.values()} == {22}
        assert ids["one"] != ids["two"]

    def test_a_topic_that_is_recreated_has_another_id_and_no_records(self, broker: MemoryBroker) -> None:
        broker.produce(OutputRecord("t", None, b"v", (), 1))
        before = broker.topic_ids()["t"]
        broker.recreate_topic("t")
        assert broker.topic_ids()["t"] != before
        assert (broker.topics()["t"], broker.bounds(TP("t", 1))) == (4, (0, 0))

    def test_a_truncated_log_goes_on_in_a_new_leader_epoch(self, broker: MemoryBroker) -> None:
        tp, topic_id = TP("t", 0), broker.topic_ids()["t"]
        broker.produce_all([OutputRecord("t", None, b"v", (), 0)] * 10)
        broker.truncate(tp, 6)
        broker.produce_all([OutputRecord("t", None, b"w", (), 0)] * 3)
        assert broker.log_states({tp: 0}) == {tp: LogState(topic_id, 1, 0, 9, 6)}
        assert broker.log_states({tp: 1}) == {tp: LogState(topic_id, 1, 0, 9, 9)}
        assert broker.log_states({tp: 2}) == {tp: LogState(topic_id, 1, 0, 9, -1)}
        assert broker.log_states({tp: None, TP("t", 4): 0, TP("absent", 0): 0}) == {
            tp: LogState(topic_id, 1, 0, 9, None)
        }

    def test_records_of_two_leader_epochs_are_not_fetched_together(self, broker: MemoryBroker) -> None:
        tp, topic_id = TP("t", 0), broker.topic_ids()["t"]
        broker.produce_all([OutputRecord("t", None, b"v", (), 0)] * 4)
        broker.truncate(tp, 4)
        broker.produce_all([OutputRecord("t", None, b"w", (), 0)] * 2)
        fetches = [broker.fetch(tp, start, 10, 1000) for start in (0, 4)]
        assert [([record.offset for record in records], log) for records, log in fetches] == [
            ([0, 1, 2, 3], LogId(topic_id, 0)),
            ([4, 5], LogId(topic_id, 1)),
        ]

    def test_metadata_is_committed_along_with_offsets(self, broker: MemoryBroker) -> None:
        broker.commit("g", {TP("t", 0): 1}, metadata={TP("t", 0): "note"})
        assert broker.committed_metadata("g", TP("t", 0)) == "note"
        broker.commit("g", {TP("t", 0): 2})
        assert broker.committed_metadata("g", TP("t", 0)) == ""
