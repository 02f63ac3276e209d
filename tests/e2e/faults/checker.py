"""Compares what was published with the oracle, and the commits with what was stored at that moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from stream.core.contracts.records import Record
from stream.core.index import keys
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import decode_changelog_event
from stream.settings import Settings
from tests.e2e.faults.oracle import Expected, Oracle, Place, Written, expect, written

#: Topic and partition.
Tp = tuple[str, int]
#: What was published, and all places where it stands.
Places = Mapping[Written, Sequence[Place]]
_TOLD_MAX: Final = 8
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """Committed offsets of the input topics, and then the ends of the output topics."""

    committed: Mapping[Tp, int]
    ends: Mapping[Tp, int]


@dataclass(slots=True)
class Judgement:
    """What was found. All lists are empty where the promise was kept.

    ``missing``: was to be published and is not. ``different``: was published and is not what the oracle says.
    ``stale``: what consumers see last is not what is so. ``early``: was committed before its outputs were stored.
    ``broken``: the changelog does not give the index. ``untold``: articles that were withdrawn before they were told,
    which is no mistake.
    """

    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    events: int = 0
    repeated: int = 0
    untold: int = 0

    @property
    def is_good(self) -> bool:
        """Nothing is lost, and nothing differs."""
        return not (self.missing or self.different or self.stale or self.early or self.broken)

    def lines(self) -> list[str]:
        """The first findings of each sort."""
        found = []
        for name in ("missing", "different", "stale", "early", "broken"):
            told: list[str] = getattr(self, name)
            found += [f"{name}: {line}" for line in told[:_TOLD_MAX]]
            if len(told) > _TOLD_MAX:
                found.append(f"{name}: {len(told)} in all")
        return found


def judge(settings: Settings, log: Mapping[str, Sequence[Record]], samples: Sequence[Sample]) -> Judgement:
    """Compare ``log``, each topic's records by partition and offset, with what the pure core says."""
    oracle = expect(settings, log)
    found = Judgement(events=sum(len(one.outputs) for one in oracle.normalized))
    there = _all_places(settings, log)
    _compare(settings, oracle, log, there, found)
    _check_last(settings, oracle, log, found)
    _fold(settings, oracle, log, found)
    _check_commits(oracle, there, samples, found, _cluster_states(settings, oracle))
    return found


def _all_places(settings: Settings, log: Mapping[str, Sequence[Record]]) -> Places:
    """Where each thing that was published stands: what has no key may be in another partition when it is repeated."""
    places: dict[Written, list[Place]] = defaultdict(list)
    for topic, records in log.items():
        if topic != settings.topics.raw:
            for record in records:
                places[written(record, settings.topics)].append(Place(*_at(record)))
    return dict(places)


def _at(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _compare(
    settings: Settings,
    oracle: Oracle,
    log: Mapping[str, Sequence[Record]],
    there: Places,
    found: Judgement,
) -> None:
    wanted = {output for one in (*oracle.normalized, *oracle.decided) for output in one.outputs}
    states = _cluster_states(settings, oracle)
    later = withdrawn_later(oracle)
    for one in (*oracle.normalized, *oracle.decided):
        for output in one.outputs:
            if output in there or _is_overtaken(output, there, states):
                continue
            if (one.place, output.key or b"") in later:
                found.untold += 1
            else:
                found.missing.append(f"of {one.place}: {output}")
    for output, places in there.items():
        if output not in wanted:
            found.different.append(f"at {places[0]}: {output}")
    stored = sum(len(records) for topic, records in log.items() if topic != settings.topics.raw)
    found.repeated = stored - len(there)


def withdrawn_later(oracle: Oracle) -> set[tuple[Place, bytes]]:
    """Events whose article a later record of their partition takes down: read again after a crash, none is told."""
    later: set[tuple[Place, bytes]] = set()
    gone: dict[int, set[bytes]] = defaultdict(set)
    for one in reversed(oracle.decided):
        leaving = gone[one.place.partition]
        later.update((one.place, output.key or b"") for output in one.outputs if output.key in leaving)
        leaving |= one.withdrawn
    return later


def _cluster_states(settings: Settings, oracle: Oracle) -> dict[bytes, list[Written]]:
    """What is told of each cluster, in order."""
    states: dict[bytes, list[Written]] = defaultdict(list)
    for one in oracle.decided:
        for output in one.outputs:
            if output.topic == settings.topics.clusters:
                states[output.key or b""].append(output)
    return states


def _is_overtaken(output: Written, there: Places, states: Mapping[bytes, list[Written]]) -> bool:
    """A later state of the cluster was told instead: the topic keeps the newest."""
    known = states.get(output.key or b"", ())
    if output not in known:
        return False
    return any(state in there for state in known[known.index(output) :])


def _check_last(settings: Settings, oracle: Oracle, log: Mapping[str, Sequence[Record]], found: Judgement) -> None:
    """Whoever keeps the last record of each key sees what is so."""
    topics = settings.topics
    for topic in (topics.enriched, topics.duplicates, topics.clusters):
        expected: dict[bytes, Written] = {}
        partitions: dict[bytes, set[int]] = defaultdict(set)
        for one in oracle.decided:
            for output in one.outputs:
                if output.topic == topic:
                    expected[output.key or b""] = output
                    partitions[output.key or b""].add(one.place.partition)
        last = {record.key or b"": record for record in log[topic]}
        for key, output in expected.items():
            # Between partitions there is no order.
            if len(partitions[key]) == 1 and key in last and last[key].value != output.value:
                found.stale.append(
                    f"the last at {Place(*_at(last[key]))} is {written(last[key], topics)}, not {output}"
                )


def _fold(settings: Settings, oracle: Oracle, log: Mapping[str, Sequence[Record]], found: Judgement) -> None:
    """A restore from the changelog gives the index that decided."""
    topic = settings.topics.fingerprints
    for partition, expected in oracle.changelogs.items():
        store = MemoryStore()
        index = PartitionIndex(store, window_ms=settings.window_ms)
        records = [record for record in log[topic] if record.partition == partition]
        taken = chain(records)
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            index.apply_changelog(
                [decode_changelog_event(record) for record in batch], changelog_end=batch[-1].offset + 1
            )
        if [(r.key, r.value) for r in taken] != [(out.key, out.value) for out in expected]:
            found.broken.append(
                f"{topic}/{partition}: a restore takes over {len(taken)} of {len(records)} records, not {len(expected)}"
            )
        elif _contents(store) != _contents(oracle.indexes[partition].store):
            found.broken.append(f"{topic}/{partition}: a restore gives another index")


def chain(records: Sequence[Record]) -> list[Record]:
    """The records of a changelog that follow each other; a restore leaves out the others."""
    taken, last = [], -1
    for record in records:
        event = decode_changelog_event(record)
        if event.offset > last and last in (-1, event.previous):
            taken.append(record)
            last = event.offset
    return taken


def _contents(store: object) -> dict[bytes, bytes]:
    """All but the position, which tells how far the changelog was read."""
    assert isinstance(store, MemoryStore)
    values = store.values
    return {key: value for key, value in values.items() if key != keys.POSITION}


def _check_commits(
    oracle: Oracle,
    there: Places,
    samples: Sequence[Sample],
    found: Judgement,
    states: Mapping[bytes, list[Written]],
) -> None:
    """Nothing was committed whose outputs were not stored at that moment."""
    later = withdrawn_later(oracle)
    queues: dict[Tp, list[Expected]] = defaultdict(list)
    for one in (*oracle.normalized, *oracle.decided):
        queues[one.place.topic, one.place.partition].append(one)
    checked: dict[Tp, int] = defaultdict(int)
    for sample in samples:
        for tp, committed in sample.committed.items():
            queue, start = queues[tp], checked[tp]
            stop = start
            while stop < len(queue) and queue[stop].place.offset < committed:
                stop += 1
            checked[tp] = stop
            for one in queue[start:stop]:
                open_ = [out for out in one.outputs if not _was_stored(out, there, states, sample.ends)]
                found.early += [
                    f"{tp[0]}/{tp[1]} was committed up to {committed} before this of {one.place} was stored "
                    f"({_ends_of(out, sample.ends)}): {out}"
                    for out in open_
                    if (one.place, out.key or b"") not in later
                ]


def _ends_of(output: Written, ends: Mapping[Tp, int]) -> str:
    """Where the output's topic ended."""
    return ", ".join(
        f"{topic}/{partition} ends at {end}" for (topic, partition), end in ends.items() if topic == output.topic
    )


def _was_stored(output: Written, there: Places, states: Mapping[bytes, list[Written]], ends: Mapping[Tp, int]) -> bool:
    known = states.get(output.key or b"", ())
    instead: Iterable[Written] = known[known.index(output) :] if output in known else (output,)
    places = (place for one in instead for place in there.get(one, ()))
    return any(place.offset < ends.get((place.topic, place.partition), 0) for place in places)
