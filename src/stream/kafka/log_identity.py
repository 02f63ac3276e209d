"""Topic ids and leader epochs, which aiokafka 0.14 does not ask for.

- Metadata, from version 10 on, names the topic ids (KIP-516, Kafka 2.8), and from version 7 on the leader epochs
  (KIP-320, Kafka 2.1).
- OffsetForLeaderEpoch, from version 3 on, says where a leader epoch ends (KIP-320, Kafka 2.3).

Brokers that do not know them are asked for offsets alone. A topic is asked for by its name without creating it.
"""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from aiokafka.client import ConnectionGroup  # type: ignore[import-untyped]  # it ships no types
from aiokafka.errors import (  # type: ignore[import-untyped]
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.offset import OffsetRequest  # type: ignore[import-untyped]
from faust.types import TP

from stream.core.log_position import LogState
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka.log_identity_protocol import (
    EARLIEST,
    LATEST,
    DescribeTopicsRequest,
    OffsetForLeaderEpochRequest,
    PartitionLeader,
)
from stream.kafka.security import AccessError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

    from aiokafka.client import AIOKafkaClient

_T = TypeVar("_T")

#: Seconds in which a leader is elected, or a broker comes back.
WAIT_S: Final = 10.0
_PAUSE_S: Final = 0.2
_ANSWER_S: Final = 5.0

#: What the records of open transactions are for a broker: part of the log.
_READ_UNCOMMITTED: Final = 0
_CONSUMER: Final = -1

#: Codes that aiokafka does not know: the leader has changed, or does not know yet where its log ends.
_FENCED_LEADER_EPOCH: Final = 74
_UNKNOWN_LEADER_EPOCH: Final = 75
_OFFSET_NOT_AVAILABLE: Final = 78
_LEADER_CHANGES: Final = frozenset({_FENCED_LEADER_EPOCH, _UNKNOWN_LEADER_EPOCH, _OFFSET_NOT_AVAILABLE})


class TopicDescription(NamedTuple):
    """A topic's id, empty if the broker does not name it, and the leaders of its partitions."""

    topic_id: str
    leaders: Mapping[int, PartitionLeader]


class _NotYetError(Exception):
    """A leader is being elected, or a broker does not answer: asking again may help."""


class _UnsupportedError(BrokerError):
    """The broker does not know any of the versions of a request."""


async def describe_topics(
    client: AIOKafkaClient, topics: Collection[str], *, wait_s: float = WAIT_S
) -> dict[str, TopicDescription]:
    """Ask any broker about topics, with one request; those that do not exist are left out.

    Args:
        client: A client that has been bootstrapped.
        topics: The names.
        wait_s: Seconds to go on asking while no broker answers.

    Raises:
        BrokerNotReady: No broker answers.
        AccessError: A topic must not be described.
    """
    return await _retry(lambda: _describe(client, topics), wait_s)


async def fetch_log_states(
    client: AIOKafkaClient, epochs: Mapping[TP, int | None], *, wait_s: float = WAIT_S
) -> dict[TP, LogState]:
    """Ask the leaders what they say now about each partition; those that do not exist are left out.

    Args:
        client: A client that has been bootstrapped.
        epochs: The partitions, each with the leader epoch whose end is wanted, or None.
        wait_s: Seconds to go on asking while a leader is elected.

    Raises:
        BrokerNotReady: A partition has no leader, or it does not answer.
        AccessError: A topic must not be described.
    """
    return await _retry(lambda: _fetch_states(client, epochs), wait_s)


async def _retry(ask: Callable[[], Awaitable[_T]], wait_s: float) -> _T:
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            return await ask()
        except _NotYetError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise BrokerNotReady(f"{error}; check that the brokers are up") from error
        await asyncio.sleep(_PAUSE_S)


async def _send(client: AIOKafkaClient, node_id: int, request: Any) -> Any:
    """Send a request on a connection that no fetch makes wait."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await client.send(node_id, request, group=ConnectionGroup.COORDINATION)
    except TimeoutError:
        raise _NotYetError(f"broker {node_id} does not answer") from None
    except (IncompatibleBrokerVersion, NotImplementedError) as error:
        raise _UnsupportedError(f"broker {node_id} is too old: {error}; Kafka 2.1 or later is needed") from error
    except KafkaError as error:
        client.force_metadata_update()  # it may have moved
        raise _NotYetError(f"broker {node_id} does not answer: {error!r}") from error


def _check(code: int, what: str) -> None:
    """Raise what an error code means, apart from what is missing.

    Raises:
        _NotYetError: Asking again may help.
        AccessError: It does not: a permission is missing.
        BrokerError: Nor here.
    """
    if not code:
        return
    error = for_code(code)
    if error.retriable or code in _LEADER_CHANGES:
        raise _NotYetError(f"{what}: error {code} ({error.__name__})")
    if error is TopicAuthorizationFailedError:
        raise AccessError(f"{what}: the topic must not be described; grant it with kafka-acls (deploy/kafka/acls.md)")
    raise BrokerError(f"{what}: the broker answers with error {code} ({error.__name__})")


async def _describe(client: AIOKafkaClient, topics: Collection[str]) -> dict[str, TopicDescription]:
    node_id = client.get_random_node()
    if node_id is None:
        raise _NotYetError("no broker is known")
    response = await _send(client, node_id, DescribeTopicsRequest(topics))
    described: dict[str, TopicDescription] = {}
    for topic in response.described():
        if topic.error_code == UnknownTopicOrPartitionError.errno:
            continue
        _check(topic.error_code, topic.name)
        leaders = {leader.partition: leader for leader in topic.partitions}
        described[topic.name] = TopicDescription(topic_id_text(topic.topic_id), leaders)
    return described


def topic_id_text(topic_id: bytes) -> str:
    """Return a topic id as Kafka's tools print it: URL-safe base64 without padding; empty if it is all zeros.

    >>> topic_id_text(bytes(range(16)))
    'AAECAwQFBgcICQoLDA0ODw'
    >>> topic_id_text(bytes(16))
    ''
    """
    return base64.urlsafe_b64encode(topic_id).decode().rstrip("=") if any(topic_id) else ""


async def _fetch_states(client: AIOKafkaClient, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
    described = await _describe(client, sorted({tp.topic for tp in epochs}))
    leaders = {
        tp: described[tp.topic].leaders[tp.partition]
        for tp in epochs
        if tp.topic in described and tp.partition in described[tp.topic].leaders
    }
    by_node: dict[int, list[TP]] = defaultdict(list)
    for tp, leader in leaders.items():
        if leader.node_id < 0:
            raise _NotYetError(f"{tp.topic}-{tp.partition} has no leader")
        by_node[leader.node_id].append(tp)
    states: dict[TP, LogState] = {}
    for answers in await asyncio.gather(
        *(_ask_leader(client, node_id, {tp: epochs[tp] for tp in tps}, leaders) for node_id, tps in by_node.items())
    ):
        for tp, (start, end, epoch_end) in answers.items():
            states[tp] = LogState(described[tp.topic].topic_id, leaders[tp].epoch, start, end, epoch_end)
    return states


async def _ask_leader(
    client: AIOKafkaClient, node_id: int, epochs: Mapping[TP, int | None], leaders: Mapping[TP, PartitionLeader]
) -> dict[TP, tuple[int, int, int | None]]:
    """Return start, end and the end of the leader epoch for partitions of one leader."""
    wanted = {tp: epoch for tp, epoch in epochs.items() if epoch is not None}
    starts, ends, epoch_ends = await asyncio.gather(
        _list_offsets(client, node_id, epochs, EARLIEST),
        _list_offsets(client, node_id, epochs, LATEST),
        _find_epoch_ends(client, node_id, wanted, leaders),
    )
    return {tp: (starts[tp], ends[tp], epoch_ends.get(tp)) for tp in epochs}


async def _list_offsets(client: AIOKafkaClient, node_id: int, tps: Iterable[TP], time: int) -> dict[TP, int]:
    topics = _by_topic((tp, (tp.partition, time)) for tp in tps)
    response = await _send(client, node_id, OffsetRequest(_CONSUMER, _READ_UNCOMMITTED, topics))
    offsets: dict[TP, int] = {}
    for topic, partitions in response.topics:
        for partition, code, _, offset in partitions:
            _check(code, f"{topic}-{partition}")
            offsets[TP(topic, partition)] = offset
    return offsets


async def _find_epoch_ends(
    client: AIOKafkaClient, node_id: int, epochs: Mapping[TP, int], leaders: Mapping[TP, PartitionLeader]
) -> dict[TP, int]:
    if not epochs:
        return {}
    topics = _by_topic((tp, (tp.partition, leaders[tp].epoch, epoch)) for tp, epoch in epochs.items())
    try:
        response = await _send(client, node_id, OffsetForLeaderEpochRequest(topics))
    except _UnsupportedError:  # before Kafka 2.3
        return {}
    ends: dict[TP, int] = {}
    for topic, partitions in response.topics:
        for code, partition, _, end in partitions:
            _check(code, f"{topic}-{partition}")
            ends[TP(topic, partition)] = end
    return ends


def _by_topic(entries: Iterable[tuple[TP, tuple[int, ...]]]) -> list[tuple[str, list[tuple[int, ...]]]]:
    topics: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for tp, entry in entries:
        topics[tp.topic].append(entry)
    return list(topics.items())
