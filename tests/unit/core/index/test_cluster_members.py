"""What is published of a cluster is as if the articles that were withdrawn had never come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts import codec
from stream.core.contracts.events import ClusterEvent, EnrichedEvent, NormalizedEvent
from stream.core.index import keys
from stream.core.index.cluster import CLUSTER_SOURCES_MAX, MEMBERS_MAX, OFFSETS_MAX
from stream.core.index.store import MemoryStore
from stream.core.pipeline.outcome import Outcome
from tests.support.index import (
    DAY_MS,
    FAR,
    HOUR_MS,
    REPRINT,
    START_MS,
    STORY,
    TOPICS,
    Event,
    Partition,
    article,
    takedown,
)
from tests.unit.core.index.conftest import NewStore

_PUBLISHED: Final = [None, "2026-05-01T00:00:00.000Z", "2026-05-02T00:00:00.000Z", "2026-05-03T00:00:00.000Z"]


def report(
    name: str, *, source: str = "paper.example", time: int = START_MS, published: str | None = None, text: str = STORY
) -> NormalizedEvent:
    event = article(text, name=name, source=source, time=time)
    return msgspec.structs.replace(event, url=f"https://{source}/{name}", published_at=published)


def clusters_of(outcomes: Iterable[Outcome]) -> list[ClusterEvent | None]:
    return [
        codec.decode(output.value, ClusterEvent) if output.value else None
        for outcome in outcomes
        for output in outcome.outputs
        if output.topic == TOPICS.clusters
    ]


def recompute(cluster_id: str, events: Sequence[EnrichedEvent]) -> ClusterEvent | None:
    """The cluster of ``events`` as it would be published, computed from all of them."""
    by_id: dict[str, list[EnrichedEvent]] = {}
    for event in events:
        by_id.setdefault(event.id, []).append(event)
    if not by_id:
        return None
    members = [
        {
            "id": name,
            "url": versions[0].url,
            "source": next((version.source.domain for version in versions if version.source.domain), None),
            "relation": versions[0].duplicate.relation,
            "first_seen": min(version.fetched_at or "" for version in versions),
            "published_at": _earliest(versions),
        }
        for name, versions in by_id.items()
    ]
    return msgspec.convert(
        {
            "cluster_id": cluster_id,
            "canonical_id": members[0]["id"],
            "size": len(events),
            "articles": len(members),
            "members": members[:MEMBERS_MAX],
            "sources": sorted({event.source.domain or "" for event in events})[:CLUSTER_SOURCES_MAX],
            "languages": ["en"],
            "first_seen": min(event.fetched_at or "" for event in events),
            "last_seen": max(event.fetched_at or "" for event in events),
            "earliest_published_at": _earliest(events),
        },
        ClusterEvent,
    )


def _earliest(events: Sequence[EnrichedEvent]) -> str | None:
    return min(filter(None, (event.published_at for event in events)), default=None)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Reports of one story with many more articles than are listed, and takedowns of some."""
    names = draw(st.sampled_from([4, MEMBERS_MAX + 8]))
    events: list[Event] = []
    order = draw(st.permutations(range(names)))
    extra = st.tuples(st.integers(0, names - 1), st.sampled_from(["report", "takedown", "takedown"]))
    plan = [(name, "report") for name in order]
    for name, kind in draw(st.lists(extra, max_size=30)):
        plan.insert(draw(st.integers(1, len(plan))), (name, kind))
    for name, kind in plan:
        if kind == "takedown":
            events.append(takedown(str(name)))
            continue
        source = f"{draw(st.sampled_from(['a', 'b', f'n{name}']))}.example"
        time = START_MS + draw(st.integers(-20, 20)) * HOUR_MS
        text = draw(st.sampled_from([STORY, STORY, REPRINT]))
        published = draw(st.sampled_from(_PUBLISHED))
        event = report(str(name), source=source, time=time, published=published, text=text)
        events.append(msgspec.structs.replace(event, url_key=f"any.example/{name}"))
    return events


@given(streams(), st.lists(st.integers(1, 30), max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_published_cluster_equals_one_computed_from_all_articles_that_remain(
    stream: list[Event], sizes: list[int]
) -> None:
    partition = Partition(MemoryStore())
    remaining: dict[str, list[EnrichedEvent]] = {}
    for event, outcome in zip(stream, partition.deliver(stream, sizes=sizes), strict=True):
        if isinstance(event, NormalizedEvent):
            value = next(out.value for out in outcome.outputs if out.topic in (TOPICS.enriched, TOPICS.duplicates))
            decided = codec.decode(value or b"", EnrichedEvent)
            remaining.setdefault(decided.duplicate.cluster_id, []).append(decided)
        else:
            for cluster_id, events in remaining.items():
                remaining[cluster_id] = [each for each in events if each.id != event.id]
        for output in outcome.outputs:
            if output.topic == TOPICS.clusters:
                cluster_id = (output.key or b"").decode().partition("/")[2]
                cluster = codec.decode(output.value, ClusterEvent) if output.value else None
                assert cluster == recompute(cluster_id, remaining[cluster_id])


@given(streams(), st.lists(st.integers(1, 30), max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_restore_builds_the_same_clusters(stream: list[Event], sizes: list[int]) -> None:
    stores = MemoryStore(), MemoryStore()
    partition, restored = map(Partition, stores)
    partition.deliver(stream, sizes=sizes)
    restored.index.apply_changelog(partition.changelog, changelog_end=len(partition.changelog))
    contents = [{key: value for key, value in store.values.items() if key != keys.POSITION} for store in stores]
    assert contents[0] == contents[1]


def test_a_withdrawn_publisher_is_no_longer_a_source(new_store: NewStore) -> None:
    partition = Partition(new_store())
    partition.run(
        [
            report("a", source="a.example", time=START_MS, published=_PUBLISHED[1]),
            report("b", source="b.example", time=START_MS + HOUR_MS, published=_PUBLISHED[2]),
            report("c", source="c.example", time=START_MS + 2 * HOUR_MS),
        ]
    )
    (cluster,) = clusters_of(partition.deliver([takedown("a")]))
    assert cluster is not None
    assert (cluster.sources, cluster.first_seen) == (["b.example", "c.example"], "2026-05-28T21:26:40.000Z")
    assert (cluster.earliest_published_at, cluster.articles) == (_PUBLISHED[2], 2)
    (cluster,) = clusters_of(partition.deliver([takedown("c")]))
    assert cluster is not None
    assert (cluster.sources, cluster.last_seen) == (["b.example"], "2026-05-28T21:26:40.000Z")


def test_recrawls_count_as_events_and_not_as_articles() -> None:
    partition = Partition(MemoryStore())
    outcomes = partition.deliver([report("a"), report("b", source="b.example"), report("a"), report("a")])
    cluster = clusters_of(outcomes)[-1]
    assert cluster is not None
    assert (cluster.size, cluster.articles, [member.id for member in cluster.members]) == (4, 2, ["a", "b"])


def test_a_cluster_lives_on_when_all_its_first_articles_are_withdrawn(new_store: NewStore) -> None:
    partition = Partition(new_store())
    names = [str(number) for number in range(OFFSETS_MAX + 3)]
    partition.deliver([report(name, source=f"{name}.example") for name in names])
    outcomes = partition.deliver([takedown(name) for name in names[: OFFSETS_MAX + 1]])
    cluster = clusters_of(outcomes)[-1]
    assert cluster is not None
    assert (cluster.canonical_id, cluster.size, cluster.articles) == (names[-2], 2, 2)
    assert [member.id for member in cluster.members] == names[-2:]
    later = partition.run_one(report("later"))
    assert later.verdict.cluster_id == cluster.cluster_id


def test_an_article_that_moved_is_withdrawn_with_all_its_versions_by_an_old_url(new_store: NewStore) -> None:
    partition = Partition(new_store())
    old = report("a")
    partition.deliver([old, report("b"), msgspec.structs.replace(report("a"), url_key="paper.example/moved")])
    (cluster,) = clusters_of(partition.deliver([takedown(url_key=old.url_key)]))
    assert cluster is not None
    assert (cluster.size, [member.id for member in cluster.members]) == (1, ["b"])
    assert partition.run_one(report("c")).verdict.duplicate_of == "b"


def test_articles_that_left_the_index_without_being_listed_are_only_counted_after_a_takedown() -> None:
    partition = Partition(MemoryStore())
    count = MEMBERS_MAX + 2
    partition.deliver([report(str(number), source=f"{number}.example") for number in range(count)])
    later = [report(f"late{n}", source="late.example", time=START_MS + n * 5 * DAY_MS) for n in range(1, 7)]
    partition.deliver(later, offsets=[count + n * FAR for n in range(1, 7)])
    (cluster,) = clusters_of(partition.deliver([takedown("late6")]))
    assert cluster is not None
    assert (cluster.size, cluster.articles, len(cluster.members)) == (count + 5, count + 5, MEMBERS_MAX)
    assert cluster.sources == sorted([*(f"{number}.example" for number in range(MEMBERS_MAX)), "late.example"])
