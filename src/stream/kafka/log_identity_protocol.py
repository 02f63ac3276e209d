"""The requests of `log_identity`, in versions that Kafka 2.8 to 4 accept and aiokafka 0.14 lacks.

Written after ``MetadataRequest.json`` and ``OffsetForLeaderEpochRequest.json`` of Apache Kafka. Flexible versions (here
Metadata 10) have compact arrays and strings, and tagged fields at the end of each structure (KIP-482).
"""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from typing import Any, ClassVar, Final, NamedTuple

from aiokafka.protocol.abstract import AbstractType  # type: ignore[import-untyped]  # it ships no types
from aiokafka.protocol.api import Request, RequestStruct, Response  # type: ignore[import-untyped]
from aiokafka.protocol.types import (  # type: ignore[import-untyped]
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

#: The times that stand for the start and the end of a log in ListOffsets.
EARLIEST: Final = -2
LATEST: Final = -1

_UUID_BYTES: Final = 16
_NO_UUID: Final = bytes(_UUID_BYTES)
_CONSUMER: Final = -1


class _Uuid(AbstractType):  # type: ignore[misc]  # it ships no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(_UUID_BYTES)


class PartitionLeader(NamedTuple):
    """A partition's number, the broker that leads it (-1 if none does) and its leader epoch."""

    partition: int
    node_id: int
    epoch: int


class DescribedTopic(NamedTuple):
    """One topic of a response."""

    error_code: int
    name: str
    topic_id: bytes
    partitions: list[PartitionLeader]


class _DescribeTopicsResponseV7(Response):  # type: ignore[misc]  # it ships no types
    API_KEY = 3
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String()), ("port", Int32), ("rack", String()))),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("name", String()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline", Array(Int32)),
                    ),
                ),
            ),
        ),
    )
    topics: list[Any]

    def described(self) -> list[DescribedTopic]:
        """The topics, without ids."""
        return [
            DescribedTopic(code, name, _NO_UUID, [PartitionLeader(*partition[1:4]) for partition in partitions])
            for code, name, _, partitions in self.topics
        ]


class _DescribeTopicsResponseV10(Response):  # type: ignore[misc]  # it ships no types
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString()),
                ("port", Int32),
                ("rack", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString()),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )
    topics: list[Any]

    def described(self) -> list[DescribedTopic]:
        """The topics."""
        return [
            DescribedTopic(code, name, topic_id, [PartitionLeader(*partition[1:4]) for partition in partitions])
            for code, name, topic_id, _, partitions, *_ in self.topics
        ]


class _DescribeTopicsRequestV7(RequestStruct):  # type: ignore[misc]  # it ships no types
    API_KEY = 3
    API_VERSION = 7
    RESPONSE_TYPE = _DescribeTopicsResponseV7
    SCHEMA = Schema(("topics", Array(String())), ("allow_auto_topic_creation", Boolean))

    @classmethod
    def of(cls, topics: Collection[str]) -> Any:
        """The request for topics of these names."""
        return cls(list(topics), False)


class _DescribeTopicsRequestV10(RequestStruct):  # type: ignore[misc]  # it ships no types
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _DescribeTopicsResponseV10
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )

    @classmethod
    def of(cls, topics: Collection[str]) -> Any:
        """The request for topics of these names."""
        return cls([(_NO_UUID, topic, {}) for topic in topics], False, False, False, {})


class DescribeTopicsRequest(
    Request[_DescribeTopicsRequestV7 | _DescribeTopicsRequestV10]  # type: ignore[misc]  # it ships no types
):
    """Asks any broker about topics, by their names, without creating them."""

    API_KEY: ClassVar[int] = 3

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in one version."""
        return request_struct_class.of(self._topics)


class _OffsetForLeaderEpochResponseV3(Response):  # type: ignore[misc]  # it ships no types
    API_KEY = 23
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            Array(
                ("topic", String()),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader_epoch", Int32),
                        ("end_offset", Int64),
                    ),
                ),
            ),
        ),
    )


class _OffsetForLeaderEpochRequestV3(RequestStruct):  # type: ignore[misc]  # it ships no types
    API_KEY = 23
    API_VERSION = 3
    RESPONSE_TYPE = _OffsetForLeaderEpochResponseV3
    SCHEMA = Schema(
        ("replica_id", Int32),
        (
            "topics",
            Array(
                ("topic", String()),
                (
                    "partitions",
                    Array(("partition", Int32), ("current_leader_epoch", Int32), ("leader_epoch", Int32)),
                ),
            ),
        ),
    )


class OffsetForLeaderEpochRequest(Request[_OffsetForLeaderEpochRequestV3]):  # type: ignore[misc]
    """Asks a leader where leader epochs end.

    Args:
        topics: Names, each with partition, current leader epoch (-1 if unknown) and the epoch asked for.
    """

    API_KEY: ClassVar[int] = 23

    def __init__(self, topics: list[tuple[str, list[tuple[int, ...]]]]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """Return the request in its one version."""
        return request_struct_class(_CONSUMER, self._topics)
