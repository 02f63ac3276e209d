"""A cluster that leaves the window gets a tombstone, so that the compacted topic stays bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.index.cluster_changes import EXPIRED_MAX
from stream.core.index.store import MemoryStore
from stream.core.pipeline.outcome import Outcome
from tests.support.index import (
    DAY_MS,
    FAR,
    HOUR_MS,
    START_MS,
    STORY,
    TOPICS,
    WINDOW_MS,
    Event,
    Partition,
    article,
    prose,
    takedown,
)
from tests.unit.core.index.conftest import NewStore

_OTHER: Final = [prose(f"o{seed}", 40) for seed in "abcdefgh"]
_MORE: Final = [prose(f"m{seed}", 40) for seed in "abcdefgh"]


def on_day(day: float, text: str = STORY, name: str | None = None, event: str | None = None) -> Event:
    return article(text, name=name, event=event, time=START_MS + round(day * DAY_MS))


def cluster_records(outcomes: Iterable[Outcome]) -> list[tuple[str, bool]]:
    """Key and whether it is a tombstone, of each record in the clusters topic."""
    return [
        ((output.key or b"").decode(), output.value is None)
        for outcome in outcomes
        for output in outcome.outputs
        if output.topic == TOPICS.clusters
    ]


def tombstones(outcomes: Iterable[Outcome]) -> list[str]:
    return [key for key, is_tombstone in cluster_records(outcomes) if is_tombstone]


def live(outcomes: Iterable[Outcome]) -> set[str]:
    """The keys that remain in the clusters topic once it is compacted."""
    return {key for key, is_tombstone in dict(cluster_records(outcomes)).items() if not is_tombstone}


@pytest.mark.parametrize(("day", "is_expired"), [(7, False), (7.1, True), (30, True)])
def test_a_cluster_gets_a_tombstone_when_its_last_article_leaves_the_window(
    new_store: NewStore, day: float, is_expired: bool
) -> None:
    partition = Partition(new_store())
    (key,) = live(partition.deliver([on_day(0), on_day(0)]))
    assert tombstones(partition.deliver([on_day(day, _OTHER[0])])) == [key] * is_expired
    assert tombstones(partition.deliver([on_day(day, _OTHER[1])])) == []


def test_an_article_that_joins_keeps_its_cluster(new_store: NewStore) -> None:
    partition = Partition(new_store())
    outcomes = partition.deliver([on_day(day) for day in (0, 0, 5, 10, 15)])
    assert tombstones(partition.deliver([on_day(21, text) for text in _OTHER[:4]])) == []
    assert len(live(outcomes)) == 1
    # The entry of each article that joined is looked at, and only that of the last one counts.
    assert len(tombstones(partition.deliver([on_day(23, text) for text in _OTHER[4:]]))) == 1


def test_its_tombstone_names_the_tenant() -> None:
    partition = Partition(MemoryStore())
    partition.deliver([on_day(0), on_day(0)])
    (outcome,) = partition.deliver([on_day(9, _OTHER[0], event="late")])
    (output,) = (output for output in outcome.outputs if output.topic == TOPICS.clusters)
    key = (output.key or b"").decode()
    headers = {name: value.decode() for name, value in output.headers}
    assert key.startswith("default/")
    assert (headers["ce_tenant"], headers["ce_type"]) == ("default", "org.article-stream.cluster.expired.v1")
    assert headers["ce_id"].endswith("." + key.removeprefix("default/"))


def test_a_limited_number_of_clusters_expires_for_each_article(new_store: NewStore) -> None:
    partition = Partition(new_store())
    texts = [prose(f"a{letter}") for letter in "abcdefgh"]
    outcomes = partition.deliver([on_day(0, text) for text in texts for _ in range(2)])
    keys = [key for key, _ in cluster_records(outcomes)]
    later = [partition.deliver([on_day(9, text)]) for text in _OTHER]
    assert [len(tombstones(each)) for each in later] == [EXPIRED_MAX] * 4 + [0] * 4
    assert [key for each in later for key in tombstones(each)] == keys


def test_clusters_that_left_with_their_generation_get_a_tombstone_too(new_store: NewStore) -> None:
    """While a scope is idle, other scopes move its partition on, and two generations end with its next articles."""
    partition = Partition(new_store())
    texts = [prose(f"a{letter}") for letter in "abcdefgh"]
    first = partition.deliver([on_day(0, text) for text in texts for _ in range(2)])
    days = [9, 9, 18, 18, 27, 27]
    later = partition.deliver(
        [on_day(day, text) for day, text in zip(days, _OTHER, strict=False)],
        offsets=[100 + number * FAR for number in range(len(days))],
    )
    assert live([*first, *later]) == set()


def test_a_cluster_that_was_withdrawn_gets_one_tombstone(new_store: NewStore) -> None:
    partition = Partition(new_store())
    partition.deliver([on_day(0, name="a"), on_day(0, name="b")])
    assert len(tombstones(partition.deliver([takedown("a"), takedown("b")]))) == 1
    assert tombstones(partition.deliver([on_day(9, text) for text in _OTHER])) == []


def test_a_story_that_begins_again_replaces_its_old_cluster(new_store: NewStore) -> None:
    """The same article after the window begins a cluster with the same id."""
    partition = Partition(new_store())
    (key,) = live(partition.deliver([on_day(0, name="a"), on_day(0, name="b")]))
    assert tombstones(partition.deliver([on_day(9, name="a")])) == [key]
    assert live(partition.deliver([on_day(9, name="c")])) == {key}
    assert tombstones(partition.deliver([on_day(15, text) for text in _OTHER])) == []
    assert tombstones(partition.deliver([on_day(17, text) for text in _MORE])) == [key]


@pytest.mark.parametrize("is_restored", [False, True])
def test_an_article_that_is_consumed_again_publishes_the_same_tombstones(
    new_store: NewStore, is_restored: bool
) -> None:
    partition = Partition(new_store())
    stream = [on_day(0), on_day(0), on_day(9, _OTHER[0], name="late"), takedown("late")]
    first = partition.deliver(stream)
    if is_restored:
        again = Partition(new_store(), records=partition.records)
        again.index.apply_changelog(partition.changelog, changelog_end=4)
        partition = again
    repeated = partition.deliver(stream[2:3], offsets=[2])
    assert repeated[0].is_repeat
    assert cluster_records(repeated) == cluster_records(first[2:3]) != []


def test_an_event_that_is_sent_again_publishes_no_tombstone() -> None:
    partition = Partition(MemoryStore())
    late = on_day(9, _OTHER[0])
    assert len(tombstones(partition.deliver([on_day(0), on_day(0), late]))) == 1
    (again,) = partition.deliver([late])
    assert (again.is_repeat, tombstones([again])) == (True, [])


def test_the_live_size_of_the_topic_levels_off() -> None:
    partition = Partition(MemoryStore())
    sizes, outcomes = [], list[Outcome]()
    for hour in range(0, 4 * WINDOW_MS // HOUR_MS, 3):
        text = prose("".join(chr(ord("a") + int(digit)) for digit in f"{hour:04}"), 40)
        time = START_MS + hour * HOUR_MS
        outcomes += partition.deliver([article(text, time=time), article(text, time=time + HOUR_MS)])
        sizes.append(len(live(outcomes)))
    window = len(sizes) // 4
    assert len(dict(cluster_records(outcomes))) == len(sizes)
    assert [max(sizes[start : start + window]) for start in range(0, len(sizes), window)] == [56, 57, 57, 57]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 1, 9]), st.sampled_from([1, 1, FAR])), max_size=40))
@settings(max_examples=100, deadline=None)
def test_only_clusters_in_the_window_are_live_in_the_end(steps: list[tuple[int, int, int]]) -> None:
    partition = Partition(MemoryStore())
    texts = [prose(seed, 60) for seed in "abcd"]
    day, offset, events, offsets = 0, 0, list[Event](), list[int]()
    for text, elapsed, distance in steps:
        day, offset = day + elapsed, offset + distance
        events.append(on_day(day, texts[text]))
        offsets.append(offset)
    outcomes = partition.deliver(events, offsets=offsets) if events else []
    remaining = live(outcomes)
    # Enough articles to take every entry from the queue, which do not move the time on.
    outcomes += partition.deliver([on_day(day, prose(f"z{chr(97 + number)}", 40)) for number in range(25)])
    transaction = partition.index.begin_transaction()
    in_window = {
        key for key in remaining if transaction.cluster("default/en", key.removeprefix("default/")) is not None
    }
    recent = {text for number, (text, _, _) in enumerate(steps) if _is_in_window(steps, number, day)}
    assert live(outcomes) == in_window
    assert len(in_window) <= len(recent)


def _is_in_window(steps: list[tuple[int, int, int]], number: int, day: int) -> bool:
    return sum(elapsed for _, elapsed, _ in steps[: number + 1]) >= day - WINDOW_MS // DAY_MS
