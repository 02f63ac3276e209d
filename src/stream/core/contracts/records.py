"""Records as the core sees them: what is read from a topic and what is to be written to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Headers = Sequence[tuple[str, bytes]]


class Record(Protocol):
    """One record as it stands in a log; aiokafka's ``ConsumerRecord`` is one."""

    @property
    def topic(self) -> str:
        """The topic that it stands in."""

    @property
    def partition(self) -> int:
        """The partition of it."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since 1970, or None where the source has no time (files)."""

    @property
    def key(self) -> bytes | None:
        """As it came."""

    @property
    def value(self) -> bytes | None:
        """As it came; None is a tombstone."""

    @property
    def headers(self) -> Headers:
        """Names and values in order; a name may come twice."""


@dataclass(frozen=True, slots=True)
class InputRecord:
    """A record that no broker made: a line of a file, a case of a test."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One record to be sent. Without a ``partition``, the key chooses it as every Kafka client does."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a record was stored. The offset is -1 where a broker confirmed a retry without naming it."""

    topic: str
    partition: int
    offset: int
