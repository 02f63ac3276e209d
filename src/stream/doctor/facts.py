"""What doctor found out, before it is judged. Times are epoch milliseconds, sizes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be found out, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hidden(Unknown):
    """What this user may not know."""


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from; names only, since values may be secret."""

    file: str | None = None
    variables: tuple[str, ...] = ()
    #: STREAM_* variables that no setting reads.
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """An address that was tried: the seconds that a connection took, or why there is none."""

    address: str
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """This machine's clock against the cluster's.

    ``ahead_ms``: how much later it is here, give or take ``error_ms``. Where ``is_bound``, only records tell: it is
    at most so much later here.
    """

    ahead_ms: float
    error_ms: float = 0
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far one partition goes.

    ``hour_ago``, ``window_ago``: its end at that time; ``age_ms``: how long ago its first record was made.
    """

    begin: int
    end: int
    hour_ago: int
    window_ago: int
    age_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic. ``problem`` and ``differs`` are those of `stream.kafka.topic_admin.TopicStatus`.

    ``copies``: of the partition that has fewest; ``leaderless``: partitions that nobody serves; ``in_sync``: copies
    that are up to date, of the partition that has fewest; ``operations``: what this user may do.
    """

    partitions: int
    problem: str | None = None
    differs: Mapping[str, str | None] = field(default_factory=dict)
    copies: int = 0
    in_sync: int = 0
    leaderless: tuple[int, ...] = ()
    is_hidden: bool = False
    config: Mapping[str, str | None] | Unknown = field(default_factory=dict)
    operations: frozenset[str] | Unknown = frozenset()
    offsets: Mapping[int, Offsets] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """One worker as the group's coordinator knows it."""

    client: str
    host: str
    places: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """The consumer group. ``committed`` holds only places that have an offset; ``unread_ms``: first unread record."""

    state: str
    members: tuple[Member, ...] = ()
    operations: frozenset[str] | Unknown = frozenset()
    committed: Mapping[TopicPartition, int] = field(default_factory=dict)
    unread_ms: Mapping[TopicPartition, int] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What the cluster tells. ``error``: why it tells nothing; ``nodes``: its brokers by their advertised addresses."""

    servers: tuple[Reached, ...]
    asked_ms: int
    error: str | None = None
    nodes: tuple[Reached, ...] | Unknown = ()
    versions: tuple[tuple[int, ...], ...] | Unknown = ()
    clock: Clock | Unknown = field(default_factory=lambda: Unknown("not asked"))
    topics: Mapping[str, TopicFacts] | Unknown = field(default_factory=dict)
    group: GroupFacts | Unknown = field(default_factory=lambda: Unknown("not asked"))


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """One partition's index on this disk.

    ``locked_by``: the process that has it open. The position is None where a running worker has it, or nothing was
    stored yet; ``damage``: why RocksDB cannot open it.
    """

    partition: int
    size: int = 0
    locked_by: int | None = None
    version: str | None = None
    last_offset: int = -1
    changelog_end: int = 0
    is_distrusted: bool = False
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder of the index. ``nearest``: itself, or the folder in which it would be made."""

    path: str
    exists: bool
    nearest: str
    is_writable: bool
    free: int
    folders: tuple[IndexFolder, ...] = ()


@dataclass(frozen=True, slots=True)
class Web:
    """What is at the address of the pages. ``details``: what a worker answers, or why it cannot be used."""

    state: Literal["free", "worker", "taken", "unusable"]
    is_healthy: bool = True
    is_ready: bool = True
    details: str = ""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """This machine. ``files_max``: open files a process may have; None for no limit."""

    python: tuple[int, int, int]
    files_max: int | None
    data_dir: DataDir
    web: Web
