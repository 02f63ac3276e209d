"""What is published of a cluster, and how an article of it sums up its events."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import ClusterEvent, ClusterMember
from stream.core.index.cluster import CLUSTER_SOURCES_MAX, OFFSETS_MAX, Cluster, Member, language_of
from stream.core.index.records import StoredArticle, pack_article, unpack_article
from stream.core.index.store import MemoryStore
from stream.core.timestamps import format_rfc3339
from tests.support.index import START_MS, Partition
from tests.support.index import article as make_article

CLUSTER = "c" * 32
SCOPE = "default/ar"
MAY_1, MAY_2 = "2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z"


def _stored_article() -> StoredArticle:
    partition = Partition(MemoryStore())
    partition.run_one(make_article("any"))
    return unpack_article(pack_article(partition.fingerprints[0]))


STORED = _stored_article()


def event_of(
    *,
    source: str | None = "paper.example",
    time: int = START_MS,
    published: str | None = None,
    offset: int = 10,
    relation: str = "copy",
) -> Member:
    article = msgspec.structs.replace(
        STORED, id="a", url="https://paper.example/a", source=source, event_time=time, published_at=published
    )
    return Member.from_article(msgspec.structs.replace(article, relation=relation), offset)


def cluster_of(*events: Member) -> Cluster:
    """A cluster of events of one article."""
    cluster = Cluster("first", articles=1, members=[events[0]])
    for event in events:
        cluster.count_event(event)
    return cluster


def test_its_event_lists_its_articles() -> None:
    assert cluster_of(event_of(published=MAY_1)).to_event(CLUSTER, SCOPE) == ClusterEvent(
        cluster_id=CLUSTER,
        canonical_id="first",
        size=1,
        articles=1,
        members=[
            ClusterMember(
                id="a",
                url="https://paper.example/a",
                source="paper.example",
                relation="copy",
                first_seen=format_rfc3339(START_MS),
                published_at=MAY_1,
            )
        ],
        sources=["paper.example"],
        languages=["ar"],
        first_seen=format_rfc3339(START_MS),
        last_seen=format_rfc3339(START_MS),
        earliest_published_at=MAY_1,
    )


def test_a_changelog_record_and_a_stored_article_make_the_same_member() -> None:
    partition = Partition(MemoryStore())
    partition.run([make_article("any", name="a"), make_article("any", name="b")])
    for event in partition.fingerprints:
        stored = unpack_article(pack_article(event))
        assert Member.from_article(event, event.offset) == Member.from_article(stored, event.offset)


@pytest.mark.parametrize(
    ("published", "earliest"),
    [([None, None], None), ([MAY_2, None], MAY_2), ([None, MAY_2], MAY_2), ([MAY_2, MAY_1], MAY_1)],
)
def test_it_has_the_earliest_time_of_publication(published: list[str | None], earliest: str | None) -> None:
    events = [event_of(published=time) for time in published]
    assert cluster_of(*events).earliest_published_at == earliest
    events[0].add(events[1])
    assert events[0].published_at == earliest


def test_it_lists_a_limited_number_of_sources() -> None:
    events = [event_of(source=f"paper-{number:04}.example") for number in range(CLUSTER_SOURCES_MAX + 20)]
    cluster = cluster_of(*events)
    assert (cluster.size, len(cluster.sources)) == (CLUSTER_SOURCES_MAX + 20, CLUSTER_SOURCES_MAX)
    assert cluster.sources == sorted(set(cluster.sources))


def test_it_keeps_a_limited_number_of_offsets() -> None:
    cluster = cluster_of(*(event_of(offset=10 + number) for number in range(OFFSETS_MAX + 5)))
    assert cluster.size == OFFSETS_MAX + 5
    assert cluster.offsets == list(range(10, 10 + OFFSETS_MAX))


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2 * START_MS)), min_size=1))
def test_size_sources_and_times_cover_all_its_events_in_any_order(events: list[tuple[str | None, int]]) -> None:
    cluster = cluster_of(*(event_of(source=source, time=time) for source, time in events))
    assert cluster.size == len(events)
    assert cluster.sources == sorted({source for source, _ in events if source})
    times = [format_rfc3339(time) for _, time in events if time]
    assert cluster.first_seen == min(times, default=None)
    assert cluster.last_seen == max(times, default=None)


@pytest.mark.parametrize(
    ("relation", "offset", "is_enriched"), [("recrawl", 11, False), ("revision", 11, True), ("outdated", 10, False)]
)
def test_the_newest_version_of_an_article_is_not_an_outdated_one(relation: str, offset: int, is_enriched: bool) -> None:
    member = event_of()
    member.add(event_of(relation=relation, offset=11))
    assert (member.events, member.relation, member.offset, member.is_enriched) == (2, "copy", offset, is_enriched)


@pytest.mark.parametrize(("scope", "language"), [("default/ar", "ar"), ("a.b-c/und", "und")])
def test_the_language_of_a_scope(scope: str, language: str) -> None:
    assert language_of(scope) == language
