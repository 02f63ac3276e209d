"""How a cluster grows and shrinks."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import ClusterEvent
from stream.core.index.cluster import CLUSTER_SOURCES_MAX, MEMBERS_MAX, Cluster, language_of
from stream.core.index.records import StoredArticle, pack_article, unpack_article
from stream.core.index.store import MemoryStore
from stream.core.timestamps import format_rfc3339
from tests.support.index import START_MS, Partition
from tests.support.index import article as make_article

CLUSTER = "c" * 32
SCOPE = "default/ar"


def _stored_article() -> StoredArticle:
    partition = Partition(MemoryStore())
    partition.run_one(make_article("any"))
    return unpack_article(pack_article(partition.fingerprints[0]))


STORED = _stored_article()


def stored_article(
    *, source: str | None = "paper.example", time: int = START_MS, published: str | None = None
) -> StoredArticle:
    return msgspec.structs.replace(STORED, source=source, event_time=time, published_at=published)


def cluster_of(*articles: StoredArticle, canonical_id: str = "first", scope: str = SCOPE) -> Cluster:
    """A cluster of ``articles``, whose offsets are 10, 11 and so on."""
    cluster = Cluster.empty(canonical_id)
    for offset, article in enumerate(articles, 10):
        cluster.add(article, scope, offset)
    return cluster


def test_its_event_has_all_but_its_members() -> None:
    assert cluster_of(stored_article(published="2026-05-01T00:00:00.000Z")).to_event(CLUSTER) == ClusterEvent(
        cluster_id=CLUSTER,
        canonical_id="first",
        size=1,
        sources=["paper.example"],
        languages=["ar"],
        first_seen=format_rfc3339(START_MS),
        last_seen=format_rfc3339(START_MS),
        earliest_published_at="2026-05-01T00:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("published", "earliest"),
    [
        ([None, None], None),
        (["2026-05-02T00:00:00.000Z", None], "2026-05-02T00:00:00.000Z"),
        ([None, "2026-05-02T00:00:00.000Z"], "2026-05-02T00:00:00.000Z"),
        (["2026-05-02T00:00:00.000Z", "2026-05-01T00:00:00.000Z"], "2026-05-01T00:00:00.000Z"),
    ],
)
def test_it_has_the_earliest_time_of_publication(published: list[str | None], earliest: str | None) -> None:
    assert cluster_of(*(stored_article(published=time) for time in published)).earliest_published_at == earliest


def test_it_lists_a_limited_number_of_sources() -> None:
    cluster = cluster_of(
        *(stored_article(source=f"paper-{number:04}.example") for number in range(CLUSTER_SOURCES_MAX + 20))
    )
    assert (cluster.size, len(cluster.sources)) == (CLUSTER_SOURCES_MAX + 20, CLUSTER_SOURCES_MAX)
    assert cluster.sources == sorted(set(cluster.sources))


def test_it_lists_its_first_members_and_counts_the_others() -> None:
    cluster = cluster_of(*[stored_article()] * (MEMBERS_MAX + 5))
    assert cluster.size == MEMBERS_MAX + 5
    assert cluster.members == list(range(10, 10 + MEMBERS_MAX))


def test_removed_articles_are_no_longer_counted() -> None:
    cluster = cluster_of(stored_article(), stored_article(), stored_article())
    cluster.remove({10, 12}, "second")
    assert (cluster.size, cluster.members, cluster.canonical_id) == (1, [11], "second")


def test_removing_a_member_that_is_not_listed_reduces_the_count() -> None:
    cluster = cluster_of(*[stored_article()] * (MEMBERS_MAX + 5))
    cluster.remove({10 + MEMBERS_MAX}, "first")
    assert (cluster.size, len(cluster.members)) == (MEMBERS_MAX + 4, MEMBERS_MAX)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2 * START_MS)), min_size=1))
def test_size_sources_and_times_cover_all_its_articles_in_any_order(
    articles: list[tuple[str | None, int]],
) -> None:
    cluster = cluster_of(*(stored_article(source=source, time=time) for source, time in articles))
    assert cluster.size == len(articles)
    assert cluster.sources == sorted({source for source, _ in articles if source})
    times = [format_rfc3339(time) for _, time in articles if time]
    assert cluster.first_seen == min(times, default=None)
    assert cluster.last_seen == max(times, default=None)


@pytest.mark.parametrize(("scope", "language"), [("default/ar", "ar"), ("a.b-c/und", "und")])
def test_the_language_of_a_scope(scope: str, language: str) -> None:
    assert language_of(scope) == language
