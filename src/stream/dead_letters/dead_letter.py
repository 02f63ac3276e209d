"""Dead letters as they are read: what each one tells, which ones are meant, and how one is put back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import NormalizedEvent, TakedownEvent
from stream.core.contracts.records import Headers, InputRecord, OutputRecord, Record
from stream.core.pipeline.dead_letter import ATTEMPTS, HEADER_PREFIX, LETTER, REQUEUE_PREFIX

_NUMBER: Final = re.compile(rb"-?[0-9]{1,18}")
_BOM: Final = b"\xef\xbb\xbf"


class RecordId(NamedTuple):
    """Where a record stands; its text is the record's id."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def short(self) -> str:
        """The id within its topic."""
        return f"{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. ``headers`` are those of the original; times are milliseconds since 1970.

    ``origin`` is None where the record does not say where it comes from: this project did not write it.
    """

    place: RecordId
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

    @property
    def identity(self) -> cloudevents.Identity:
        """What made the original the event that it was: its CloudEvents source and id, else its coordinates."""
        topic, partition, offset = self.origin or self.place
        return cloudevents.identity(InputRecord(topic, partition, offset, None, None, None, self.headers))

    @property
    def event(self) -> bytes:
        """The same for all letters of one event with one content, however often it was rejected."""
        source, name = self.identity
        value = b"-" if self.value is None else b"+" + self.value
        told = b"%d:%b%d:%b" % (len(source), source.encode("utf-8", "replace"), len(name), name.encode())
        return blake2b(told + value, digest_size=16).digest()


def read(record: Record) -> DeadLetter:
    """The letter in a record of the rejected topic; nothing in a record makes it unreadable."""
    told = {name.removeprefix(HEADER_PREFIX): value or b"" for name, value in record.headers if _is_reason(name)}
    attempts = [value or b"" for name, value in record.headers if name == ATTEMPTS]
    return DeadLetter(
        place=RecordId(record.topic, record.partition, record.offset),
        time=record.timestamp or 0,
        code=_text(told.get("code")),
        message=_text(told.get("message")),
        stage=_text(told.get("stage")),
        field=_text(told.get("field")) or None,
        items=_text(told.get("items")) or None,
        origin=_origin(told),
        origin_time=_number(told.get("timestamp")),
        attempts=max(0, _number(attempts[-1]) or 0) if attempts else 0,
        key=record.key,
        value=record.value,
        headers=tuple(header for header in record.headers if not header[0].startswith((HEADER_PREFIX, REQUEUE_PREFIX))),
    )


def put_back(letter: DeadLetter) -> OutputRecord:
    """The original for where it came from: key, value and headers as they were, one more attempt counted.

    An event that had no CloudEvents source and id gets its first coordinates as such. That is the identity that it had,
    so an event that is put back twice is a repeated delivery, and so are the good items of an array.

    Raises:
        ValueError: the letter does not say where it comes from.
    """
    if letter.origin is None:
        raise ValueError(f"{letter.place} does not say where it comes from")
    source, name = letter.identity
    given = dict(letter.headers)
    added = [(ATTEMPTS, b"%d" % (letter.attempts + 1)), (LETTER, str(letter.place).encode())]
    if not (given.get("ce_source") and given.get("ce_id")):
        added[:0] = [("ce_source", source.encode()), ("ce_id", name.encode())]
    return OutputRecord(
        letter.origin.topic, letter.key, letter.value, (*letter.headers, *added), letter.origin.partition
    )


def is_readable_normalized(letter: DeadLetter) -> bool:
    """The original is a record of the normalize step that this version can read."""
    topic, partition, offset = letter.origin or letter.place
    record = InputRecord(topic, partition, offset, None, letter.key, letter.value, letter.headers)
    kind: type[TakedownEvent | NormalizedEvent]
    kind = TakedownEvent if cloudevents.kind(record) == cloudevents.TAKEDOWN else NormalizedEvent
    try:
        codec.decode(letter.value or b"", kind)
    except codec.UNREADABLE:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; what is empty or None does not ask. Times are of the rejection.

    ``sources``: a topic, a topic/partition, a CloudEvents source, or a domain, which its subdomains belong to.
    """

    codes: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    places: frozenset[RecordId] = frozenset()
    since: int | None = None
    until: int | None = None

    def __contains__(self, letter: object) -> bool:
        if not isinstance(letter, DeadLetter):
            return False
        return (
            (not self.places or letter.place in self.places)
            and (not self.codes or letter.code in self.codes)
            and (not self.stages or letter.stage in self.stages)
            and (self.since is None or letter.time >= self.since)
            and (self.until is None or letter.time < self.until)
            and (not self.sources or self._has_source(letter))
        )

    def _has_source(self, letter: DeadLetter) -> bool:
        names = set()
        if letter.origin:
            names = {letter.origin.topic, f"{letter.origin.topic}/{letter.origin.partition}"}
        if source := dict(letter.headers).get("ce_source"):
            names.add(source.decode("utf-8", "replace"))
        if names & self.sources:
            return True
        wanted = {source.lower() for source in self.sources}
        return any(_belongs(domain, wanted) for domain in domains(letter.value))


def domains(value: bytes | None) -> list[str]:
    """The source domains of the articles in a message, in lower case: as given, else of the URL; [] if not JSON."""
    try:
        parsed: Any = orjson.loads((value or b"").removeprefix(_BOM))
    except orjson.JSONDecodeError:
        return []
    if isinstance(parsed, dict) and "specversion" in parsed:  # a structured CloudEvent
        parsed = parsed.get("data")
    found = {domain.lower(): None for item in _items(parsed) if (domain := _domain(item))}
    return list(found)


def _items(parsed: Any) -> Iterator[dict[str, Any]]:
    for item in parsed if isinstance(parsed, list) else [parsed]:
        if isinstance(item, dict):
            yield item


def _domain(item: dict[str, Any]) -> str:
    source, url = item.get("source"), item.get("url")
    given = source.get("domain") if isinstance(source, dict) else None
    if isinstance(given, str) and given.strip():
        return given.strip()
    try:
        return (urlsplit(url).hostname or "") if isinstance(url, str) else ""
    except ValueError:  # such as an address of IPv6 that is not closed
        return ""


def _belongs(domain: str, wanted: set[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in wanted for start in range(len(labels)))


def _is_reason(name: str) -> bool:
    return name.startswith(HEADER_PREFIX)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and _NUMBER.fullmatch(value) else None


def _origin(told: dict[str, bytes]) -> RecordId | None:
    topic, partition, offset = _text(told.get("topic")), _number(told.get("partition")), _number(told.get("offset"))
    if not topic or partition is None or offset is None or min(partition, offset) < 0:
        return None
    return RecordId(topic, partition, offset)
