"""What the measurements of the duplicate decision share: articles, and how they are decided in batches."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from stream.core.contracts import codec
from stream.core.contracts.events import FingerprintEvent, NormalizedEvent, Origin
from stream.core.dedup.fingerprint import compute_fingerprints
from stream.core.dedup.rules import decide
from stream.core.index.partition_index import PartitionIndex
from stream.core.normalize import EventContext, normalize
from stream.core.pipeline.decided_events import fingerprint_event, incoming_article
from stream.core.validation import parse_message, split_articles, validate
from stream.errors import Rejected
from stream.state.restore.loader import RECORDS_PER_CHUNK

BATCH: Final = 500
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
MIB: Final = 2**20
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of articles through an index: seconds, in all and by part; ``cpu`` counts RocksDB's threads too."""

    cpu: float
    wall: float
    parts: dict[str, float]
    recorded: list[FingerprintEvent]

    @property
    def relations(self) -> dict[str, int]:
        """How many articles have each relation."""
        return dict(sorted(Counter(event.duplicate.relation for event in self.recorded).items()))


def normalize_all(events: Iterable[dict[str, Any]], language: str | None = None) -> list[NormalizedEvent]:
    """Normalize ``events``; those that are rejected are left out."""
    return [article for number, row in enumerate(events) for article in _normalize(row, number, language)]


def _normalize(row: dict[str, Any], number: int, language: str | None) -> Iterator[NormalizedEvent]:
    event = {**row, "language": language} if language else row
    origin = Origin(topic="articles.raw", partition=0, offset=number)
    try:
        raw = validate(split_articles(parse_message(orjson.dumps(event)))[0])
        yield normalize(raw, EventContext(f"{number:032x}", origin, None, 0))
    except Rejected:
        return


def apply_changelog(index: PartitionIndex, changelog: Sequence[bytes]) -> None:
    """Decode changelog records from JSON and apply them to ``index``, as many at a time as a worker does."""
    applied = 0
    for start in range(0, len(changelog), RECORDS_PER_CHUNK):
        events = [codec.decode(value, FingerprintEvent) for value in changelog[start : start + RECORDS_PER_CHUNK]]
        applied += index.apply_changelog(events, changelog_end=start + len(events))
    assert applied == len(changelog)  # noqa: S101 - else the rate is that of something else


def run_in_process(work: Callable[[], _Result]) -> _Result:
    """Run ``work`` in a new process, whose memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def resident_bytes() -> int:
    """The memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def decide_all(index: PartitionIndex, articles: Sequence[NormalizedEvent]) -> Pass:
    """Decide ``articles`` and add them to ``index``, after those that it has."""
    parts: dict[str, float] = defaultdict(float)
    recorded: list[FingerprintEvent] = []
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(articles), BATCH):
        recorded += _decide_batch(index, articles[start : start + BATCH], parts)
    seconds = time.process_time() - cpu, time.perf_counter() - wall
    return Pass(*seconds, dict(parts), recorded)


def _decide_batch(
    index: PartitionIndex, articles: Sequence[NormalizedEvent], parts: dict[str, float]
) -> list[FingerprintEvent]:
    clock, recorded = time.perf_counter, []
    started = clock()
    prints = compute_fingerprints((article.text, article.title) for article in articles)
    subjects = [incoming_article(article, fingerprint) for article, fingerprint in zip(articles, prints, strict=True)]
    fingerprinted = clock()
    transaction = index.begin_transaction()
    transaction.prefetch([(subject, article.event_id) for subject, article in zip(subjects, articles, strict=True)])
    done = clock()
    parts["fingerprint"] += fingerprinted - started
    parts["prefetch"] += done - fingerprinted
    for article, subject in zip(articles, subjects, strict=True):
        offset, lookup_start = transaction.position.last + 1, done
        if transaction.find_earlier_decision(
            subject.scope, article.event_id, offset=offset, time_ms=article.event_time
        ):
            continue
        candidates = transaction.find_candidates(subject, time_ms=article.event_time)
        lookup_end = clock()
        verdict = decide(subject, candidates)
        decision_end = clock()
        event = fingerprint_event(article, subject, verdict, transaction.position, offset=offset)
        transaction.add(event)
        recorded.append(event)
        done = clock()
        parts["look-up"] += lookup_end - lookup_start
        parts["decide"] += decision_end - lookup_end
        parts["record"] += done - decision_end
    index.commit(transaction)
    parts["commit"] += clock() - done
    return recorded
