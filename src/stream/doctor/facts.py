"""The facts that doctor collects. Times are milliseconds since 1970, sizes bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from stream.recovery.plan import ChangedLog


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be collected, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hidden(Unknown):
    """A fact that this user has no permission to see."""


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class SettingSources:
    """Where settings come from; names only, since values may be secret."""

    file: str | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """An attempt to connect to an address: the seconds that it took, or why it cannot be used, and what to do."""

    address: str
    seconds: float | None = None
    error: str | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of this host compared to that of the cluster.

    This host is ``ahead_ms`` ahead (negative: behind), give or take ``error_ms``. If ``is_upper_bound``, that was
    estimated from the times of records: this host is ahead by at most ``ahead_ms``.
    """

    ahead_ms: float
    error_ms: float = 0
    is_upper_bound: bool = False


@dataclass(frozen=True, slots=True)
class Offsets:
    """The offsets of one partition.

    ``hour_ago`` and ``window_ago`` are its ends at those times; ``age_ms`` is the age of its first record.
    """

    begin: int
    end: int
    hour_ago: int
    window_ago: int
    age_ms: int | None = None


class NewestTimes(NamedTuple):
    """Timestamps in one partition: that of its last record, and the latest of all its records."""

    last_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic.

    Attributes:
        problem, differs: as in `stream.kafka.topic_admin.TopicStatus`.
        replicas, in_sync: the number of replicas, and of in-sync replicas, of the partition with the fewest.
        leaderless: partitions without a leader.
        operations: what this user may do.
    """

    partitions: int
    problem: str | None = None
    differs: Mapping[str, str | None] = field(default_factory=dict)
    replicas: int = 0
    in_sync: int = 0
    leaderless: tuple[int, ...] = ()
    is_hidden: bool = False
    config: Mapping[str, str | None] | Unknown = field(default_factory=dict)
    operations: frozenset[str] | Unknown = frozenset()
    offsets: Mapping[int, Offsets] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """One worker, as the coordinator of the group knows it."""

    client: str
    host: str
    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """The consumer group. ``unread_ms``: the time of the first unread record of each partition that has one."""

    state: str
    members: tuple[Member, ...] = ()
    operations: frozenset[str] | Unknown = frozenset()
    committed: Mapping[TopicPartition, int] = field(default_factory=dict)
    unread_ms: Mapping[TopicPartition, int] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """The cluster.

    Attributes:
        servers: the addresses in the settings.
        error: why the cluster cannot be queried; None if it can.
        nodes: its brokers, by their advertised addresses.
        changed_logs: the logs that are not those that the group has read.
        raw_times: of each partition of the raw topic that has records.
    """

    servers: tuple[Connection, ...]
    collected_ms: int
    error: str | None = None
    nodes: tuple[Connection, ...] | Unknown = ()
    versions: tuple[tuple[int, ...], ...] | Unknown = ()
    clock: Clock | Unknown = field(default_factory=lambda: Unknown("not collected"))
    topics: Mapping[str, TopicFacts] | Unknown = field(default_factory=dict)
    group: GroupFacts | Unknown = field(default_factory=lambda: Unknown("not collected"))
    changed_logs: Sequence[ChangedLog] | Unknown = field(default_factory=lambda: Unknown("not collected"))
    raw_times: Mapping[int, NewestTimes] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """The index of one partition on this disk.

    Attributes:
        is_corrupt: a worker has marked it so.
        skipped: how many records of the changelog it has skipped, by code.
        last_skipped: the offset of the last of them in the changelog, and why it was skipped.
    """

    partition: int
    size: int = 0
    is_readable: bool = True
    is_corrupt: bool = False
    skipped: Mapping[str, int] = field(default_factory=dict)
    last_skipped: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class LockOwner:
    """The worker that last locked the data folder. ``is_running`` is None if it ran on another host."""

    process: int
    host: str
    is_running: bool | None


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder of the index. ``nearest``: itself, or the closest parent folder that exists."""

    path: str
    exists: bool
    nearest: str
    is_writable: bool
    free: int
    owner: LockOwner | None = None
    folders: tuple[IndexFolder, ...] = ()


@dataclass(frozen=True, slots=True)
class WebPort:
    """The state of the web address. ``details``: what a worker answers, or why the address cannot be used."""

    state: Literal["free", "worker", "taken", "unusable"]
    is_healthy: bool = True
    is_ready: bool = True
    details: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """This host. ``files_max``: the limit of open files of a process; None if there is none."""

    python: tuple[int, int, int]
    files_max: int | None
    data_dir: DataDir
    web: WebPort
