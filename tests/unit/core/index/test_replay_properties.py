"""Random streams: a verdict depends only on the earlier messages of its scope."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts.events import NormalizedEvent
from stream.core.contracts.records import InputRecord
from stream.core.index import keys
from stream.core.index.scope_view import REDELIVERED_OFFSETS_MAX
from stream.core.index.store import MemoryStore
from stream.core.pipeline.outcome import Outcome
from stream.state.rocksdb_store import RocksStore
from tests.support.index import DAY_MS, FAR, HOUR_MS, START_MS, TOPICS, Event, Partition, article, part, prose, takedown

_TEXTS: Final = [
    *(variant for seed in "ab" for story in [prose(seed, 80)] for variant in (
        story, part(story, 0, 30), f"{part(story, 0, 70)} {prose(seed + 'x', 8)}",
        f"{part(story, 0, 68)} {prose(seed + 'z', 8)}", f"{part(story, 0, 40)} {prose('c', 60)}",
        f"{story} {prose(seed + 'y', 80)}", f"{prose('d', 90)} {story}",
    )),
    "short one", prose("panel", 30), "Please enable JavaScript in your browser to continue to this site.",
]  # fmt: skip


class Stream(NamedTuple):
    """Events and their offsets in the normalized topic."""

    events: list[Event]
    offsets: list[int]

    def slice(self, start: int, stop: int | None = None) -> Stream:
        """The events from ``start`` to ``stop``."""
        return Stream(self.events[start:stop], self.offsets[start:stop])


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Articles of two tenants with copies, excerpts, updates, re-deliveries and takedowns, and their offsets."""
    time, offset = START_MS, -1
    stream = Stream([], [])
    for number in range(draw(st.integers(2, 25))):
        time += draw(st.sampled_from([0, HOUR_MS, 2 * DAY_MS, 4 * DAY_MS, 8 * DAY_MS, -9 * DAY_MS]))
        offset += draw(st.sampled_from([1, 1, 1, FAR // 2, FAR]))
        stream.events.append(draw(_events(number, time, stream.events)))
        stream.offsets.append(offset)
    return stream


@st.composite
def _events(draw: st.DrawFn, number: int, time: int, before: list[Event]) -> Event:
    kind = draw(st.sampled_from(["article"] * 6 + ["repeat", "takedown"]))
    articles = [event for event in before if isinstance(event, NormalizedEvent)]
    if kind == "repeat" and articles:
        return draw(st.sampled_from(articles))
    if kind == "takedown" and articles:
        target = draw(st.sampled_from(articles))
        url_key = draw(st.sampled_from([target.url_key, None]))
        name = draw(st.sampled_from([target.id, "url-" + 24 * "0"])) if url_key else target.id
        return takedown(name, url_key=url_key, tenant=target.tenant, event=str(number))
    name, text = draw(st.sampled_from(["a", "b", f"n{number}"])), draw(st.sampled_from(_TEXTS))
    tenant, language = draw(st.sampled_from(["one", "two"])), draw(st.sampled_from(["en", "en", "fr"]))
    title = draw(st.sampled_from([None, "Choir sings in hall", "Cracks found in pier", "Mayor opens garden"]))
    return article(text, name=name, event=str(number), time=time, tenant=tenant, language=language, title=title)


sizes = st.lists(st.integers(1, 8), max_size=8)


def deliver(partition: Partition, stream: Stream, batches: Sequence[int] = ()) -> list[Outcome]:
    return partition.deliver(stream.events, offsets=stream.offsets, sizes=batches) if stream.events else []


def outputs_to_consumers(outcomes: Sequence[Outcome]) -> list[object]:
    """All outputs except changelog records, in which ``previous`` depends on other scopes."""
    return [
        (outcome.result, outcome.is_repeat, [out for out in outcome.outputs if out.topic != TOPICS.fingerprints])
        for outcome in outcomes
    ]


def article_outputs(outcome: Outcome) -> list[object]:
    topics = (TOPICS.enriched, TOPICS.duplicates)
    return [output for output in outcome.outputs if output.topic in topics]


def cluster_tombstones(outcome: Outcome) -> list[object]:
    return [output for output in outcome.outputs if output.topic == TOPICS.clusters and output.value is None]


@given(streams(), sizes, sizes)
@settings(max_examples=100, deadline=None)
def test_outputs_do_not_depend_on_batches_or_on_the_store(
    stream: Stream, sizes_in_memory: list[int], sizes_on_disk: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        memory = Partition(MemoryStore())
        rocks = Partition(RocksStore(Path(folder) / "index"))
        assert deliver(memory, stream, sizes_in_memory) == deliver(rocks, stream, sizes_on_disk)
        rocks.index.close()


@given(streams(), sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_outputs_do_not_depend_on_a_restart(stream: Stream, batches: list[int], data: st.DataObject) -> None:
    expected = deliver(Partition(MemoryStore()), stream)
    stop = data.draw(st.integers(1, len(stream.events)), label="stopped at")
    with TemporaryDirectory() as folder:
        outcomes: list[Outcome] = []
        records: dict[int, InputRecord] = {}
        for piece in (stream.slice(0, stop), stream.slice(stop)):
            partition = Partition(RocksStore(Path(folder) / "index"), records=records)
            outcomes += deliver(partition, piece, batches)
            partition.index.close()
    assert outcomes == expected


@given(streams(), sizes)
@settings(max_examples=60, deadline=None)
def test_outputs_do_not_depend_on_the_cache(stream: Stream, batches: list[int]) -> None:
    """An index that is opened anew for each event reads everything from its store."""
    store, records = MemoryStore(), dict[int, InputRecord]()
    outcomes = [
        outcome
        for event, offset in zip(*stream, strict=True)
        for outcome in Partition(store, records=records).deliver([event], offsets=[offset])
    ]
    assert outcomes == deliver(Partition(MemoryStore()), stream, batches)


@given(streams(), sizes, sizes, st.data())
@settings(max_examples=200, deadline=None)
def test_an_index_restored_from_the_changelog_decides_as_the_original(
    stream: Stream, batches: list[int], restored: list[int], data: st.DataObject
) -> None:
    stop = data.draw(st.integers(1, len(stream.events)), label="resumed at")
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    deliver(original, stream.slice(0, stop), batches)
    _restore(again, original, restored)
    assert again.index.documents == original.index.documents
    assert again.index.last_offset == original.index.last_offset
    rest = stream.slice(stop)
    assert deliver(again, rest) == deliver(original, rest)


@given(streams(), sizes)
@settings(max_examples=150, deadline=None)
def test_a_restore_in_batches_writes_the_same_as_one_record_at_a_time(stream: Stream, restored: list[int]) -> None:
    original = Partition(MemoryStore())
    deliver(original, stream)
    again = Partition(MemoryStore())
    _restore(again, original, restored)
    assert _contents(again) == _restored_one_by_one(original)


@given(streams(), sizes, sizes)
@settings(max_examples=150, deadline=None)
def test_a_restored_index_holds_the_same_as_the_one_that_decided(
    stream: Stream, batches: list[int], restored: list[int]
) -> None:
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    deliver(original, stream, batches)
    _restore(again, original, restored)
    contents = [
        {key: value for key, value in _contents(each).items() if key != keys.POSITION} for each in (original, again)
    ]
    assert contents[0] == contents[1]


def test_a_cluster_is_dropped_with_its_generation_in_the_middle_of_a_batch() -> None:
    story, filler = _TEXTS[0], [prose(seed, 40) for seed in "pqrst"]
    articles = [("a", story), ("b", story), *((f"n{i}", text) for i, text in enumerate(filler)), ("a", story)]
    days, offsets = (0, 0, 8, 8, 17, 17, 17, 17), (0, 1, 2, 3 + FAR, 4 + FAR, 5 + FAR, 5 + 2 * FAR, 6 + 2 * FAR)
    events: list[Event] = [
        article(text, name=name, event=str(number), time=START_MS + day * DAY_MS)
        for number, ((name, text), day) in enumerate(zip(articles, days, strict=True))
    ]
    original = Partition(MemoryStore())
    outcomes = deliver(original, Stream(events, list(offsets)))
    assert [outcome.result for outcome in (outcomes[1], outcomes[-1])] == ["copy", "new"]
    again = Partition(MemoryStore())
    _restore(again, original, [])
    assert _contents(again) == _restored_one_by_one(original)


def test_an_article_that_is_recognized_as_a_notice_later_is_so_after_a_restore_too() -> None:
    panel, titles = _TEXTS[-2], ("Choir sings in hall", "Cracks found in pier", None)
    sources = ("paper.example", "paper.example", "other.example")
    events: list[Event] = [
        article(panel, event=str(number), title=title, source=source)
        for number, (title, source) in enumerate(zip(titles, sources, strict=True))
    ]
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    first = deliver(original, Stream(events[:2], [0, 1]))
    assert [event.recognized_offsets for event in original.fingerprints] == [[], [0]]
    _restore(again, original, [1])
    assert _contents(again) == _restored_one_by_one(original)
    skipped: list[tuple[int, str]] = []
    again.index.apply_changelog(original.changelog, changelog_end=4, on_skip=lambda *skip: skipped.append(skip))
    assert skipped == []  # a worker that repeats its records contradicts nothing
    for partition in (original, again):
        assert [outcome.result for outcome in deliver(partition, Stream(events[2:], [2]))] == ["new"]
        repeated = deliver(partition, Stream(events[:1], [3]))  # it is published again as it was
        assert article_outputs(repeated[0]) == article_outputs(first[0])


def _restore(again: Partition, original: Partition, sizes: Sequence[int]) -> None:
    """Apply the changelog of ``original`` in batches of ``sizes``, then the rest."""
    again.records.update(original.records)
    changelog, start = original.changelog, 0
    for size in [*sizes, len(changelog)]:
        again.index.apply_changelog(changelog[start : start + size], changelog_end=min(start + size, len(changelog)))
        start += size


def _restored_one_by_one(original: Partition) -> dict[bytes, bytes]:
    again = Partition(MemoryStore())
    for end, event in enumerate(original.changelog, 1):
        again.index.begin_transaction()  # ends the restore, and releases its Bloom filter
        again.index.apply_changelog([event], changelog_end=end)
    return _contents(again)


def _contents(partition: Partition) -> dict[bytes, bytes]:
    store = partition.index.store
    assert isinstance(store, MemoryStore)
    return store.values


@given(streams(), st.data())
@settings(max_examples=150, deadline=None)
def test_an_index_restored_from_a_trimmed_changelog_can_decide(stream: Stream, data: st.DataObject) -> None:
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    deliver(original, stream)
    start = data.draw(st.integers(0, len(original.changelog)), label="trimmed to")
    remaining = original.changelog[start:]
    assert again.index.apply_changelog(remaining, changelog_end=len(original.changelog)) == len(remaining)
    later = [article(text, time=START_MS + 9 * DAY_MS, tenant="one") for text in _TEXTS]
    first = stream.offsets[-1] + 1
    takedowns: list[Event] = [takedown(name, tenant="one") for name in ("a", "b")]
    again.deliver([*later, *takedowns, *later], offsets=range(first, first + 2 * len(later) + 2))


@given(streams(), sizes, st.data())
@settings(max_examples=150, deadline=None)
def test_an_event_consumed_again_after_a_crash_gets_its_first_verdict_or_is_withdrawn(
    stream: Stream, batches: list[int], data: st.DataObject
) -> None:
    partition = Partition(MemoryStore())
    outcomes = deliver(partition, stream, batches)
    earliest = partition.index.last_offset - REDELIVERED_OFFSETS_MAX
    # Events behind the last record are takedowns of nothing, which change nothing the second time either.
    redelivered = [i for i, offset in enumerate(stream.offsets) if offset > earliest]
    start = data.draw(st.sampled_from(redelivered), label="consumed again from")
    again = deliver(partition, stream.slice(start), data.draw(sizes))
    for event, first, second in zip(stream.events[start:], outcomes[start:], again, strict=True):
        # The repeat of an event outside the window is rejected; consumed again, it finds the decision on the event.
        if isinstance(event, NormalizedEvent) and first.code != "outside_window":
            assert second.result in (first.result, "withdrawn")
            assert cluster_tombstones(second) == cluster_tombstones(first)
            if second.result == first.result:
                assert article_outputs(second) == article_outputs(first)
            else:
                assert all(output.topic == TOPICS.clusters and not output.value for output in second.outputs)


@given(streams(), sizes)
@settings(max_examples=80, deadline=None)
def test_outputs_of_a_tenant_do_not_depend_on_other_tenants_in_its_partition(
    stream: Stream, batches: list[int]
) -> None:
    expected = deliver(Partition(MemoryStore()), stream, batches)
    for tenant in ("one", "two"):
        indices = [i for i, event in enumerate(stream.events) if event.tenant == tenant]
        alone = Stream([stream.events[i] for i in indices], [stream.offsets[i] for i in indices])
        outcomes = deliver(Partition(MemoryStore()), alone)
        assert outputs_to_consumers(outcomes) == outputs_to_consumers([expected[i] for i in indices])


@given(streams())
@settings(max_examples=100, deadline=None)
def test_no_article_is_a_copy_of_one_that_was_taken_down(stream: Stream) -> None:
    outcomes = deliver(Partition(MemoryStore()), stream)
    deleted: set[tuple[str, str]] = set()
    for event, outcome in zip(stream.events, outcomes, strict=True):
        if not isinstance(event, NormalizedEvent):
            keys = {(output.key or b"").decode() for output in outcome.outputs if output.topic == TOPICS.enriched}
            deleted |= {(event.tenant, key) for key in keys}
        elif not outcome.is_repeat:
            assert not any(_refers_to(outcome, name) for tenant, name in deleted if tenant == event.tenant)
            deleted.discard((event.tenant, event.id))


def _refers_to(outcome: Outcome, name: str) -> bool:
    references = [f'"{field}":"{name}"'.encode() for field in ("duplicate_of", "canonical_id")]
    return any(reference in (output.value or b"") for output in outcome.outputs for reference in references)
