"""Collects the timestamps of the newest records of a topic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from kafka import KafkaAdminClient, KafkaConsumer
from kafka import TopicPartition as KafkaTopicPartition
from kafka.admin import OffsetSpec

from stream.doctor.facts import NewestTimes, Offsets
from stream.kafka import topic_admin
from stream.settings import Settings

#: How long the last records may take to arrive. Behind a transaction marker there is none.
_READ_S: Final = 3.0
#: How far before the end to look for the last record: markers of transactions take offsets too.
_OFFSETS_BEFORE_END: Final = 3


def read_newest_times(
    client: KafkaAdminClient, settings: Settings, topic: str, offsets: Mapping[int, Offsets]
) -> dict[int, NewestTimes]:
    """The timestamps of the last record, and of the one with the latest timestamp, of each partition with records.

    Raises:
        KafkaError: The broker refuses; reading needs the permission to read the topic.
    """
    tps = [
        KafkaTopicPartition(topic, number) for number, bounds in sorted(offsets.items()) if bounds.end > bounds.begin
    ]
    if not tps:
        return {}
    latest = client.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.MAX_TIMESTAMP))
    last = _read_last_times(settings, tps, offsets)
    return {tp.partition: NewestTimes(last[tp], latest[tp].timestamp) for tp in tps if tp in last}


def _read_last_times(
    settings: Settings, tps: list[KafkaTopicPartition], offsets: Mapping[int, Offsets]
) -> dict[KafkaTopicPartition, int]:
    times: dict[KafkaTopicPartition, int] = {}
    consumer = topic_admin.connect(settings, KafkaConsumer, group_id=None, enable_auto_commit=False)
    try:
        consumer.assign(tps)
        for tp in tps:
            bounds = offsets[tp.partition]
            consumer.seek(tp, max(bounds.begin, bounds.end - _OFFSETS_BEFORE_END))
        deadline = time.monotonic() + _READ_S
        while any(consumer.position(tp) < offsets[tp.partition].end for tp in tps) and time.monotonic() < deadline:
            for tp, records in consumer.poll(timeout_ms=200).items():
                times[tp] = records[-1].timestamp
    finally:
        consumer.close()
    return times
