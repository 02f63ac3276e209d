"""What other programs write to the topics of a run: claimed identities, aborted transactions, forged decisions."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from kafka import KafkaProducer

from stream.core.contracts import cloudevents
from tests.e2e.faults.records import RecordId, StoredRecord
from tests.e2e.faults.run_topics import RunTopics
from tests.support.article_generator import ArticleGenerator, Headers

#: How many of the next offsets of each raw partition are claimed.
_CLAIMED_OFFSETS: Final = 80
_ABORTED_RECORDS: Final = 5
_FAR_AWAY: Final = 10**6
_DELIVERY_MS: Final = 60_000


def claim_identities(run_topics: RunTopics, seed: int) -> int:
    """Send articles that claim the identities of the next raw records, and return how many.

    A message without CloudEvents headers is identified by where it is stored. Nobody may take that from it by naming
    the place first, in any form.
    """
    topic, articles = run_topics.topics.raw, ArticleGenerator(seed)
    sent = 0
    with _producer(run_topics) as producer:
        for partition, end in run_topics.ends(topic).items():
            for offset in range(end, end + _CLAIMED_OFFSETS):
                value = orjson.dumps(articles.article())
                headers = articles.random.choice(_claims(topic, partition, offset))
                producer.send(topic, value=value, headers=headers, partition=articles.random.choice([partition, None]))
                sent += 1
        producer.flush()
    return sent


def _claims(topic: str, partition: int, offset: int) -> list[Headers]:
    """The headers of a message that claims to be the record at ``offset``."""
    sources = [f"{topic}/{partition}", f"{topic}/{partition}//", f"/{topic}/{partition}"]
    claims: list[Headers] = [[("ce_source", source.encode()), ("ce_id", str(offset).encode())] for source in sources]
    return [*claims, [("__requeue.origin", f"{topic}/{partition}///{offset}".encode())]]


def write_to_changelog(run_topics: RunTopics, seed: int) -> int:
    """Write records that no index may apply behind those of each partition of the changelog; return how many.

    Partitions without decisions are left out: their first decision is accepted without one before it.
    """
    topic = run_topics.topics.fingerprints
    last = {record.partition: record for record in run_topics.read(topic) if _is_decision(record)}
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    written = []
    with _producer(run_topics) as producer:
        for partition, record in last.items():
            forgeries = [*_forgeries(record)]
            chance.shuffle(forgeries)
            written += [
                producer.send(topic, key=record.key, value=value, headers=list(headers), partition=partition)
                for value, headers in forgeries
            ]
        producer.flush()
    for future in written:
        stored = future.get(timeout=0)
        offsets = run_topics.history.tag({(topic, stored.partition): stored.offset})
        run_topics.foreign |= {RecordId(*tp, offset) for tp, offset in offsets.items()}
    return len(written)


def _is_decision(record: StoredRecord) -> bool:
    is_article = not record.is_foreign and cloudevents.event_type(record) == cloudevents.FINGERPRINT
    return is_article and orjson.loads(record.value or b"")["previous"] > 0


def _forgeries(record: StoredRecord) -> Iterator[tuple[bytes | None, Headers]]:
    """Values and headers that resemble those of a decision."""
    event, headers = orjson.loads(record.value or b""), list(record.headers)
    yield b'{"id": "of another program"}', []
    yield None, headers
    yield (record.value or b"")[:-40], headers
    # The same article with another text, and an article that follows none of the others.
    yield orjson.dumps({**event, "shown_hash": "0" * 32}), headers
    forged = {**event, "event_id": "f" * 32, "offset": event["offset"] + _FAR_AWAY, "previous": 0, "id": "forged"}
    yield orjson.dumps(forged), [(name, value) for name, value in headers if name != "ce_id"] + [("ce_id", b"f" * 32)]


@contextlib.contextmanager
def aborted_transaction(run_topics: RunTopics, topics: Sequence[str], *, seed: int) -> Iterator[None]:
    """Write to all partitions of ``topics`` in a transaction, which is open in the context, and is aborted then."""
    articles = ArticleGenerator(seed)
    with _producer(run_topics, transactional_id=f"{run_topics.topics.raw}-{seed}") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for topic in topics:
            for partition in run_topics.ends(topic):
                for _ in range(_ABORTED_RECORDS):
                    producer.send(topic, value=orjson.dumps(articles.article()), partition=partition)
        producer.flush()
        try:
            yield
        finally:
            producer.abort_transaction()


@contextlib.contextmanager
def _producer(run_topics: RunTopics, **options: Any) -> Iterator[Any]:
    producer: Any = KafkaProducer(
        bootstrap_servers=run_topics.settings.servers,
        acks="all",
        enable_idempotence=True,
        delivery_timeout_ms=_DELIVERY_MS,
        max_block_ms=_DELIVERY_MS,
        **options,
    )
    try:
        yield producer
    finally:
        producer.close(timeout=10)
