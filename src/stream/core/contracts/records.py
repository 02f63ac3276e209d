"""Kafka records as the core sees them: those it reads, and those it wants written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]


class LogId(NamedTuple):
    """Which log a record is in: offsets alone do not say, since a topic can be recreated and a log truncated.

    Attributes:
        topic_id: The topic's id as Kafka's tools print it, 22 characters (KIP-516); recreating a topic changes it.
        leader_epoch: The partition's leader epoch when the record was appended (KIP-320).
    """

    topic_id: str
    leader_epoch: int

    def __str__(self) -> str:
        """The form in events and headers: ``topic_id/leader_epoch``."""
        return f"{self.topic_id}/{self.leader_epoch}"

    @classmethod
    def parse(cls, name: str) -> LogId:
        """Return the log that `str` wrote as ``name``.

        Raises:
            ValueError: ``name`` has another form.

        >>> LogId.parse("Zz0bYpZrQuSm1yXWbWZlNg/3")
        LogId(topic_id='Zz0bYpZrQuSm1yXWbWZlNg', leader_epoch=3)
        """
        topic_id, slash, epoch = name.rpartition("/")
        if not slash:
            raise ValueError(f"{name!r} is not a topic id and a leader epoch")
        return cls(topic_id, int(epoch))


class Record(Protocol):
    """A record read from a topic; aiokafka's ``ConsumerRecord`` is one."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Offset in the partition."""

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since 1970, or None if the source has no times (files)."""

    @property
    def key(self) -> bytes | None:
        """The key, unchanged."""

    @property
    def value(self) -> bytes | None:
        """The value, unchanged; None is a tombstone."""

    @property
    def headers(self) -> Headers:
        """Names and values in order; a name may occur twice."""


@dataclass(frozen=True, slots=True)
class InputRecord:
    """A record that does not come from a broker: a line of a file, a test case."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class RefusedBatch:
    """A record batch that was not unpacked, because it is too large or damaged: one record without content for all.

    Attributes:
        offset: The offset of its last record.
        first_offset: The offset of its first record.
        reason: What is wrong with it.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    first_offset: int
    reason: str
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A record to be written. Without a ``partition``, it is chosen by the key, as Kafka clients do."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a record was stored. The offset is -1 if a broker confirmed a retry without an offset."""

    topic: str
    partition: int
    offset: int
