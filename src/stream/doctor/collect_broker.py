"""What the cluster tells about itself, its topics and the group. Asks only: nothing is created or written."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from stream.doctor.facts import (
    BrokerFacts,
    Clock,
    GroupFacts,
    Hidden,
    Member,
    Offsets,
    Reached,
    TopicFacts,
    TopicPartition,
    Unknown,
)
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.kafka.topic_admin import TopicStatus
from stream.settings import Settings

T = TypeVar("T")
_CONNECT_S: Final = 3.0
#: All questions together; a frozen broker takes connections and answers nothing.
_ASK_S: Final = 45.0
#: Steps of the search for the time of a record: to the millisecond within a year.
_SEARCH_STEPS: Final = 35
_YEAR_MS: Final = 366 * 24 * HOUR_MS
_OFFSETS_TOPIC: Final = "__consumer_offsets"
_NO_GROUP: Final = GroupFacts("Dead", operations=Unknown("it is not there before a worker has run"))
_GONE: Final = (KafkaTimeoutError, KafkaConnectionError, NodeNotReadyError)


def ask_broker(settings: Settings) -> BrokerFacts:
    """Everything that the cluster tells, within a minute whatever it does.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
    """
    servers = reach(settings.servers)
    now = system_clock.now_ms()
    reached = [server.address for server in servers if server.error is None]
    if not reached:
        return BrokerFacts(servers, now, error="no address can be reached")
    try:
        # An address that does not answer would be tried again and again.
        near = settings.model_copy(update={"broker": ",".join(reached)})
        return within(_ASK_S, lambda: _ask(near, servers))
    except BrokerError as error:
        return BrokerFacts(servers, now, error=str(error))
    except TimeoutError:
        return BrokerFacts(servers, now, error=f"it has not answered for {_ASK_S:g} s")


def reach(addresses: Sequence[str]) -> tuple[Reached, ...]:
    """Connect to each "host:port", all at once, and close again."""
    if not addresses:
        return ()
    with ThreadPoolExecutor(max_workers=min(16, len(addresses))) as pool:
        return tuple(pool.map(_reach, addresses))


def _reach(address: str) -> Reached:
    host, _, port = address.rpartition(":")
    began = time.monotonic()
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except TimeoutError:
        return Reached(address, error=f"no answer within {_CONNECT_S:g} s")
    except (OSError, OverflowError) as error:
        return Reached(address, error=(getattr(error, "strerror", None) or str(error)).lower())
    return Reached(address, seconds=time.monotonic() - began)


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` returns or raises; it is left alone, and goes with the process, if it takes longer.

    Raises:
        TimeoutError: it takes longer.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            future.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return future.result(seconds)


def _ask(settings: Settings, servers: tuple[Reached, ...]) -> BrokerFacts:
    with topic_admin.admin(settings) as client:
        asking = _Asking(client)
        nodes, versions = _nodes(asking)
        topics = _topics(asking, settings)
        there = {} if isinstance(topics, Unknown) else topics
        return BrokerFacts(
            servers,
            system_clock.now_ms(),
            nodes=nodes,
            versions=versions,
            clock=_clock(asking, there),
            topics=topics,
            group=_group(asking, settings, there),
        )


class _Asking:
    """Asks, and takes a refusal for an answer. A broker that stops answering is not asked again."""

    def __init__(self, client: KafkaAdminClient) -> None:
        self.client = client
        self._gone: str | None = None

    def __call__(self, question: Callable[[], T]) -> T | Unknown:
        if self._gone is not None:
            return Unknown(self._gone)
        try:
            return question()
        except AuthorizationError as error:
            return Hidden(_said(error))
        except _GONE as error:
            self._gone = f"the broker stopped answering ({type(error).__name__})"
            return Unknown(self._gone)
        except KafkaError as error:
            return Unknown(_said(error))


def _said(error: KafkaError) -> str:
    return f"the broker refuses to tell ({type(error).__name__.removesuffix('Error')})"


def _nodes(asking: _Asking) -> tuple[tuple[Reached, ...] | Unknown, tuple[tuple[int, ...], ...] | Unknown]:
    cluster = asking(asking.client.describe_cluster)
    if isinstance(cluster, Unknown):
        return cluster, cluster
    brokers = {f"{broker['host']}:{broker['port']}": broker["broker_id"] for broker in cluster["brokers"]}
    nodes = reach(list(brokers))
    versions = []
    for node in nodes:
        if node.error is None:
            version = asking(lambda broker=brokers[node.address]: _version(asking.client, broker))  # type: ignore[misc] # bound now
            if not isinstance(version, Unknown):
                versions.append(version)
    return nodes, tuple(versions) or Unknown("no broker tells which requests it knows")


def _version(client: KafkaAdminClient, broker: int) -> tuple[int, ...]:
    return tuple(client.get_broker_version_data(broker).broker_version)


def _clock(asking: _Asking, topics: Mapping[str, TopicFacts]) -> Clock | Unknown:
    """The controller writes its time into its own line of the quorum (KRaft; needs Describe on the cluster)."""
    began, steady = system_clock.now_ms(), time.monotonic()
    quorum = asking(asking.client.describe_metadata_quorum)
    trip = (time.monotonic() - steady) * 1000
    if not isinstance(quorum, Unknown):
        partition = quorum["topics"][0]["partitions"][0]
        for voter in partition["current_voters"]:
            told = voter.get("last_caught_up_timestamp") or -1
            if voter["replica_id"] == partition["leader_id"] and told > 0:
                return Clock(began + trip / 2 - told, trip / 2)
    places = [KafkaTopicPartition(name, number) for name, topic in topics.items() for number in range(topic.partitions)]
    newest = asking(lambda: asking.client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.MAX_TIMESTAMP)))
    if isinstance(newest, Unknown):
        return newest
    times = [found.timestamp for found in newest.values() if found.timestamp > 0]
    if not times:
        return Unknown("the cluster does not tell its time, and there are no records to compare with")
    return Clock(system_clock.now_ms() - max(times), is_bound=True)


def _topics(asking: _Asking, settings: Settings) -> dict[str, TopicFacts] | Unknown:
    specs = {spec.name: spec for spec in settings.topic_specs}
    described = asking(lambda: asking.client.describe_topics(list(specs)))
    if isinstance(described, Unknown):
        return described
    found = {topic["name"]: topic for topic in described}
    return {name: _topic(asking, settings, spec, found.get(name, {})) for name, spec in specs.items()}


def _topic(asking: _Asking, settings: Settings, spec: TopicSpec, told: Mapping[str, Any]) -> TopicFacts:
    if told.get("error_code") == TopicAuthorizationFailedError.errno:
        return TopicFacts(0, is_hidden=True)
    partitions = told.get("partitions", ())
    operations = _operations(told)
    if not partitions:
        return TopicFacts(0, operations=operations)
    config = asking(lambda: _config(asking.client, spec.name))
    if not config:  # nothing is raised where this may not be read
        config = Hidden("this user may not read the configuration (DescribeConfigs on the topic)")
    differs = (
        {} if isinstance(config, Unknown) else {n: config.get(n) for n, v in spec.config.items() if config.get(n) != v}
    )
    return TopicFacts(
        len(partitions),
        problem=TopicStatus(spec, len(partitions)).problem,
        differs=differs,
        copies=min(len(partition["replica_nodes"]) for partition in partitions),
        in_sync=min(len(partition["isr_nodes"]) for partition in partitions),
        leaderless=tuple(sorted(p["partition_index"] for p in partitions if p["leader_id"] < 0)),
        config=config,
        operations=operations,
        offsets=asking(lambda: _offsets(asking.client, spec.name, len(partitions), settings.window_ms)),
    )


def _operations(told: Mapping[str, Any]) -> frozenset[str] | Unknown:
    """What we may do, in the words of kafka-acls; brokers before 2.3 do not tell."""
    operations = told.get("authorized_operations")
    if not operations:
        return Unknown("brokers before 2.3 do not tell")
    return frozenset(operation.title().replace("_", "") for operation in operations)


def _config(client: KafkaAdminClient, topic: str) -> dict[str, str | None]:
    described = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: setting["value"] for name, setting in described["topic"][topic].items()}


def _offsets(client: KafkaAdminClient, topic: str, partitions: int, window_ms: int) -> dict[int, Offsets]:
    places = [KafkaTopicPartition(topic, number) for number in range(partitions)]
    now = system_clock.now_ms()
    begin, end, hour, window, first = (
        client.list_partition_offsets(dict.fromkeys(places, spec))
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST, now - HOUR_MS, now - window_ms, 0)
    )
    found = {}
    for place in places:
        last, oldest = end[place].offset, first[place].timestamp
        # -1 where no record is that new.
        hour_ago, window_ago = (last if then[place].offset < 0 else then[place].offset for then in (hour, window))
        age = max(0, now - oldest) if oldest > 0 else None
        found[place.partition] = Offsets(begin[place].offset, last, hour_ago, window_ago, age)
    return found


def _group(asking: _Asking, settings: Settings, topics: Mapping[str, TopicFacts]) -> GroupFacts | Unknown:
    group = _described(asking, settings)
    if isinstance(group, Unknown):
        return group
    return replace(group, unread_ms=asking(lambda: _unread(asking.client, settings, topics, group.committed)))


def _described(asking: _Asking, settings: Settings) -> GroupFacts | Unknown:
    # To ask for a group's coordinator makes a new cluster create this topic.
    offsets = asking(lambda: asking.client.describe_topics([_OFFSETS_TOPIC]))
    if isinstance(offsets, Unknown):
        return offsets
    if offsets[0]["error_code"] == UnknownTopicOrPartitionError.errno:
        return _NO_GROUP
    told = asking(lambda: _coordinated(asking.client, settings.group))
    if isinstance(told, Unknown):
        return told
    if told["error"] is not None:
        is_new = "GroupIdNotFound" in told["error"]  # from Kafka 4 on; before, it is told as dead
        return _NO_GROUP if is_new else Unknown(f"the broker refuses to tell ({told['error']})")
    committed = asking(lambda: asking.client.list_group_offsets({settings.group: None})[settings.group])
    if isinstance(committed, Unknown):
        return committed
    return GroupFacts(
        told["group_state"],
        tuple(map(_member, told["members"])),
        _operations(told) if told.get("authorized_operations") else _NO_GROUP.operations,
        {TopicPartition(*place): found.offset for place, found in committed.items() if found.offset >= 0},
    )


def _coordinated(client: KafkaAdminClient, group: str) -> dict[str, Any]:
    """The group as its coordinator describes it; asked again while one is being found."""
    end = time.monotonic() + _CONNECT_S
    while True:
        try:
            told: dict[str, Any] = client.describe_groups([group])[group]
        except CoordinatorNotAvailableError:
            if time.monotonic() > end:
                raise
        else:
            if "Coordinator" not in (told["error"] or "") or time.monotonic() > end:
                return told
        time.sleep(0.2)


def _member(told: Mapping[str, Any]) -> Member:
    assigned = told.get("member_assignment")
    parts = assigned.get("assigned_partitions", ()) if isinstance(assigned, Mapping) else ()
    places = tuple(TopicPartition(part["topic"], number) for part in parts for number in part["partitions"])
    return Member(told["client_id"], told["client_host"], places)


def _unread(
    client: KafkaAdminClient,
    settings: Settings,
    topics: Mapping[str, TopicFacts],
    committed: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """When the first unread record of each place was made: epoch milliseconds, by its own timestamp."""
    wanted = {}
    for name in (settings.topics.raw, settings.topics.normalized):
        offsets = topics[name].offsets if name in topics else {}
        for partition, there in {} if isinstance(offsets, Unknown) else offsets.items():
            place = TopicPartition(name, partition)
            position = max(committed.get(place, there.begin), there.begin)
            if position < there.end:
                wanted[place] = position
    return times_of(wanted, lambda times: _first_since(client, times), now_ms=system_clock.now_ms())


def _first_since(
    client: KafkaAdminClient, times: Mapping[TopicPartition, int]
) -> dict[TopicPartition, tuple[int, int]]:
    found = client.list_partition_offsets({KafkaTopicPartition(*place): time_ms for place, time_ms in times.items()})
    return {TopicPartition(*place): (told.offset, told.timestamp) for place, told in found.items()}


def times_of(
    wanted: Mapping[TopicPartition, int],
    first_since: Callable[[Mapping[TopicPartition, int]], Mapping[TopicPartition, tuple[int, int]]],
    *,
    now_ms: int,
) -> dict[TopicPartition, int]:
    """The time of the record at each offset in ``wanted``, by bisection, without reading a record.

    ``first_since`` tells the first record (offset, time) of each place that is not older than the time given, or
    (-1, -1). Exact where times grow with offsets, and near elsewhere.
    """
    low = dict.fromkeys(wanted, now_ms - _YEAR_MS)
    high = dict.fromkeys(wanted, now_ms + HOUR_MS)
    found: dict[TopicPartition, int] = {}
    left: Iterable[TopicPartition] = list(wanted)
    for _ in range(_SEARCH_STEPS):
        if not left:
            break
        middle = {place: (low[place] + high[place]) // 2 for place in left}
        for place, (offset, time_ms) in first_since(middle).items():
            if offset == wanted[place]:
                found[place] = time_ms
            elif offset < 0 or offset > wanted[place]:
                high[place] = middle[place]
            else:
                low[place] = middle[place] + 1
        left = [place for place in left if place not in found and low[place] < high[place]]
    # Of records of the same time only the first one is ever told: the last time that tells none behind it is theirs.
    return found | {place: low[place] - 1 for place in wanted if place not in found}
