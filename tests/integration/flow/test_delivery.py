"""Nothing is committed before its outputs are stored, and whoever starts again comes to the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from stream.core.contracts.events import NormalizedEvent
from stream.core.contracts.records import OutputRecord, Record, RecordMetadata
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome, Wrap
from stream.runtime.app import RECORDS_PER_SLICE, ArticleFlow
from stream.settings import Stage
from stream.transport.errors import DeliveryError, UnknownTopicError
from tests.support.articles import BRIDGE, FLOOD, HARVEST, article, generate_articles, takedown
from tests.support.flow import Running, Site, by_offset, until, verdicts, verdicts_without_interruption

Prepare = Callable[[ArticleFlow], None]
Deliver = Callable[[Sequence[OutputRecord]], Awaitable[list[RecordMetadata]]]


class PoisonError(Exception):
    """What a poisoned part of the flow raises."""


class PoisonedNormalizer(Normalizer):
    """Raises after it has normalized a record that contains ``marker``."""

    marker = b"olive"

    def __call__(self, record: Record, **options: Any) -> list[Outcome]:
        """See `Normalizer`."""
        outcomes = super().__call__(record, **options)
        if self.marker in (record.value or b""):
            raise PoisonError
        return outcomes


def poison_articles(marker: str) -> Wrap:
    """Make the second step raise at the first article with ``marker`` in its text, after the articles before it."""

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        def encode_or_raise(event: NormalizedEvent, *arguments: Any) -> Any:
            outputs = step(event, *arguments)
            if marker in event.text:
                raise PoisonError
            return outputs

        return encode_or_raise if name == "encode_enriched" else step

    return wrap


async def wait_for_fault(running: Running, step: str) -> BaseException:
    """Wait for the first fault of a flow, which must be in ``step``."""
    await until(lambda: running.faults, "a fault")
    assert running.faults[0][0] == step
    return running.faults[0][2]


def deliver_with(
    change: Callable[[Deliver, Sequence[OutputRecord]], Awaitable[list[RecordMetadata]]], *, to: str
) -> Prepare:
    """Let ``change`` deliver all outputs of which one goes to the topic ``to``."""

    def prepare(flow: ArticleFlow) -> None:
        producer: Any = flow.app.producer
        good = producer.produce_all

        async def produce_all(outputs: Sequence[OutputRecord], **options: Any) -> list[RecordMetadata]:
            if any(output.topic == to for output in outputs):
                return await change(good, outputs)
            delivered: list[RecordMetadata] = await good(outputs, **options)
            return delivered

        producer.produce_all = produce_all

    return prepare


async def fail_before(_produce_all: Deliver, _outputs: Sequence[OutputRecord]) -> list[RecordMetadata]:
    raise DeliveryError("not stored")


async def fail_between(produce_all: Deliver, outputs: Sequence[OutputRecord]) -> list[RecordMetadata]:
    await produce_all(outputs[: len(outputs) // 2])
    raise DeliveryError("half of it is stored")


async def fail_after(produce_all: Deliver, outputs: Sequence[OutputRecord]) -> list[RecordMetadata]:
    await produce_all(outputs)
    raise DeliveryError("all is stored, but not confirmed")


async def store_changelog_only(produce_all: Deliver, outputs: Sequence[OutputRecord]) -> list[RecordMetadata]:
    await produce_all([output for output in outputs if output.topic.endswith("articles.fingerprints")])
    raise DeliveryError("only the changelog is stored")


FAILURES = [fail_before, fail_between, fail_after, store_changelog_only]


async def test_a_fault_in_normalize_commits_nothing_of_the_batch(site: Site) -> None:
    await site.send(article(1, BRIDGE), article(2, HARVEST), article(3, FLOOD))
    running = await site.start(normalizer=PoisonedNormalizer(site.topics, partitions=site.settings.scope_partitions))
    assert isinstance(await wait_for_fault(running, "normalize"), PoisonError)
    await site.stop(running)
    assert await site.committed(site.topics.raw) == 0
    assert await site.records(site.topics.normalized) == []
    await site.process()
    assert await site.committed(site.topics.raw) == 3
    assert await site.relations() == dict.fromkeys(range(3), "new")


async def test_a_fault_in_deduplicate_commits_nothing_of_the_batch(site: Site) -> None:
    articles = [article(1, BRIDGE), article(2, BRIDGE), article(3, HARVEST), article(4, HARVEST)]
    await site.send(*articles)
    running = await site.start(deduplicator=Deduplicator(site.topics, wrap=poison_articles("olive")))
    assert isinstance(await wait_for_fault(running, "deduplicate"), PoisonError)
    await site.stop(running)
    assert await site.committed(site.topics.raw) == 4
    assert await site.committed(site.topics.normalized) == 0
    assert await site.events() == []
    await site.process()
    assert await site.committed(site.topics.normalized) == 4
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


async def test_a_batch_of_several_slices_is_decided_as_one(site: Site) -> None:
    articles = generate_articles(3 * RECORDS_PER_SLICE, seed=5)
    await site.process(*articles)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


@pytest.mark.parametrize("change", FAILURES)
async def test_verdicts_survive_deliveries_that_fail(
    site: Site, change: Callable[[Deliver, Sequence[OutputRecord]], Awaitable[list[RecordMetadata]]]
) -> None:
    articles = generate_articles(30, seed=11)
    await site.process(*articles[:10])
    before = await site.committed(site.topics.normalized)
    assert before == 10

    await site.send(*articles[10:])
    running = await site.start(prepare=deliver_with(change, to=site.topics.fingerprints))
    assert isinstance(await wait_for_fault(running, "deduplicate"), DeliveryError)
    await site.stop(running)
    assert await site.committed(site.topics.normalized) == before

    await site.process()
    assert await site.committed(site.topics.normalized) == 30
    # `by_offset` fails where an event was published again with another value.
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


@pytest.mark.parametrize("change", FAILURES)
async def test_takedowns_survive_deliveries_that_fail(
    site: Site, change: Callable[[Deliver, Sequence[OutputRecord]], Awaitable[list[RecordMetadata]]]
) -> None:
    await site.process(article(1, BRIDGE), article(2, BRIDGE))
    first, second = (event["id"] for event in by_offset(await site.events()).values())
    await site.send(takedown(1))
    running = await site.start(prepare=deliver_with(change, to=site.topics.fingerprints))
    assert isinstance(await wait_for_fault(running, "deduplicate"), DeliveryError)
    await site.stop(running)

    await site.process(article(3, BRIDGE))
    assert await site.tombstones(site.topics.enriched) == {first}
    assert await site.tombstones(site.topics.duplicates) == {first}
    events = by_offset(await site.events())
    assert events[3]["duplicate"]["duplicate_of"] == second
    (cluster,) = (await site.clusters()).values()
    assert cluster is not None
    assert (cluster["canonical_id"], cluster["size"]) == (second, 2)


async def test_an_event_that_is_normalized_twice_is_decided_once(site: Site) -> None:
    articles = generate_articles(20, seed=12)
    await site.send(*articles)
    running = await site.start(prepare=deliver_with(fail_after, to=site.topics.normalized))
    assert isinstance(await wait_for_fault(running, "normalize"), DeliveryError)
    await site.stop(running)
    assert await site.committed(site.topics.raw) == 0
    await site.process()
    assert len(await site.records(site.topics.normalized)) == 40
    assert len(await site.events()) == 40
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


@pytest.mark.parametrize("missing", ["normalized", "enriched", "fingerprints", "rejected"])
async def test_a_missing_output_topic_stops_the_flow(bare_site: Site, missing: str) -> None:
    site = bare_site
    name = getattr(site.topics, missing)
    await site.create_topics(but=[name])
    steps: tuple[Stage, ...] = ("deduplicate",) if missing in ("enriched", "fingerprints") else ("normalize",)
    await site.send(article(1, BRIDGE), b"{")
    if steps == ("deduplicate",):
        normalizing = await site.start(("normalize",))
        await until(lambda: normalizing.finished(site.topics.raw) == 2, "two records normalized")
        await site.stop(normalizing)
    running = await site.start(steps)
    assert isinstance(await wait_for_fault(running, steps[0]), UnknownTopicError)
    await site.stop(running)
    source = site.topics.raw if steps == ("normalize",) else site.topics.normalized
    assert await site.committed(source) == 0

    await site.create_topic(name)
    await site.process()
    assert await site.relations() == {0: "new"}
    assert len(await site.records(site.topics.rejected)) == 1


async def test_what_was_committed_is_not_processed_again(site: Site) -> None:
    await site.process(article(1, BRIDGE), article(2, FLOOD))
    await site.process(article(3, HARVEST))
    assert len(await site.events()) == 3
    assert len(await site.records(site.topics.normalized)) == 3
