"""A record batch that expands beyond the bound becomes a dead letter, and what follows it is processed."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it ships no types

from stream.kafka.record_batches import DECOMPRESSED_BYTES_MAX
from tests.support.articles import BRIDGE, article, dumps
from tests.support.flow import Site, headers

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("backend", ["kafka"], indirect=True)
async def test_a_bomb_is_one_dead_letter_and_the_next_record_is_processed(site: Site, kafka_broker: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_broker, compression_type="zstd", max_request_size=2 * DECOMPRESSED_BYTES_MAX
    )
    await producer.start()
    try:
        await producer.send_and_wait(site.topics.raw, bytes(DECOMPRESSED_BYTES_MAX), partition=0)
        await producer.send_and_wait(site.topics.raw, dumps(article(1, BRIDGE)), partition=0)
    finally:
        await producer.stop()
    await site.process()
    (letter,) = await site.records(site.topics.rejected)
    reason = headers(letter)
    assert (letter.key, letter.value, reason["__errors.code"]) == (None, None, "undecodable_batch")
    assert (reason["__errors.topic"], reason["__errors.offset"]) == (site.topics.raw, "0")
    assert await site.relations() == {1: "new"}
