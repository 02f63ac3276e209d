"""The first step: validate and normalize the articles of a raw record.

`stream.core.pipeline.deduplicate` is the second step. Both are pure functions of their input, for every shell (Faust,
files, tests, benchmarks): the time of day is the argument ``now``, and appears only in headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import NormalizedEvent, Origin, TakedownEvent
from stream.core.contracts.records import LogId, OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.contracts.trace_context import trace_headers
from stream.core.normalize import EventContext, normalize, normalize_takedown
from stream.core.pipeline.dead_letter import build_dead_letter, require_content
from stream.core.pipeline.outcome import Outcome, Wrap, add_trace_headers, no_wrap, scope_of
from stream.core.pipeline.ownership import TakedownOwners
from stream.core.timestamps import format_rfc3339
from stream.core.validation import DEFAULT_LIMITS, Limits, parse_message, split_articles, validate
from stream.errors import Rejected


class Normalizer:
    """Turns records of the raw topic into records of the normalized topic, and dead letters. Stateless.

    Args:
        topics: Names of the topics.
        partitions: Number of partitions of the normalized topic; a takedown goes to all of them.
        limits: Limits of a message.
        wrap: Wraps each part of the step, for example in a timer.
        takedown_owners: Which senders may withdraw which articles; by default all may withdraw all.
    """

    def __init__(
        self,
        topics: Topics,
        *,
        partitions: int = 1,
        limits: Limits = DEFAULT_LIMITS,
        wrap: Wrap = no_wrap,
        takedown_owners: TakedownOwners = TakedownOwners(),  # noqa: B008 - immutable
    ) -> None:
        self._topics = topics
        self._partitions = partitions
        self._limits = limits
        self._takedown_owners = takedown_owners
        self._parse = wrap("parse", parse_message)
        self._validate = wrap("validate", validate)
        self._normalize = wrap("normalize", normalize)
        self._encode = wrap("encode_normalized", self._article_output)

    def __call__(
        self,
        record: Record,
        *,
        now: str,
        default_time_ms: int = 0,
        latest_ms: int | None = None,
        log: LogId | None = None,
    ) -> list[Outcome]:
        """Return an outcome for each article in ``record``, and one for all that were rejected.

        Args:
            record: A record of the raw topic.
            now: RFC 3339, for headers.
            default_time_ms: Event time, in milliseconds since 1970, of articles that have none in a record without a
                timestamp.
            latest_ms: What takes the place of the timestamp, of a record without one, as the bound of its dates.
            log: The log that the record is in; None if the source has no logs (files).
        """
        try:
            items, identity, is_array = self._parse_items(record, log)
        except Rejected as error:
            return [self._reject(record, [(None, error)], log)]
        trace = trace_headers(record.headers)
        outcomes: list[Outcome] = []
        rejected: list[tuple[int | None, Rejected]] = []
        for i, item in enumerate(items):
            index = i if is_array else None
            try:
                context = _event_context(record, index, log, default_time_ms, latest_ms)
                outcomes.append(add_trace_headers(self._normalize_item(record, item, context, identity, now), trace))
            except Rejected as error:
                rejected.append((index, error))
        if rejected:
            outcomes.append(self._reject(record, rejected, log))
        return outcomes

    def _parse_items(self, record: Record, log: LogId | None) -> tuple[list[Any], cloudevents.Identity, bool]:
        require_content(record)
        parsed, identity = self._parse(record.value, self._limits), cloudevents.event_identity(record, log)
        if cloudevents.is_structured(record) and isinstance(parsed, dict):
            parsed, identity = cloudevents.unwrap(parsed, identity)
        return split_articles(parsed, self._limits), identity, isinstance(parsed, list)

    def _normalize_item(
        self, record: Record, item: Any, context: EventContext, identity: cloudevents.Identity, now: str
    ) -> Outcome:
        """Validate and normalize one article or takedown; its id depends on its scope, which is known only then."""
        raw = self._validate(item, self._limits)
        if raw.status == "canceled":
            takedown = normalize_takedown(raw, context)
            event_id = cloudevents.event_id(identity, context.origin.item, scope=f"{takedown.tenant}/*")
            domains = self._takedown_owners.allowed_domains(record, identity, takedown.tenant)
            takedown = replace(takedown, event_id=event_id, domains=domains)
            return Outcome("normalized", self._takedown_outputs(takedown, now), event_time_ms=takedown.event_time)
        article = self._normalize(raw, context)
        event_id = cloudevents.event_id(identity, context.origin.item, scope=scope_of(article))
        article = replace(article, event_id=event_id)
        return Outcome("normalized", [self._encode(article, now)], event_time_ms=article.event_time)

    def _article_output(self, article: NormalizedEvent, now: str) -> OutputRecord:
        topic = self._topics.normalized
        headers = cloudevents.headers(f"/{topic}", article.event_id, cloudevents.NORMALIZED, now, tenant=article.tenant)
        return OutputRecord(topic, scope_of(article).encode(), codec.encode(article), headers)

    def _takedown_outputs(self, takedown: TakedownEvent, now: str) -> list[OutputRecord]:
        """One record for each partition: a takedown does not name the language, and so not the partition."""
        topic = self._topics.normalized
        headers = cloudevents.headers(f"/{topic}", takedown.event_id, cloudevents.TAKEDOWN, now, tenant=takedown.tenant)
        key, value = f"{takedown.tenant}/*".encode(), codec.encode(takedown)
        return [OutputRecord(topic, key, value, headers, partition) for partition in range(self._partitions)]

    def _reject(self, record: Record, errors: Sequence[tuple[int | None, Rejected]], log: LogId | None) -> Outcome:
        output = build_dead_letter(self._topics.rejected, record, "normalize", errors, log=log)
        return Outcome("rejected", [output], code=errors[0][1].code)


def _event_context(
    record: Record, item: int | None, log: LogId | None, default_time_ms: int, latest_ms: int | None
) -> EventContext:
    timestamp = _timestamp(record)
    origin = Origin(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=format_rfc3339(timestamp) if timestamp is not None else None,
        item=item,
        topic_id=log.topic_id if log else None,
        leader_epoch=log.leader_epoch if log else None,
    )
    if timestamp is None:
        return EventContext("", origin, latest_ms, default_time_ms)
    return EventContext("", origin, timestamp, timestamp)


def _timestamp(record: Record) -> int | None:
    """The record's timestamp in milliseconds, if it is valid: producers choose it, and clients write -1 for none."""
    timestamp = record.timestamp
    return timestamp if timestamp is not None and 0 <= timestamp <= _TIMESTAMP_MAX else None


#: The last millisecond of the year 9999.
_TIMESTAMP_MAX: Final = 253_402_300_799_999
