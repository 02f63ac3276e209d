"""Records as the harness sees them: with the log that they are in, and with what may differ between runs left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from stream.core.contracts import cloudevents
from stream.core.contracts.records import Headers, LogId, OutputRecord, Record
from stream.core.contracts.topics import Topics

#: Topic and partition. Later generations of a topic have names of their own: see `tagged`.
Tp = tuple[str, int]


class RecordId(NamedTuple):
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """The form that logs use."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that was read from a topic.

    Attributes:
        log: Which log of the topic it is in; None if the source has no logs.
        generation: How often its log had gone back before it was stored; offsets repeat in each generation.
        is_foreign: Another program wrote it to a topic that only workers may write to.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    log: LogId | None = None
    generation: int = 0
    is_foreign: bool = False

    @property
    def record_id(self) -> RecordId:
        """Where it is, different from all other records of the run."""
        return RecordId(tagged(self.topic, self.generation), self.partition, self.offset)

    @property
    def is_recovery(self) -> bool:
        """Whether ``stream recover`` wrote it to the changelog."""
        return not self.is_foreign and cloudevents.event_type(self) == cloudevents.RECOVERY


def tagged(topic: str, generation: int) -> str:
    """The name of a generation of a topic.

    >>> [tagged("articles.raw", generation) for generation in (0, 1)]
    ['articles.raw', 'articles.raw#1']
    """
    return f"{topic}#{generation}" if generation else topic


class ComparableRecord(NamedTuple):
    """A record without what may differ between runs. ``headers``: only of dead letters, which have the reason there."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def __str__(self) -> str:
        """Topic, key, and the beginning of the value."""
        value = "tombstone" if self.value is None else self.value[:160].decode("utf-8", "replace")
        return f"{self.topic} {(self.key or b'').decode('utf-8', 'replace')} {value}"


def comparable(record: Record | OutputRecord, topics: Topics) -> ComparableRecord:
    """Return what is compared of a record, stored or to be stored."""
    headers = tuple(map(tuple, record.headers)) if record.topic == topics.rejected else ()
    return ComparableRecord(record.topic, record.key, record.value, headers)  # type: ignore[arg-type] # tuple(pair) is a pair
