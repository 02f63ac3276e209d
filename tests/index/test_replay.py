"""Random streams: a verdict depends on the earlier messages of its scope and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from index.kit import DAY_MS, FAR, HOUR_MS, START_MS, Decided, Partition, article, part, prose
from stream.events import NormalizedEvent
from stream.index.rocks import RocksStore
from stream.index.scope import REDELIVERED_OFFSETS_MAX
from stream.index.store import MemoryStore

_TEXTS: Final = [
    *(variant for seed in "ab" for story in [prose(seed, 80)] for variant in (
        story, part(story, 0, 30), f"{part(story, 0, 70)} {prose(seed + 'x', 8)}",
        f"{part(story, 0, 40)} {prose('c', 60)}", f"{story} {prose(seed + 'y', 80)}",
    )),
    "short one",
]  # fmt: skip


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[NormalizedEvent], list[int]]:
    """Articles of two tenants with copies, excerpts, updates and re-deliveries, and their offsets."""
    time, offset = START_MS, -1
    articles: list[NormalizedEvent] = []
    offsets: list[int] = []
    for number in range(draw(st.integers(2, 25))):
        time += draw(st.sampled_from([0, HOUR_MS, 2 * DAY_MS, 4 * DAY_MS, 8 * DAY_MS, -9 * DAY_MS]))
        offset += draw(st.sampled_from([1, 1, 1, FAR // 2, FAR]))
        name, text = draw(st.sampled_from(["a", "b", f"n{number}"])), draw(st.sampled_from(_TEXTS))
        same = articles and draw(st.integers(0, 5)) == 0
        articles.append(
            draw(st.sampled_from(articles))
            if same
            else article(text, name=name, event=f"{number}", time=time, tenant=draw(st.sampled_from(["one", "two"])))
        )
        offsets.append(offset)
    return articles, offsets


sizes = st.lists(st.integers(1, 8), max_size=8)


def told_to_consumers(decided: Sequence[Decided]) -> list[object]:
    return [(one.verdict, one.revision, one.is_repeat, one.cluster) for one in decided]


@given(streams(), sizes, sizes)
@settings(max_examples=80, deadline=None)
def test_verdicts_do_not_depend_on_batches_or_on_the_store(
    stream: tuple[list[NormalizedEvent], list[int]], one: list[int], other: list[int]
) -> None:
    articles, offsets = stream
    with TemporaryDirectory() as folder:
        memory = Partition(MemoryStore())
        rocks = Partition(RocksStore(Path(folder) / "index"))
        assert told_to_consumers(memory.run(articles, offsets=offsets, sizes=one)) == told_to_consumers(
            rocks.run(articles, offsets=offsets, sizes=other)
        )
        assert memory.changelog == rocks.changelog
        rocks.index.close()


@given(streams(), sizes, sizes, st.data())
@settings(max_examples=150, deadline=None)
def test_an_index_restored_from_the_changelog_decides_as_the_original(
    stream: tuple[list[NormalizedEvent], list[int]], batches: list[int], restored: list[int], data: st.DataObject
) -> None:
    articles, offsets = stream
    stop = data.draw(st.integers(1, len(articles)), label="resumed at")
    original = Partition(MemoryStore())
    original.run(articles[:stop], offsets=offsets[:stop], sizes=batches)
    again = Partition(MemoryStore())
    changelog, start = list(original.changelog), 0
    for size in [*restored, len(changelog)]:
        again.index.restore(changelog[start : start + size], changelog_end=start + size)
        start += size
    assert again.index.documents == original.index.documents
    expected = original.run(articles[stop:], offsets=offsets[stop:]) if stop < len(articles) else []
    told = again.run(articles[stop:], offsets=offsets[stop:]) if stop < len(articles) else []
    assert told_to_consumers(told) == told_to_consumers(expected)


@given(streams(), sizes, st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_read_again_after_a_crash_gets_its_first_verdict(
    stream: tuple[list[NormalizedEvent], list[int]], batches: list[int], data: st.DataObject
) -> None:
    articles, offsets = stream
    partition = Partition(MemoryStore())
    told = partition.run(articles, offsets=offsets, sizes=batches)
    earliest = partition.index.last_offset - REDELIVERED_OFFSETS_MAX
    redelivered = [place for place, offset in enumerate(offsets) if offset > earliest]
    start = data.draw(st.sampled_from(redelivered), label="read again from")
    again = partition.run(articles[start:], offsets=offsets[start:], sizes=data.draw(sizes))
    assert [(one.verdict, one.revision) for one in again] == [(one.verdict, one.revision) for one in told[start:]]


@given(streams(), sizes)
@settings(max_examples=80, deadline=None)
def test_a_scope_is_told_the_same_with_and_without_others_in_its_partition(
    stream: tuple[list[NormalizedEvent], list[int]], batches: list[int]
) -> None:
    articles, offsets = stream
    both = Partition(MemoryStore()).run(articles, offsets=offsets, sizes=batches)
    for tenant in ("one", "two"):
        mine = [place for place, one in enumerate(articles) if one.tenant == tenant]
        alone = Partition(MemoryStore())
        told = (
            alone.run([articles[place] for place in mine], offsets=[offsets[place] for place in mine]) if mine else []
        )
        assert told_to_consumers(told) == told_to_consumers([both[place] for place in mine])
