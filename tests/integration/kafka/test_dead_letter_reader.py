"""The rejected topic on a real broker: order, ranges, look-ups and requeueing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from stream.core.contracts.cloudevents import ORIGIN_HEADER
from stream.core.contracts.records import InputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, DEAD_LETTER_HEADER, build_dead_letter
from stream.dead_letters.parsed_dead_letter import DeadLetter, DeadLetterFilter, RecordId
from stream.dead_letters.requeue import RequeueRules, Selected, plan_requeue, requeue_all
from stream.dead_letters.topic_reader import RejectedTopicReader
from stream.errors import BrokerError, Rejected
from stream.settings import Settings

pytestmark = pytest.mark.kafka

TIME = 1_777_874_400_000


class Broker:
    """The topics of one test, with dead letters."""

    def __init__(self, address: str, prefix: str) -> None:
        self.settings = Settings(broker=address, topic_prefix=prefix)
        self.topics = self.settings.topics
        self.admin = KafkaAdminClient(bootstrap_servers=address)
        self._producer = KafkaProducer(bootstrap_servers=address)
        config = {"max.message.bytes": "2000", "retention.ms": "-1"}
        self.admin.create_topics(
            [
                NewTopic(self.topics.raw, num_partitions=2, replication_factor=1, topic_configs=config),
                NewTopic(
                    self.topics.rejected,
                    num_partitions=3,
                    replication_factor=1,
                    topic_configs={"retention.ms": "-1"},
                ),
            ]
        )

    def close(self) -> None:
        """Close the connections."""
        self._producer.close()
        self.admin.close()

    def reject(self, offset: int, partition: int, time: int, *, value: bytes = b"{", origin: int = 1) -> RecordId:
        """Write the dead letter of an original at ``offset`` to a partition of the rejected topic."""
        record = InputRecord(self.topics.raw, origin, offset, TIME, b"k", value, (("n", b"%d" % offset),))
        letter = build_dead_letter(self.topics.rejected, record, "normalize", [(None, Rejected("invalid_json", "why"))])
        stored = self._producer.send(
            letter.topic,
            value=letter.value,
            key=letter.key,
            headers=list(letter.headers),
            partition=partition,
            timestamp_ms=time,
        ).get(30)
        return RecordId(letter.topic, stored.partition, stored.offset)

    def raw(self) -> list[Any]:
        """The records of the raw topic."""
        partitions = [TopicPartition(self.topics.raw, partition) for partition in (0, 1)]
        everything: list[Any] = []
        with KafkaConsumer(bootstrap_servers=self.settings.broker, auto_offset_reset="earliest") as reader:
            reader.assign(partitions)
            reader.seek_to_beginning()
            ends = reader.end_offsets(partitions)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for records in reader.poll(timeout_ms=200).values():
                    everything += records
        return everything


@pytest.fixture
def broker(kafka_broker: str, topic_prefix: str) -> Iterator[Broker]:
    """Yield a broker with a raw and a rejected topic."""
    made = Broker(kafka_broker, topic_prefix)
    yield made
    made.close()


def offsets(letters: Iterator[DeadLetter]) -> list[int]:
    """The offsets of the originals."""
    return [letter.origin.offset for letter in letters if letter.origin]


def select_all(reader: RejectedTopicReader) -> list[Selected]:
    """Everything that may be requeued."""
    return list(plan_requeue(reader.read(reader.ranges()), DeadLetterFilter(), RequeueRules(reader.topics, 3)).selected)


def test_dead_letters_are_read_in_order_of_time_up_to_the_end_at_the_start(broker: Broker) -> None:
    # The dead letters of one batch have one time: the coordinates of their originals decide.
    for offset, partition, time in ((4, 0, 2), (6, 0, 2), (3, 1, 2), (5, 1, 2), (9, 2, 3), (1, 2, 3), (0, 1, 7)):
        broker.reject(offset, partition, TIME + time)
    passed: list[int] = []
    with RejectedTopicReader(broker.settings) as reader:
        spans = reader.ranges()
        broker.reject(99, 0, TIME + 1)
        assert offsets(reader.read(spans, passed.append)) == [3, 4, 5, 6, 9, 1, 0]
        assert sum(passed) == sum(span.length for span in spans.values()) == 7
        assert offsets(reader.read(reader.ranges(TIME + 3))) == [9, 1, 0]
        assert offsets(reader.read(reader.ranges(TIME + 8))) == []


def test_dead_letters_of_many_fetches_are_all_read(broker: Broker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.settings.broker, linger_ms=50)
    for number in range(6000):
        headers = [("__errors.topic", b"t"), ("__errors.partition", b"0"), ("__errors.offset", b"%d" % number)]
        position = {"partition": number // 1000 % 3, "timestamp_ms": TIME + number // 2}
        producer.send(broker.topics.rejected, value=b"x" * 1000, headers=headers, **position)
    producer.flush()
    producer.close()
    with RejectedTopicReader(broker.settings) as reader:
        assert offsets(reader.read(reader.ranges())) == list(range(6000))


def test_a_dead_letter_is_found_by_its_id_unless_it_was_deleted(broker: Broker) -> None:
    record_ids = [broker.reject(offset, 2, TIME) for offset in range(3)]
    broker.admin.delete_records({TopicPartition(broker.topics.rejected, 2): 1})
    with RejectedTopicReader(broker.settings) as reader:
        match = reader.find(record_ids[1])
        assert match is not None
        assert (match.record_id, offsets(iter([match]))) == (record_ids[1], [1])
        assert reader.find(record_ids[0]) is None
        assert reader.find(record_ids[2]._replace(offset=3)) is None
        assert reader.find(record_ids[2]._replace(partition=1)) is None
        assert reader.find(record_ids[2]._replace(partition=3)) is None
        assert offsets(reader.read(reader.ranges_covering(record_ids))) == [1, 2]


def test_requeued_records_go_to_their_partition_in_their_original_order(broker: Broker) -> None:
    record_ids = {offset: broker.reject(offset, offset % 3, TIME, value=b"%d" % offset) for offset in (3, 4, 5, 6, 7)}
    with RejectedTopicReader(broker.settings) as reader:
        sent = requeue_all(reader, select_all(reader))
        assert (sent.stored, sent.failure) == ({"invalid_json": 5}, None)
        records = broker.raw()
        assert [(record.partition, record.key, record.value) for record in records] == [
            (1, b"k", b"%d" % offset) for offset in (3, 4, 5, 6, 7)
        ]
        assert records[0].headers == [
            ("n", b"3"),
            (ATTEMPTS_HEADER, b"1"),
            (DEAD_LETTER_HEADER, str(record_ids[3]).encode()),
            (ORIGIN_HEADER, f"{broker.topics.raw}/1///3".encode()),
        ]


def test_requeued_ids_are_read_from_the_raw_topic(broker: Broker) -> None:
    # Requeued records come after their originals, so only that part of the raw topic is read.
    producer = KafkaProducer(bootstrap_servers=broker.settings.broker)
    for _ in range(4):
        producer.send(broker.topics.raw, value=b"{", partition=1).get(30)
    producer.close()
    record_ids = [broker.reject(offset, 0, TIME) for offset in (1, 2, 3)]
    with RejectedTopicReader(broker.settings) as reader:
        everything = select_all(reader)
        requeue_all(reader, everything[:2])
        spans = reader.raw_ranges_after(one.origin for one in everything)
        assert {(tp.partition, *span) for tp, span in spans.items()} == {(1, 2, 6)}
        assert reader.requeued_ids(spans) == {str(record_id) for record_id in record_ids[:2]}
        assert reader.requeued_ids(reader.raw_ranges_after([])) == set()
        assert reader.requeued_ids(reader.raw_ranges_after([RecordId("other", 1, 0)])) == set()


def test_the_key_chooses_the_partition_if_the_original_one_no_longer_exists(broker: Broker) -> None:
    broker.reject(1, 0, TIME, origin=7)
    with RejectedTopicReader(broker.settings) as reader:
        assert requeue_all(reader, select_all(reader)).stored.total() == 1
    assert [record.key for record in broker.raw()] == [b"k"]


def stop_after(count: int) -> tuple[Callable[[], bool], Callable[[int], None]]:
    """A function that returns True after ``count`` calls of the second one."""
    seen: list[int] = []
    return (lambda: len(seen) >= count), seen.append


def test_a_stopped_run_reports_what_was_stored(broker: Broker) -> None:
    for offset in range(5):
        broker.reject(offset, offset % 3, TIME)
    is_stopped, count = stop_after(2)
    with RejectedTopicReader(broker.settings) as reader:
        everything = select_all(reader)
    with RejectedTopicReader(broker.settings, is_stopped=is_stopped) as reader:
        sent = requeue_all(reader, everything, count)
    assert sent.stored.total() == 2
    assert sent.failure is None
    assert [dict(record.headers)["n"] for record in broker.raw()] == [b"0", b"1"]


def test_a_refused_record_ends_the_run_and_reports_what_was_stored(broker: Broker) -> None:
    for offset, value in enumerate((b"{", b"x" * 5000, b"}")):
        broker.reject(offset, 0, TIME, value=value)
    with RejectedTopicReader(broker.settings) as reader:
        sent = requeue_all(reader, select_all(reader))
    assert sent.failure is not None
    assert sent.stored.total() == len(broker.raw())
    assert b"x" * 5000 not in [record.value for record in broker.raw()]


def test_missing_topics_are_reported_and_not_created(kafka_broker: str, topic_prefix: str, broker: Broker) -> None:
    lost = Settings(broker=kafka_broker, topic_prefix=f"{topic_prefix}lost-")
    message = f"topic {lost.topics.rejected} does not exist on {kafka_broker}; run: stream topics"
    for _ in range(2):
        with pytest.raises(BrokerError, match=message), RejectedTopicReader(lost):
            pass
    broker.reject(1, 0, TIME)
    with RejectedTopicReader(broker.settings) as reader:
        everything = select_all(reader)
        elsewhere = [Selected(one.record_id, RecordId(lost.topics.raw, 0, 1), one.code, one.time) for one in everything]
        with pytest.raises(BrokerError, match=f"{lost.topics.raw} does not exist"):
            requeue_all(reader, elsewhere)
        assert reader.requeued_ids(reader.raw_ranges_after([])) == set()
