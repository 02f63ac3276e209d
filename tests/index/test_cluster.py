"""How a cluster grows."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.kit import START_MS
from stream.clock import rfc3339
from stream.events import ClusterEvent, Duplicate, FingerprintEvent, Origin, Relation
from stream.index.cluster import SOURCES_MAX, grown, language_of

CLUSTER = "c" * 32


def event(
    *,
    relation: Relation = "new",
    of: str | None = None,
    source: str | None = "paper.example",
    time: int = START_MS,
    published: str | None = None,
) -> FingerprintEvent:
    duplicate = Duplicate(
        relation=relation,
        is_duplicate=False,
        duplicate_of=of,
        cluster_id=CLUSTER,
        method="",
        version="",
    )
    return FingerprintEvent(
        event_id="e" * 32, offset=0, previous=-1, event_time=time, scope="default/ar", id="article", source=source,
        published_at=published, text_hash="0" * 32, content_hash="sha256:" + "0" * 64, tokens=0, level=0, sketch=b"",
        anchors=b"", numbers=b"", title=b"", revision=1, duplicate=duplicate,
        origin=Origin(topic="raw", partition=0, offset=0),
    )  # fmt: skip


def test_the_first_event_begins_it() -> None:
    assert grown(None, event(published="2026-05-01T00:00:00.000Z")) == ClusterEvent(
        cluster_id=CLUSTER,
        canonical_id="article",
        size=1,
        sources=["paper.example"],
        languages=["ar"],
        first_seen=rfc3339(START_MS),
        last_seen=rfc3339(START_MS),
        earliest_published_at="2026-05-01T00:00:00.000Z",
    )


def test_a_copy_of_what_is_known_no_more_names_what_it_copies() -> None:
    assert grown(None, event(relation="copy", of="original")).canonical_id == "original"


@pytest.mark.parametrize(
    ("published", "earliest"),
    [
        ([None, None], None),
        (["2026-05-02T00:00:00.000Z", None], "2026-05-02T00:00:00.000Z"),
        ([None, "2026-05-02T00:00:00.000Z"], "2026-05-02T00:00:00.000Z"),
        (["2026-05-02T00:00:00.000Z", "2026-05-01T00:00:00.000Z"], "2026-05-01T00:00:00.000Z"),
    ],
)
def test_it_knows_the_earliest_time_of_publication(published: list[str | None], earliest: str | None) -> None:
    cluster = None
    for time in published:
        cluster = grown(cluster, event(published=time))
    assert cluster is not None
    assert cluster.earliest_published_at == earliest


def test_it_names_at_most_so_many_sources() -> None:
    cluster = None
    for number in range(SOURCES_MAX + 20):
        cluster = grown(cluster, event(source=f"paper-{number:04}.example"))
    assert cluster is not None
    assert (cluster.size, len(cluster.sources)) == (SOURCES_MAX + 20, SOURCES_MAX)
    assert cluster.sources == sorted(set(cluster.sources))


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2 * START_MS)), min_size=1))
def test_whatever_the_order_size_sources_and_times_are_those_of_all_its_events(
    events: list[tuple[str | None, int]],
) -> None:
    cluster = None
    for source, time in events:
        cluster = grown(cluster, event(source=source, time=time))
    assert cluster is not None
    assert cluster.size == len(events)
    assert cluster.sources == sorted({source for source, _ in events if source})
    times = [rfc3339(time) for _, time in events if time]
    assert cluster.first_seen == min(times, default=None)
    assert cluster.last_seen == max(times, default=None)


def test_growing_leaves_the_cluster_before_as_it_was() -> None:
    before = grown(None, event())
    copy = msgspec.structs.replace(before, sources=list(before.sources))
    grown(before, event(source="other.example", time=START_MS + 1))
    assert before == copy


@pytest.mark.parametrize(("scope", "language"), [("default/ar", "ar"), ("a.b-c/und", "und")])
def test_the_language_of_a_scope(scope: str, language: str) -> None:
    assert language_of(scope) == language
