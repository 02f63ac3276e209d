"""Random streams: a verdict depends on the earlier messages of its scope and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts.events import NormalizedEvent
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
    "short one",
]  # fmt: skip


class Stream(NamedTuple):
    """Events and where they stand in the normalized topic."""

    events: list[Event]
    offsets: list[int]

    def cut(self, start: int, stop: int | None = None) -> Stream:
        """Some of them."""
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
    known = [event for event in before if isinstance(event, NormalizedEvent)]
    if kind == "repeat" and known:
        return draw(st.sampled_from(known))
    if kind == "takedown" and known:
        gone = draw(st.sampled_from(known))
        url_key = draw(st.sampled_from([gone.url_key, None]))
        name = draw(st.sampled_from([gone.id, "nobody"])) if url_key else gone.id
        return takedown(name, url_key=url_key, tenant=gone.tenant, event=str(number))
    name, text = draw(st.sampled_from(["a", "b", f"n{number}"])), draw(st.sampled_from(_TEXTS))
    tenant, language = draw(st.sampled_from(["one", "two"])), draw(st.sampled_from(["en", "en", "fr"]))
    return article(text, name=name, event=str(number), time=time, tenant=tenant, language=language)


sizes = st.lists(st.integers(1, 8), max_size=8)


def deliver(partition: Partition, stream: Stream, batches: Sequence[int] = ()) -> list[Outcome]:
    return partition.deliver(stream.events, offsets=stream.offsets, sizes=batches) if stream.events else []


def told_to_consumers(outcomes: Sequence[Outcome]) -> list[object]:
    """Everything but the changelog, byte for byte; ``previous`` there tells of other scopes."""
    return [
        (one.result, one.is_repeat, [output for output in one.outputs if output.topic != TOPICS.fingerprints])
        for one in outcomes
    ]


def told_of_the_article(outcome: Outcome) -> list[object]:
    topics = (TOPICS.enriched, TOPICS.duplicates)
    return [output for output in outcome.outputs if output.topic in topics]


@given(streams(), sizes, sizes)
@settings(max_examples=100, deadline=None)
def test_outputs_do_not_depend_on_batches_or_on_the_store(stream: Stream, one: list[int], other: list[int]) -> None:
    with TemporaryDirectory() as folder:
        memory = Partition(MemoryStore())
        rocks = Partition(RocksStore(Path(folder) / "index"))
        assert deliver(memory, stream, one) == deliver(rocks, stream, other)
        rocks.index.close()


@given(streams(), sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_outputs_do_not_depend_on_being_stopped_and_opened_again(
    stream: Stream, batches: list[int], data: st.DataObject
) -> None:
    expected = deliver(Partition(MemoryStore()), stream)
    stop = data.draw(st.integers(1, len(stream.events)), label="stopped at")
    with TemporaryDirectory() as folder:
        told: list[Outcome] = []
        for piece in (stream.cut(0, stop), stream.cut(stop)):
            partition = Partition(RocksStore(Path(folder) / "index"))
            told += deliver(partition, piece, batches)
            partition.index.close()
    assert told == expected


@given(streams(), sizes)
@settings(max_examples=60, deadline=None)
def test_outputs_do_not_depend_on_what_is_at_hand(stream: Stream, batches: list[int]) -> None:
    """An index opened anew for each event reads everything from its store."""
    store = MemoryStore()
    told = [
        outcome
        for event, offset in zip(*stream, strict=True)
        for outcome in Partition(store).deliver([event], offsets=[offset])
    ]
    assert told == deliver(Partition(MemoryStore()), stream, batches)


@given(streams(), sizes, sizes, st.data())
@settings(max_examples=200, deadline=None)
def test_an_index_restored_from_the_changelog_decides_as_the_original(
    stream: Stream, batches: list[int], restored: list[int], data: st.DataObject
) -> None:
    stop = data.draw(st.integers(1, len(stream.events)), label="resumed at")
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    deliver(original, stream.cut(0, stop), batches)
    _restore(again, original, restored)
    assert again.index.documents == original.index.documents
    assert again.index.last_offset == original.index.last_offset
    rest = stream.cut(stop)
    assert deliver(again, rest) == deliver(original, rest)


@given(streams(), sizes)
@settings(max_examples=150, deadline=None)
def test_a_restore_from_nothing_writes_what_one_record_after_another_does(stream: Stream, restored: list[int]) -> None:
    original = Partition(MemoryStore())
    deliver(original, stream)
    again = Partition(MemoryStore())
    _restore(again, original, restored)
    assert _held(again) == _held_one_by_one(original)


def test_a_cluster_goes_with_its_generation_in_the_middle_of_a_batch_too() -> None:
    story, filler = _TEXTS[0], [prose(seed, 40) for seed in "pqrst"]
    written = [("a", story), ("b", story), *((f"n{place}", text) for place, text in enumerate(filler)), ("a", story)]
    days, offsets = (0, 0, 8, 8, 17, 17, 17, 17), (0, 1, 2, 3 + FAR, 4 + FAR, 5 + FAR, 5 + 2 * FAR, 6 + 2 * FAR)
    events: list[Event] = [
        article(text, name=name, event=str(number), time=START_MS + day * DAY_MS)
        for number, ((name, text), day) in enumerate(zip(written, days, strict=True))
    ]
    original = Partition(MemoryStore())
    told = deliver(original, Stream(events, list(offsets)))
    assert [one.result for one in (told[1], told[-1])] == ["copy", "new"]
    again = Partition(MemoryStore())
    _restore(again, original, [])
    assert _held(again) == _held_one_by_one(original)


def _restore(again: Partition, original: Partition, sizes: Sequence[int]) -> None:
    """Take over the changelog of ``original``, so many records at a time, and the rest."""
    changelog, start = original.changelog, 0
    for size in [*sizes, len(changelog)]:
        again.index.apply_changelog(changelog[start : start + size], changelog_end=min(start + size, len(changelog)))
        start += size


def _held_one_by_one(original: Partition) -> dict[bytes, bytes]:
    again = Partition(MemoryStore())
    for end, event in enumerate(original.changelog, 1):
        again.index.begin_transaction()  # a session ends a restore, and with it what the restore knew
        again.index.apply_changelog([event], changelog_end=end)
    return _held(again)


def _held(partition: Partition) -> dict[bytes, bytes]:
    store = partition.index.store
    assert isinstance(store, MemoryStore)
    return store.values


@given(streams(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_trimmed_changelog_is_taken_over_and_decided_on(stream: Stream, data: st.DataObject) -> None:
    original, again = Partition(MemoryStore()), Partition(MemoryStore())
    deliver(original, stream)
    start = data.draw(st.integers(0, len(original.changelog)), label="trimmed to")
    kept = original.changelog[start:]
    assert again.index.apply_changelog(kept, changelog_end=len(original.changelog)) == len(kept)
    later = [article(text, time=START_MS + 9 * DAY_MS, tenant="one") for text in _TEXTS]
    first = stream.offsets[-1] + 1
    takedowns: list[Event] = [takedown(name, tenant="one") for name in ("a", "b")]
    again.deliver([*later, *takedowns, *later], offsets=range(first, first + 2 * len(later) + 2))


@given(streams(), sizes, st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_read_again_after_a_crash_gets_its_first_verdict_or_is_withdrawn(
    stream: Stream, batches: list[int], data: st.DataObject
) -> None:
    partition = Partition(MemoryStore())
    told = deliver(partition, stream, batches)
    earliest = partition.index.last_offset - REDELIVERED_OFFSETS_MAX
    # Behind the last record stand takedowns of nothing, which are no news either.
    redelivered = [place for place, offset in enumerate(stream.offsets) if offset > earliest]
    start = data.draw(st.sampled_from(redelivered), label="read again from")
    again = deliver(partition, stream.cut(start), data.draw(sizes))
    for event, first, second in zip(stream.events[start:], told[start:], again, strict=True):
        if isinstance(event, NormalizedEvent):
            assert second.result in (first.result, "withdrawn")
            if second.result == first.result:
                assert told_of_the_article(second) == told_of_the_article(first)
            else:
                assert not second.outputs


@given(streams(), sizes)
@settings(max_examples=80, deadline=None)
def test_a_tenant_is_told_the_same_with_and_without_others_in_its_partition(stream: Stream, batches: list[int]) -> None:
    both = deliver(Partition(MemoryStore()), stream, batches)
    for tenant in ("one", "two"):
        mine = [place for place, event in enumerate(stream.events) if event.tenant == tenant]
        alone = Stream([stream.events[place] for place in mine], [stream.offsets[place] for place in mine])
        told = deliver(Partition(MemoryStore()), alone)
        assert told_to_consumers(told) == told_to_consumers([both[place] for place in mine])


@given(streams())
@settings(max_examples=100, deadline=None)
def test_nobody_is_a_copy_of_what_was_withdrawn(stream: Stream) -> None:
    outcomes = deliver(Partition(MemoryStore()), stream)
    gone: set[tuple[str, str]] = set()
    for event, outcome in zip(stream.events, outcomes, strict=True):
        if not isinstance(event, NormalizedEvent):
            keys = {(output.key or b"").decode() for output in outcome.outputs if output.topic == TOPICS.enriched}
            gone |= {(event.tenant, key) for key in keys}
        elif not outcome.is_repeat:
            assert not any(_names(outcome, name) for tenant, name in gone if tenant == event.tenant)
            gone.discard((event.tenant, event.id))


def _names(outcome: Outcome, name: str) -> bool:
    marks = [f'"{field}":"{name}"'.encode() for field in ("duplicate_of", "canonical_id")]
    return any(mark in (output.value or b"") for output in outcome.outputs for mark in marks)
