"""What other programs write to the topics of a run: claimed identities, and transactions that are aborted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from kafka import KafkaProducer

from tests.e2e.faults.topic_observer import RunTopics
from tests.support.article_generator import ArticleGenerator, Headers

#: How many of the next offsets of each raw partition are claimed.
_CLAIMED_OFFSETS: Final = 80
_ABORTED_RECORDS: Final = 5
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
