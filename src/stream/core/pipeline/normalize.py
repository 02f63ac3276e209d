"""The steps in order, record in and records out, for every shell: Faust, files, tests, benchmarks.

Raw bytes are validated and normalized here; `stream.core.pipeline.deduplicate` fingerprints, finds candidates and decides. Neither
knows a broker, a file or the time of day: ``now`` is handed in, and only headers carry it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import NormalizedEvent, Origin, TakedownEvent
from stream.core.contracts.records import OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.contracts.trace_context import trace_headers
from stream.core.normalize import EventContext, normalize, normalize_takedown
from stream.core.pipeline.dead_letter import dead_letter
from stream.core.pipeline.outcome import Outcome, Wrap, scope_of, traced, unwrapped
from stream.core.timestamps import format_rfc3339
from stream.core.validation import DEFAULT_LIMITS, Limits, parse_message, split_articles, validate
from stream.errors import Rejected


class Normalizer:
    """Records of the raw topic to records of the normalized topic and dead letters. Stateless.

    ``partitions``: of the normalized topic; a takedown goes to all of them.
    """

    def __init__(
        self, topics: Topics, *, partitions: int = 1, limits: Limits = DEFAULT_LIMITS, wrap: Wrap = unwrapped
    ) -> None:
        self._topics = topics
        self._partitions = partitions
        self._limits = limits
        self._parse = wrap("parse", parse_message)
        self._validate = wrap("validate", validate)
        self._normalize = wrap("normalize", normalize)
        self._publish = wrap("encode_normalized", self._outgoing)

    def __call__(self, record: Record, *, now: str, time: int = 0) -> list[Outcome]:
        """The outcome of each article in ``record``, and one of all that were rejected.

        ``now``: RFC 3339, for headers. ``time``: milliseconds, for events without a time of their own in
        records without one.
        """
        try:
            items, identity, is_array = self._items(record)
        except Rejected as error:
            return [self._reject(record, [(None, error)])]
        trace = trace_headers(record.headers)
        outcomes: list[Outcome] = []
        rejected: list[tuple[int | None, Rejected]] = []
        for position, item in enumerate(items):
            place = position if is_array else None
            try:
                context = _event_context(record, place, cloudevents.event_id(identity, place), time)
                outcomes.append(traced(self._passed(item, context, now), trace))
            except Rejected as error:
                rejected.append((place, error))
        if rejected:
            outcomes.append(self._reject(record, rejected))
        return outcomes

    def _items(self, record: Record) -> tuple[list[Any], cloudevents.Identity, bool]:
        parsed, identity = self._parse(record.value, self._limits), cloudevents.event_identity(record)
        if cloudevents.is_structured(record) and isinstance(parsed, dict):
            parsed, identity = cloudevents.unwrap(parsed, identity)
        return split_articles(parsed, self._limits), identity, isinstance(parsed, list)

    def _passed(self, item: Any, context: EventContext, now: str) -> Outcome:
        """The article, or the takedown, on its way to the next step."""
        raw = self._validate(item, self._limits)
        if raw.status == "canceled":
            takedown = normalize_takedown(raw, context)
            return Outcome("normalized", self._everywhere(takedown, now), time=takedown.event_time)
        article = self._normalize(raw, context)
        return Outcome("normalized", [self._publish(article, now)], time=article.event_time)

    def _outgoing(self, article: NormalizedEvent, now: str) -> OutputRecord:
        topic = self._topics.normalized
        headers = cloudevents.headers(f"/{topic}", article.event_id, cloudevents.NORMALIZED, now)
        return OutputRecord(topic, scope_of(article).encode(), codec.encode(article), headers)

    def _everywhere(self, takedown: TakedownEvent, now: str) -> list[OutputRecord]:
        """One for each partition: a takedown does not tell its article's language, and so not where it is known."""
        topic = self._topics.normalized
        headers = cloudevents.headers(f"/{topic}", takedown.event_id, cloudevents.TAKEDOWN, now)
        key, value = f"{takedown.tenant}/*".encode(), codec.encode(takedown)
        return [OutputRecord(topic, key, value, headers, partition) for partition in range(self._partitions)]

    def _reject(self, record: Record, errors: Sequence[tuple[int | None, Rejected]]) -> Outcome:
        letter = dead_letter(self._topics.rejected, record, "normalize", errors)
        return Outcome("rejected", [letter], code=errors[0][1].code)


def _event_context(record: Record, item: int | None, event_id: str, time: int) -> EventContext:
    timestamp = _timestamp(record)
    origin = Origin(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=format_rfc3339(timestamp) if timestamp is not None else None,
        item=item,
    )
    return EventContext(event_id, origin, timestamp, timestamp if timestamp is not None else time)


def _timestamp(record: Record) -> int | None:
    """The record's time in milliseconds, if it is one: producers set it, and clients write -1 for none."""
    timestamp = record.timestamp
    return timestamp if timestamp is not None and 0 <= timestamp <= _TIMESTAMP_MAX else None


#: The last millisecond of the year 9999.
_TIMESTAMP_MAX: Final = 253_402_300_799_999
