"""Requeueing dead letters: which ones are sent, which ones are skipped and why, and the sending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from kafka.errors import KafkaError

from stream.core.contracts.records import OutputRecord, RecordMetadata
from stream.core.contracts.topics import Topics
from stream.dead_letters.parsed_dead_letter import (
    DeadLetter,
    DeadLetterFilter,
    RecordId,
    is_readable_normalized,
    requeued_record,
)
from stream.dead_letters.topic_reader import OnProgress, RejectedTopicReader, ignore_progress
from stream.errors import BrokerError

#: The producer's buffer has no limit of its own.
UNSENT_BYTES_MAX: Final = 32 * 1024 * 1024
#: Estimated size of a record beside its value.
_RECORD_BYTES: Final = 1024
#: A little longer than the producer retries.
_DELIVERY_S: Final = 130.0


class SkipReason(Enum):
    """Why a dead letter that matches the filters is not requeued; the value completes "3 skipped: ..."."""

    NEWER = "a newer dead letter of the same event exists"
    ATTEMPTS = "already requeued --max-attempts times; fix what rejects them, then raise --max-attempts"
    BEFORE = "already requeued"
    LIMIT = "over the --limit"
    NORMALIZED = "from the normalized topic, where only the normalize step may write; see --help"
    UNREADABLE = "from the normalized topic, and this version cannot read them either"
    OTHER_TOPIC = "from a topic that does not belong to this flow; check STREAM_TOPIC_PREFIX"
    FOREIGN = "without their origin in the headers; they were not written by this project"
    UNSENDABLE = "without key and value, or with a header without a value; the Kafka client cannot send these"
    GONE = "deleted by retention in the meantime"


@dataclass(frozen=True, slots=True)
class RequeueRules:
    """Which dead letters may be requeued."""

    topics: Topics
    attempts_max: int
    also_normalized: bool = False

    def skip_reason(self, dead_letter: DeadLetter) -> SkipReason | None:
        """Why ``dead_letter`` is not requeued; None if it is."""
        if dead_letter.origin is None:
            return SkipReason.FOREIGN
        if dead_letter.origin.topic == self.topics.normalized:
            if not self.also_normalized:
                return SkipReason.NORMALIZED
            if not is_readable_normalized(dead_letter):
                return SkipReason.UNREADABLE
        elif dead_letter.origin.topic != self.topics.raw:
            return SkipReason.OTHER_TOPIC
        has_empty_header = any(value is None for _, value in dead_letter.headers)
        if has_empty_header or (dead_letter.key is None and dead_letter.value is None):
            return SkipReason.UNSENDABLE
        return SkipReason.ATTEMPTS if dead_letter.attempts >= self.attempts_max else None


@dataclass(frozen=True, slots=True)
class Selected:
    """A dead letter to requeue, without its content."""

    record_id: RecordId
    origin: RecordId
    code: str
    time: int


@dataclass(frozen=True, slots=True)
class RequeuePlan:
    """The dead letters to requeue, in the order of their time, and how many are skipped for which reason."""

    selected: Sequence[Selected]
    skipped: Mapping[SkipReason, int]

    @property
    def needs_attention(self) -> bool:
        """Whether some are skipped although the user may want them requeued."""
        return bool(self.skipped.keys() - {SkipReason.NEWER, SkipReason.BEFORE, SkipReason.LIMIT})

    @property
    def codes(self) -> Counter[str]:
        """How many are selected, by rejection code."""
        return Counter(item.code for item in self.selected)

    def without_requeued(self, ids: set[str]) -> RequeuePlan:
        """The plan without those whose ids are in ``ids``, which were requeued before."""
        remaining = [item for item in self.selected if str(item.record_id) not in ids]
        return RequeuePlan(remaining, self.skipped).with_skipped(SkipReason.BEFORE, len(self.selected) - len(remaining))

    def limited_to(self, limit: int | None) -> RequeuePlan:
        """The plan with the ``limit`` oldest only; None keeps all."""
        oldest = self.selected[:limit]
        return RequeuePlan(oldest, self.skipped).with_skipped(SkipReason.LIMIT, len(self.selected) - len(oldest))

    def with_skipped(self, reason: SkipReason, count: int) -> RequeuePlan:
        """The plan with ``count`` more dead letters skipped for ``reason``."""
        return RequeuePlan(self.selected, +(Counter(self.skipped) + Counter({reason: count})))


@dataclass(slots=True)
class _Newest:
    """The newest dead letter of one event."""

    rank: tuple[int, int, RecordId]
    is_match: bool
    skip_reason: SkipReason | None
    selected: Selected | None


def plan_requeue(dead_letters: Iterable[DeadLetter], wanted: DeadLetterFilter, rules: RequeueRules) -> RequeuePlan:
    """Select from ``dead_letters`` those that match ``wanted`` and may be requeued.

    Of each event only the newest dead letter counts: it may have been requeued and rejected again, or a crash may have
    written its dead letter twice. So ``dead_letters`` must hold all since the oldest that can match.
    """
    events: dict[bytes, _Newest] = {}
    skipped: Counter[SkipReason] = Counter()
    for dead_letter in dead_letters:
        candidate = _examine(dead_letter, wanted, rules)
        existing = events.get(dead_letter.event_key)
        if existing is None:
            events[dead_letter.event_key] = candidate
            continue
        older, newer = sorted((existing, candidate), key=lambda item: item.rank)
        skipped[SkipReason.NEWER] += older.is_match
        events[dead_letter.event_key] = newer
    matches = [item for item in events.values() if item.is_match]
    skipped.update(item.skip_reason for item in matches if item.skip_reason)
    selected = [item.selected for item in matches if item.selected]
    return RequeuePlan(sorted(selected, key=lambda item: (item.time, item.origin)), +skipped)


def _examine(dead_letter: DeadLetter, wanted: DeadLetterFilter, rules: RequeueRules) -> _Newest:
    is_match = wanted.matches(dead_letter)
    reason = rules.skip_reason(dead_letter) if is_match else None
    selected = None
    if is_match and reason is None and dead_letter.origin:
        selected = Selected(dead_letter.record_id, dead_letter.origin, dead_letter.code, dead_letter.time)
    return _Newest((dead_letter.attempts, dead_letter.time, dead_letter.record_id), is_match, reason, selected)


@dataclass(slots=True)
class RequeueResult:
    """How many dead letters of each code were stored, and the failure that ended the run early, if any."""

    stored: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None


def requeue_all(
    reader: RejectedTopicReader, selected: Sequence[Selected], on_progress: OnProgress = ignore_progress
) -> RequeueResult:
    """Requeue ``selected`` in the order of their time. Ends early if ``reader`` is stopped, or at a failure.

    Raises:
        BrokerError: before anything is sent.
    """
    partitions = {topic: reader.partition_count(topic) for topic in {item.origin.topic for item in selected}}
    result = RequeueResult()
    with reader.producer() as producer:
        try:
            _send_all(producer, _read_selected(reader, selected, on_progress), partitions, result)
        except (KafkaError, BrokerError) as error:
            result.failure = result.failure or error
    return result


def requeue_one(reader: RejectedTopicReader, out: OutputRecord) -> RecordMetadata:
    """Send one record, and return where it is stored.

    Raises:
        BrokerError: the broker does not store it.
    """
    partitions = reader.partition_count(out.topic)
    with reader.producer() as producer:
        try:
            stored = _send(producer, out, partitions).get(_DELIVERY_S)
        except KafkaError as error:
            raise BrokerError(f"it was not requeued: {error}; try again") from error
    return RecordMetadata(stored.topic, stored.partition, stored.offset)


def _read_selected(
    reader: RejectedTopicReader, selected: Sequence[Selected], on_progress: OnProgress
) -> Iterator[DeadLetter]:
    ids = {item.record_id for item in selected}
    for dead_letter in reader.read(reader.ranges_covering(ids)):
        if dead_letter.record_id in ids:
            yield dead_letter
            on_progress(1)


def _send_all(
    producer: Any, dead_letters: Iterator[DeadLetter], partitions: Mapping[str, int], result: RequeueResult
) -> None:
    pending: list[tuple[str, Any]] = []
    unsent_bytes = 0
    try:
        for dead_letter in dead_letters:
            out = requeued_record(dead_letter)
            pending.append((dead_letter.code, _send(producer, out, partitions[out.topic])))
            unsent_bytes += len(out.value or b"") + _RECORD_BYTES
            if unsent_bytes > UNSENT_BYTES_MAX:
                _await_delivery(pending, result)
                unsent_bytes = 0
            if result.failure:
                return
    finally:
        _await_delivery(pending, result)


def _send(producer: Any, out: OutputRecord, partitions: int) -> Any:
    # The topic may have been recreated with fewer partitions: the key chooses one then.
    partition = out.partition if (out.partition or 0) < partitions else None
    return producer.send(out.topic, value=out.value, key=out.key, headers=list(out.headers), partition=partition)


def _await_delivery(pending: list[tuple[str, Any]], result: RequeueResult) -> None:
    """Wait for every pending record. Not with the producer's flush, which fails if a batch has to be split."""
    for code, future in pending:
        try:
            future.get(_DELIVERY_S)
            result.stored[code] += 1
        except KafkaError as error:
            result.failure = result.failure or error
    pending.clear()
