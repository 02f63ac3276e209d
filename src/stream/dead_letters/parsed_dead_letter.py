"""Dead letters as they are read: what each one holds, which ones match a filter, and how one is requeued."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import NormalizedEvent, TakedownEvent
from stream.core.contracts.records import Headers, InputRecord, LogId, OutputRecord, Record
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, DEAD_LETTER_HEADER, HEADER_PREFIX, REQUEUE_PREFIX

_NUMBER: Final = re.compile(rb"-?[0-9]{1,18}")
_BOM: Final = b"\xef\xbb\xbf"


class RecordId(NamedTuple):
    """The coordinates of a Kafka record; as text, the id that users see: ``TOPIC/PARTITION/OFFSET``."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def short(self) -> str:
        """The id within its topic: ``PARTITION/OFFSET``."""
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. Times are milliseconds since 1970.

    Attributes:
        record_id: coordinates of the dead letter in the rejected topic.
        time: when the record was rejected.
        origin: coordinates of the original; None if the record does not name it, so this project did not write it.
        attempts: how many times the original has been requeued.
        key, value, headers: those of the original.
        log: the log that the original is in; None if it is not known.
    """

    record_id: RecordId
    time: int
    code: str
    message: str
    stage: str
    field: str | None
    items: str | None
    origin: RecordId | None
    origin_time: int | None
    attempts: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    log: LogId | None = None

    @property
    def identity(self) -> cloudevents.Identity:
        """The identity of the original event: its CloudEvents source and id, else its coordinates."""
        if self.origin is None:
            return cloudevents.event_identity(self._at(self.record_id))
        return cloudevents.event_identity(self._at(self.origin), self.log)

    def _at(self, record_id: RecordId) -> InputRecord:
        return InputRecord(*record_id, None, None, None, self.headers)

    @property
    def event_key(self) -> bytes:
        """A hash of identity and value: equal for all dead letters of one event, however often it was rejected."""
        source, name, _ = self.identity
        value = b"-" if self.value is None else b"+" + self.value
        identity = b"%d:%b%d:%b" % (len(source), source.encode("utf-8", "replace"), len(name), name.encode())
        return blake2b(identity + value, digest_size=16).digest()


def read_dead_letter(record: Record) -> DeadLetter:
    """Read a record of the rejected topic. Never fails: what is missing or malformed is left empty."""
    reasons = {name.removeprefix(HEADER_PREFIX): value or b"" for name, value in record.headers if _is_reason(name)}
    attempts = [value or b"" for name, value in record.headers if name == ATTEMPTS_HEADER]
    return DeadLetter(
        record_id=RecordId(record.topic, record.partition, record.offset),
        time=record.timestamp or 0,
        code=_text(reasons.get("code")),
        message=_text(reasons.get("message")),
        stage=_text(reasons.get("stage")),
        field=_text(reasons.get("field")) or None,
        items=_text(reasons.get("items")) or None,
        origin=_origin(reasons),
        origin_time=_number(reasons.get("timestamp")),
        attempts=max(0, _number(attempts[-1]) or 0) if attempts else 0,
        key=record.key,
        value=record.value,
        headers=tuple(
            header
            for header in record.headers
            if header[0] == cloudevents.ORIGIN_HEADER or not header[0].startswith((HEADER_PREFIX, REQUEUE_PREFIX))
        ),
        log=_log(reasons),
    )


def requeued_record(dead_letter: DeadLetter) -> OutputRecord:
    """The original record for the partition that it came from, with one more attempt counted.

    Key, value and headers are those of the original. An event without a CloudEvents source and id gets the coordinates
    of its first record in a header. They are the identity that it had, so an event that is requeued twice is a repeated
    delivery, and so are the valid items of an array.

    Raises:
        ValueError: the dead letter does not say where it comes from.
    """
    if dead_letter.origin is None:
        raise ValueError(f"{dead_letter.record_id} does not say where it comes from")
    source, name, is_claimed = dead_letter.identity
    added = [
        (ATTEMPTS_HEADER, b"%d" % (dead_letter.attempts + 1)),
        (DEAD_LETTER_HEADER, str(dead_letter.record_id).encode()),
    ]
    if not is_claimed:
        added.append((cloudevents.ORIGIN_HEADER, f"{source}/{name}".encode()))
    return OutputRecord(
        dead_letter.origin.topic,
        dead_letter.key,
        dead_letter.value,
        (*(header for header in dead_letter.headers if header[0] != cloudevents.ORIGIN_HEADER), *added),
        dead_letter.origin.partition,
    )


def is_readable_normalized(dead_letter: DeadLetter) -> bool:
    """Whether the original is a record of the normalize step that this version can read."""
    topic, partition, offset = dead_letter.origin or dead_letter.record_id
    record = InputRecord(topic, partition, offset, None, dead_letter.key, dead_letter.value, dead_letter.headers)
    kind: type[TakedownEvent | NormalizedEvent]
    kind = TakedownEvent if cloudevents.event_type(record) == cloudevents.TAKEDOWN else NormalizedEvent
    try:
        codec.decode(dead_letter.value or b"", kind)
    except codec.UNREADABLE:
        return False
    return True


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Selects dead letters; an empty set or None matches all. Times are those of the rejection, in milliseconds.

    ``sources``: topics, topic/partition pairs, CloudEvents sources or domains; a domain includes its subdomains.
    ``since`` is inclusive, ``until`` exclusive.
    """

    codes: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    record_ids: frozenset[RecordId] = frozenset()
    since: int | None = None
    until: int | None = None

    @property
    def selects_all(self) -> bool:
        """Whether there is no condition."""
        return self == DeadLetterFilter()

    def matches(self, dead_letter: DeadLetter) -> bool:
        """Whether ``dead_letter`` meets every condition."""
        return (
            (not self.record_ids or dead_letter.record_id in self.record_ids)
            and (not self.codes or dead_letter.code in self.codes)
            and (not self.stages or dead_letter.stage in self.stages)
            and (self.since is None or dead_letter.time >= self.since)
            and (self.until is None or dead_letter.time < self.until)
            and (not self.sources or self._matches_source(dead_letter))
        )

    def _matches_source(self, dead_letter: DeadLetter) -> bool:
        names = set()
        if dead_letter.origin:
            names = {dead_letter.origin.topic, f"{dead_letter.origin.topic}/{dead_letter.origin.partition}"}
        if source := dict(dead_letter.headers).get("ce_source"):
            names.add(source.decode("utf-8", "replace"))
        if names & self.sources:
            return True
        wanted = {source.lower() for source in self.sources}
        return any(_is_within(domain, wanted) for domain in source_domains(dead_letter.value))


def source_domains(value: bytes | None) -> list[str]:
    """The source domains of the articles in a message, in lower case; [] if the message is not JSON.

    The domain of an article is that of its ``source``, else that of its ``url``.

    >>> source_domains(b'{"url": "https://News.Example/1"}')
    ['news.example']
    """
    try:
        parsed: Any = orjson.loads((value or b"").removeprefix(_BOM))
    except orjson.JSONDecodeError:
        return []
    if isinstance(parsed, dict) and "specversion" in parsed:  # a structured CloudEvent
        parsed = parsed.get("data")
    domains = {domain.lower(): None for item in _items(parsed) if (domain := _domain(item))}
    return list(domains)


def _items(parsed: Any) -> Iterator[dict[str, Any]]:
    for item in parsed if isinstance(parsed, list) else [parsed]:
        if isinstance(item, dict):
            yield item


def _domain(item: dict[str, Any]) -> str:
    source, url = item.get("source"), item.get("url")
    domain = source.get("domain") if isinstance(source, dict) else None
    if isinstance(domain, str) and domain.strip():
        return domain.strip()
    try:
        return (urlsplit(url).hostname or "") if isinstance(url, str) else ""
    except ValueError:  # such as an IPv6 address without its closing bracket
        return ""


def _is_within(domain: str, wanted: set[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in wanted for start in range(len(labels)))


def _is_reason(name: str) -> bool:
    return name.startswith(HEADER_PREFIX)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and _NUMBER.fullmatch(value) else None


def _origin(reasons: Mapping[str, bytes]) -> RecordId | None:
    topic = _text(reasons.get("topic"))
    partition, offset = _number(reasons.get("partition")), _number(reasons.get("offset"))
    if not topic or partition is None or offset is None or min(partition, offset) < 0:
        return None
    return RecordId(topic, partition, offset)


def _log(reasons: Mapping[str, bytes]) -> LogId | None:
    topic_id, _, epoch = _text(reasons.get("log")).rpartition("/")
    return LogId(topic_id, int(epoch)) if topic_id and _NUMBER.fullmatch(epoch.encode()) else None
