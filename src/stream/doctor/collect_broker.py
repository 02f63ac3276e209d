"""Collects facts about the cluster, its topics and the consumer group. Creates and writes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaTopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from stream import system_clock
from stream.core.contracts.topics import TopicSpec
from stream.core.timestamps import HOUR_MS
from stream.doctor.collect_times import read_newest_times
from stream.doctor.facts import (
    BrokerFacts,
    Clock,
    Connection,
    GroupFacts,
    Hidden,
    Member,
    NewestTimes,
    Offsets,
    TopicFacts,
    TopicPartition,
    Unknown,
)
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.kafka.broker_clock import ClockSkew, measure_skew
from stream.kafka.broker_probe import Probe, probe_brokers, probe_ports, run_with_timeout
from stream.kafka.security import load_access
from stream.kafka.topic_admin import TopicStatus
from stream.recovery.collect import collect_log_facts
from stream.recovery.plan import ChangedLog, find_changed_logs
from stream.settings import Settings

T = TypeVar("T")
#: How long the coordinator of a group may take to be elected.
_ELECTION_S: Final = 3.0
#: Limit for all requests together: a frozen broker accepts connections and answers nothing.
_TIMEOUT_S: Final = 45.0
#: Steps of the bisection for the time of a record: to the millisecond within a year.
_BISECTION_STEPS: Final = 35
_YEAR_MS: Final = 366 * 24 * HOUR_MS
_OFFSETS_TOPIC: Final = "__consumer_offsets"
_NO_GROUP: Final = GroupFacts("Dead", operations=Unknown("unknown until a worker has run"))
_CONNECTION_LOST: Final = (KafkaTimeoutError, KafkaConnectionError, NodeNotReadyError)


def collect_broker(settings: Settings) -> BrokerFacts:
    """All facts about the cluster, within a minute even if it does not answer.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
    """
    servers = _collect_connections(settings)
    now = system_clock.now_ms()
    reachable = [server.address for server in servers if server.error is None]
    if not reachable:
        return BrokerFacts(servers, now, error="none of the brokers can be used")
    try:
        # Without the unreachable addresses, which the client would try again and again.
        reachable_only = settings.model_copy(update={"broker": ",".join(reachable)})
        return run_with_timeout(_TIMEOUT_S, lambda: _query(reachable_only, servers))
    except BrokerError as error:
        return BrokerFacts(servers, now, error=str(error))
    except TimeoutError:
        return BrokerFacts(servers, now, error=f"no answer within {_TIMEOUT_S:g} s")


def collect_topics(settings: Settings) -> tuple[Mapping[str, TopicFacts], GroupFacts | Unknown]:
    """The facts about the topics and the consumer group that `check_topic_rules` needs.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: the cluster cannot be reached, or stops answering.
    """
    with topic_admin.admin(settings) as client:
        query = _Query(client)
        topics = _collect_topics(query, settings)
        if isinstance(topics, Unknown):
            raise BrokerError(f"{settings.broker}: {topics.reason}; run: stream doctor")
        return topics, _describe_group(query, settings)


def _collect_connections(settings: Settings) -> tuple[Connection, ...]:
    probes = {probe.address: probe for probe in probe_brokers(settings.servers, load_access(settings))}
    return tuple(_connection(probes[address]) for address in settings.servers)


def _connection(probe: Probe) -> Connection:
    problem = probe.problem
    return Connection(
        probe.address, probe.seconds, problem.summary if problem else None, problem.advice if problem else ""
    )


def _query(settings: Settings, servers: tuple[Connection, ...]) -> BrokerFacts:
    with topic_admin.admin(settings) as client:
        query = _Query(client)
        nodes, versions = _collect_nodes(query)
        topics = _collect_topics(query, settings)
        known_topics = {} if isinstance(topics, Unknown) else topics
        return BrokerFacts(
            servers,
            system_clock.now_ms(),
            nodes=nodes,
            versions=versions,
            clock=_collect_clock(query, known_topics),
            topics=topics,
            group=_collect_group(query, settings, known_topics),
            changed_logs=_collect_changed_logs(settings),
            raw_times=_collect_raw_times(query, settings, known_topics),
        )


def _collect_changed_logs(settings: Settings) -> Sequence[ChangedLog] | Unknown:
    try:
        facts = asyncio.run(collect_log_facts(settings))
    except BrokerError as error:
        return Unknown(str(error))
    return find_changed_logs(facts.raw, facts.indexes, changelog=settings.topics.fingerprints)


class _Query:
    """Calls the client and turns errors into `Unknown`. After a lost connection it calls no more."""

    def __init__(self, client: KafkaAdminClient) -> None:
        self.client = client
        self._disconnect_reason: str | None = None

    def __call__(self, request: Callable[[], T]) -> T | Unknown:
        if self._disconnect_reason is not None:
            return Unknown(self._disconnect_reason)
        try:
            return request()
        except AuthorizationError as error:
            return Hidden(_describe_refusal(error))
        except _CONNECTION_LOST as error:
            self._disconnect_reason = f"the broker stopped answering ({type(error).__name__})"
            return Unknown(self._disconnect_reason)
        except KafkaError as error:
            return Unknown(_describe_refusal(error))


def _describe_refusal(error: KafkaError) -> str:
    return f"the broker refuses to answer ({type(error).__name__.removesuffix('Error')})"


def _collect_nodes(query: _Query) -> tuple[tuple[Connection, ...] | Unknown, tuple[tuple[int, ...], ...] | Unknown]:
    cluster = query(query.client.describe_cluster)
    if isinstance(cluster, Unknown):
        return cluster, cluster
    ids = {f"{broker['host']}:{broker['port']}": broker["broker_id"] for broker in cluster["brokers"]}
    nodes = tuple(map(_connection, probe_ports(list(ids))))
    versions = []
    for node in nodes:
        if node.error is None:
            version = query(lambda broker=ids[node.address]: _broker_version(query.client, broker))  # type: ignore[misc] # bound now
            if not isinstance(version, Unknown):
                versions.append(version)
    return nodes, tuple(versions) or Unknown("no broker reports the requests that it supports")


def _broker_version(client: KafkaAdminClient, broker: int) -> tuple[int, ...]:
    return tuple(client.get_broker_version_data(broker).broker_version)


def _collect_clock(query: _Query, topics: Mapping[str, TopicFacts]) -> Clock | Unknown:
    """Compare clocks by the time that the KRaft controller reports for itself (needs Describe on the cluster).

    Without it, the newest record gives an upper bound.
    """
    skew = query(lambda: measure_skew(query.client))
    if isinstance(skew, ClockSkew):
        return Clock(skew.ahead_ms, skew.error_ms)
    tps = [KafkaTopicPartition(name, number) for name, topic in topics.items() for number in range(topic.partitions)]
    newest = query(lambda: query.client.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.MAX_TIMESTAMP)))
    if isinstance(newest, Unknown):
        return newest
    times = [offset.timestamp for offset in newest.values() if offset.timestamp > 0]
    if not times:
        return Unknown("the cluster does not report its time, and there are no records to compare with")
    return Clock(system_clock.now_ms() - max(times), is_upper_bound=True)


def _collect_raw_times(
    query: _Query, settings: Settings, topics: Mapping[str, TopicFacts]
) -> Mapping[int, NewestTimes] | Unknown:
    name = settings.topics.raw
    offsets = topics[name].offsets if name in topics else {}
    if isinstance(offsets, Unknown):
        return offsets
    return query(lambda: read_newest_times(query.client, settings, name, offsets))


def _collect_topics(query: _Query, settings: Settings) -> dict[str, TopicFacts] | Unknown:
    specs = {spec.name: spec for spec in settings.topic_specs}
    described = query(lambda: query.client.describe_topics(list(specs)))
    if isinstance(described, Unknown):
        return described
    descriptions = {topic["name"]: topic for topic in described}
    return {name: _collect_topic(query, settings, spec, descriptions.get(name, {})) for name, spec in specs.items()}


def _collect_topic(query: _Query, settings: Settings, spec: TopicSpec, description: Mapping[str, Any]) -> TopicFacts:
    if description.get("error_code") == TopicAuthorizationFailedError.errno:
        return TopicFacts(0, is_hidden=True)
    partitions = description.get("partitions", ())
    operations = _operations(description)
    if not partitions:
        return TopicFacts(0, operations=operations)
    config = query(lambda: _read_config(query.client, spec.name))
    if not config:  # kafka-python raises nothing if access is denied
        config = Hidden("this user has no permission to read its configuration (DescribeConfigs)")
    differs = {} if isinstance(config, Unknown) else topic_admin.find_differences(spec, config)
    return TopicFacts(
        len(partitions),
        problem=TopicStatus(spec, len(partitions)).problem,
        differs=differs,
        replicas=min(len(partition["replica_nodes"]) for partition in partitions),
        in_sync=min(len(partition["isr_nodes"]) for partition in partitions),
        leaderless=tuple(sorted(p["partition_index"] for p in partitions if p["leader_id"] < 0)),
        config=config,
        operations=operations,
        offsets=query(lambda: _read_offsets(query.client, spec.name, len(partitions), settings.window_ms)),
    )


def _operations(description: Mapping[str, Any]) -> frozenset[str] | Unknown:
    """The operations that this user may do, in the terms of kafka-acls."""
    operations = description.get("authorized_operations")
    if not operations:
        return Unknown("brokers before Kafka 2.3 do not report permissions")
    return frozenset(operation.title().replace("_", "") for operation in operations)


def _read_config(client: KafkaAdminClient, topic: str) -> dict[str, str | None]:
    described = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: setting["value"] for name, setting in described["topic"][topic].items()}


def _read_offsets(client: KafkaAdminClient, topic: str, partitions: int, window_ms: int) -> dict[int, Offsets]:
    tps = [KafkaTopicPartition(topic, number) for number in range(partitions)]
    now = system_clock.now_ms()
    begin, end, hour, window, first = (
        client.list_partition_offsets(dict.fromkeys(tps, spec))
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST, now - HOUR_MS, now - window_ms, 0)
    )
    offsets = {}
    for tp in tps:
        last, oldest_ms = end[tp].offset, first[tp].timestamp
        # -1 if no record is that new.
        hour_ago, window_ago = (last if at[tp].offset < 0 else at[tp].offset for at in (hour, window))
        age_ms = max(0, now - oldest_ms) if oldest_ms > 0 else None
        offsets[tp.partition] = Offsets(begin[tp].offset, last, hour_ago, window_ago, age_ms)
    return offsets


def _collect_group(query: _Query, settings: Settings, topics: Mapping[str, TopicFacts]) -> GroupFacts | Unknown:
    group = _describe_group(query, settings)
    if isinstance(group, Unknown):
        return group
    unread_ms = query(lambda: _find_unread_times(query.client, settings, topics, group.committed))
    return replace(group, unread_ms=unread_ms)


def _describe_group(query: _Query, settings: Settings) -> GroupFacts | Unknown:
    # Looking up the coordinator of a group would make a new cluster create this topic.
    offsets = query(lambda: query.client.describe_topics([_OFFSETS_TOPIC]))
    if isinstance(offsets, Unknown):
        return offsets
    if offsets[0]["error_code"] == UnknownTopicOrPartitionError.errno:
        return _NO_GROUP
    description = query(lambda: _query_coordinator(query.client, settings.group))
    if isinstance(description, Unknown):
        return description
    if description["error"] is not None:
        is_new = "GroupIdNotFound" in description["error"]  # since Kafka 4; older versions report the state Dead
        return _NO_GROUP if is_new else Unknown(f"the broker refuses to answer ({description['error']})")
    committed = query(lambda: query.client.list_group_offsets({settings.group: None})[settings.group])
    if isinstance(committed, Unknown):
        return committed
    return GroupFacts(
        description["group_state"],
        tuple(map(_parse_member, description["members"])),
        _operations(description) if description.get("authorized_operations") else _NO_GROUP.operations,
        {TopicPartition(*tp): entry.offset for tp, entry in committed.items() if entry.offset >= 0},
    )


def _query_coordinator(client: KafkaAdminClient, group: str) -> dict[str, Any]:
    """Describe the group; retries while its coordinator is being elected."""
    deadline = time.monotonic() + _ELECTION_S
    while True:
        try:
            description: dict[str, Any] = client.describe_groups([group])[group]
        except CoordinatorNotAvailableError:
            if time.monotonic() > deadline:
                raise
        else:
            if "Coordinator" not in (description["error"] or "") or time.monotonic() > deadline:
                return description
        time.sleep(0.2)


def _parse_member(description: Mapping[str, Any]) -> Member:
    assignment = description.get("member_assignment")
    topics = assignment.get("assigned_partitions", ()) if isinstance(assignment, Mapping) else ()
    partitions = tuple(TopicPartition(topic["topic"], number) for topic in topics for number in topic["partitions"])
    return Member(description["client_id"], description["client_host"], partitions)


def _find_unread_times(
    client: KafkaAdminClient,
    settings: Settings,
    topics: Mapping[str, TopicFacts],
    committed: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """The time of the first unread record of each partition, by its own timestamp."""
    positions = {}
    for name in (settings.topics.raw, settings.topics.normalized):
        offsets = topics[name].offsets if name in topics else {}
        for partition, bounds in {} if isinstance(offsets, Unknown) else offsets.items():
            tp = TopicPartition(name, partition)
            position = max(committed.get(tp, bounds.begin), bounds.begin)
            if position < bounds.end:
                positions[tp] = position
    return find_record_times(positions, lambda times: _first_since(client, times), now_ms=system_clock.now_ms())


def _first_since(
    client: KafkaAdminClient, times: Mapping[TopicPartition, int]
) -> dict[TopicPartition, tuple[int, int]]:
    offsets = client.list_partition_offsets({KafkaTopicPartition(*tp): time_ms for tp, time_ms in times.items()})
    return {TopicPartition(*tp): (entry.offset, entry.timestamp) for tp, entry in offsets.items()}


def find_record_times(
    positions: Mapping[TopicPartition, int],
    first_since: Callable[[Mapping[TopicPartition, int]], Mapping[TopicPartition, tuple[int, int]]],
    *,
    now_ms: int,
) -> dict[TopicPartition, int]:
    """Find the time of the record at each offset in ``positions`` by bisection, without reading records.

    ``first_since`` returns the first record (offset, time) of each partition that is not older than the given time, or
    (-1, -1). Exact if times grow with offsets, and close to it otherwise.
    """
    low = dict.fromkeys(positions, now_ms - _YEAR_MS)
    high = dict.fromkeys(positions, now_ms + HOUR_MS)
    times: dict[TopicPartition, int] = {}
    pending: Iterable[TopicPartition] = list(positions)
    for _ in range(_BISECTION_STEPS):
        if not pending:
            break
        middle = {tp: (low[tp] + high[tp]) // 2 for tp in pending}
        for tp, (offset, time_ms) in first_since(middle).items():
            if offset == positions[tp]:
                times[tp] = time_ms
            elif offset < 0 or offset > positions[tp]:
                high[tp] = middle[tp]
            else:
                low[tp] = middle[tp] + 1
        pending = [tp for tp in pending if tp not in times and low[tp] < high[tp]]
    # Of several records with the same time, `first_since` returns only the first. For the others, ``low`` has stopped
    # just after the time that they share.
    return times | {tp: low[tp] - 1 for tp in positions if tp not in times}
