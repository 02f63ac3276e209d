"""The rejected topic on a real broker: order, times, ends, and what is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from stream.core.contracts.records import InputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS, LETTER, dead_letter
from stream.dead_letters.dead_letter import DeadLetter, RecordId, Wanted
from stream.dead_letters.requeue import Chosen, Rules, plan, put_back_all
from stream.dead_letters.topic_reader import RejectedTopicReader
from stream.errors import BrokerError, Rejected
from stream.settings import Settings

pytestmark = pytest.mark.kafka

TIME = 1_777_874_400_000


class Broker:
    """The topics of one test, and letters in them."""

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
        """Write the letter of an original at ``offset`` into a partition of the rejected topic."""
        record = InputRecord(self.topics.raw, origin, offset, TIME, b"k", value, (("n", b"%d" % offset),))
        letter = dead_letter(self.topics.rejected, record, "normalize", [(None, Rejected("invalid_json", "why"))])
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
        """What is in the raw topic."""
        there = [TopicPartition(self.topics.raw, partition) for partition in (0, 1)]
        found: list[Any] = []
        with KafkaConsumer(bootstrap_servers=self.settings.broker, auto_offset_reset="earliest") as reader:
            reader.assign(there)
            reader.seek_to_beginning()
            ends = reader.end_offsets(there)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for records in reader.poll(timeout_ms=200).values():
                    found += records
        return found


@pytest.fixture
def broker(kafka_broker: str, topic_prefix: str) -> Iterator[Broker]:
    """Yield a broker with a raw and a rejected topic."""
    made = Broker(kafka_broker, topic_prefix)
    yield made
    made.close()


def offsets(letters: Iterator[DeadLetter]) -> list[int]:
    """The offsets of the originals."""
    return [letter.origin.offset for letter in letters if letter.origin]


def chosen(box: RejectedTopicReader) -> list[Chosen]:
    """Everything that may be put back."""
    return list(plan(box.letters(box.spans()), Wanted(), Rules(box.topics, 3)).chosen)


def test_letters_come_in_the_order_of_their_time_up_to_the_end_as_it_was(broker: Broker) -> None:
    # One batch has one time: there the places of the originals tell.
    for offset, partition, time in ((4, 0, 2), (6, 0, 2), (3, 1, 2), (5, 1, 2), (9, 2, 3), (1, 2, 3), (0, 1, 7)):
        broker.reject(offset, partition, TIME + time)
    passed: list[int] = []
    with RejectedTopicReader(broker.settings) as box:
        spans = box.spans()
        broker.reject(99, 0, TIME + 1)
        assert offsets(box.letters(spans, passed.append)) == [3, 4, 5, 6, 9, 1, 0]
        assert sum(passed) == sum(span.length for span in spans.values()) == 7
        assert offsets(box.letters(box.spans(TIME + 3))) == [9, 1, 0]
        assert offsets(box.letters(box.spans(TIME + 8))) == []


def test_more_letters_than_one_poll_brings_all_come(broker: Broker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.settings.broker, linger_ms=50)
    for number in range(6000):
        headers = [("__errors.topic", b"t"), ("__errors.partition", b"0"), ("__errors.offset", b"%d" % number)]
        place = {"partition": number // 1000 % 3, "timestamp_ms": TIME + number // 2}
        producer.send(broker.topics.rejected, value=b"x" * 1000, headers=headers, **place)
    producer.flush()
    producer.close()
    with RejectedTopicReader(broker.settings) as box:
        assert offsets(box.letters(box.spans())) == list(range(6000))


def test_one_letter_is_found_by_its_place_unless_it_is_gone(broker: Broker) -> None:
    places = [broker.reject(offset, 2, TIME) for offset in range(3)]
    broker.admin.delete_records({TopicPartition(broker.topics.rejected, 2): 1})
    with RejectedTopicReader(broker.settings) as box:
        found = box.find(places[1])
        assert found is not None
        assert (found.place, offsets(iter([found]))) == (places[1], [1])
        assert box.find(places[0]) is None
        assert box.find(places[2]._replace(offset=3)) is None
        assert box.find(places[2]._replace(partition=1)) is None
        assert box.find(places[2]._replace(partition=3)) is None
        assert offsets(box.letters(box.around(places))) == [1, 2]


def test_what_is_put_back_stands_where_it_came_from_in_the_order_in_which_it_came(broker: Broker) -> None:
    places = {offset: broker.reject(offset, offset % 3, TIME, value=b"%d" % offset) for offset in (3, 4, 5, 6, 7)}
    with RejectedTopicReader(broker.settings) as box:
        sent = put_back_all(box, chosen(box))
        assert (sent.stored, sent.failure) == ({"invalid_json": 5}, None)
        found = broker.raw()
        assert [(record.partition, record.key, record.value) for record in found] == [
            (1, b"k", b"%d" % offset) for offset in (3, 4, 5, 6, 7)
        ]
        assert found[0].headers == [
            ("n", b"3"),
            ("ce_source", f"{broker.topics.raw}/1".encode()),
            ("ce_id", b"3"),
            (ATTEMPTS, b"1"),
            (LETTER, str(places[3]).encode()),
        ]


def test_the_raw_topic_tells_what_was_put_back(broker: Broker) -> None:
    # The records that are put back stand behind their originals: there the raw topic has to be read, and nowhere else.
    producer = KafkaProducer(bootstrap_servers=broker.settings.broker)
    for _ in range(4):
        producer.send(broker.topics.raw, value=b"{", partition=1).get(30)
    producer.close()
    places = [broker.reject(offset, 0, TIME) for offset in (1, 2, 3)]
    with RejectedTopicReader(broker.settings) as box:
        everything = chosen(box)
        put_back_all(box, everything[:2])
        spans = box.behind(one.origin for one in everything)
        assert {(tp.partition, *span) for tp, span in spans.items()} == {(1, 2, 6)}
        assert box.put_back(spans) == {str(place) for place in places[:2]}
        assert box.put_back(box.behind([])) == set()
        assert box.put_back(box.behind([RecordId("other", 1, 0)])) == set()


def test_a_partition_that_is_no_more_leaves_the_choice_to_the_key(broker: Broker) -> None:
    broker.reject(1, 0, TIME, origin=7)
    with RejectedTopicReader(broker.settings) as box:
        assert put_back_all(box, chosen(box)).stored.total() == 1
    assert [record.key for record in broker.raw()] == [b"k"]


def stop_after(count: int) -> tuple[Callable[[], bool], Callable[[int], None]]:
    """What is asked whether to stop, and what counts."""
    seen: list[int] = []
    return (lambda: len(seen) >= count), seen.append


def test_what_is_stopped_in_the_middle_tells_what_it_has_done(broker: Broker) -> None:
    for offset in range(5):
        broker.reject(offset, offset % 3, TIME)
    stopped, count = stop_after(2)
    with RejectedTopicReader(broker.settings) as box:
        everything = chosen(box)
    with RejectedTopicReader(broker.settings, stopped=stopped) as box:
        sent = put_back_all(box, everything, count)
    assert sent.stored.total() == 2
    assert sent.failure is None
    assert [dict(record.headers)["n"] for record in broker.raw()] == [b"0", b"1"]


def test_what_the_broker_refuses_ends_it_and_what_is_stored_is_told(broker: Broker) -> None:
    for offset, value in enumerate((b"{", b"x" * 5000, b"}")):
        broker.reject(offset, 0, TIME, value=value)
    with RejectedTopicReader(broker.settings) as box:
        sent = put_back_all(box, chosen(box))
    assert sent.failure is not None
    assert sent.stored.total() == len(broker.raw())
    assert b"x" * 5000 not in [record.value for record in broker.raw()]


def test_topics_that_are_missing_are_told_and_not_made(kafka_broker: str, topic_prefix: str, broker: Broker) -> None:
    lost = Settings(broker=kafka_broker, topic_prefix=f"{topic_prefix}lost-")
    message = f"{lost.topics.rejected} does not exist on {kafka_broker}; run: stream topics"
    for _ in range(2):
        with pytest.raises(BrokerError, match=message), RejectedTopicReader(lost):
            pass
    broker.reject(1, 0, TIME)
    with RejectedTopicReader(broker.settings) as box:
        everything = chosen(box)
        elsewhere = [Chosen(one.place, RecordId(lost.topics.raw, 0, 1), one.code, one.time) for one in everything]
        with pytest.raises(BrokerError, match=f"{lost.topics.raw} does not exist"):
            put_back_all(box, elsewhere)
        assert box.put_back(box.behind([])) == set()
