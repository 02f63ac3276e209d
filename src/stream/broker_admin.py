"""The topics on a real broker: what is there, what is missing, what differs. Through kafka-python."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from stream.errors import BrokerError
from stream.topics import TopicSpec

_BOOTSTRAP_MS = 15_000


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """One topic as it is. ``partitions`` is 0 where it is missing; ``differs`` maps settings to what they are."""

    spec: TopicSpec
    partitions: int
    differs: dict[str, str | None] = field(default_factory=dict)

    @property
    def problem(self) -> str | None:
        """What keeps the flow from running on this topic, and the way out."""
        if self.partitions == 0:
            return f"{self.spec.name} is missing; run: stream topics"
        if self.spec.exact_partitions and self.partitions != self.spec.partitions:
            return (
                f"{self.spec.name} has {self.partitions} partitions, {self.spec.partitions} are set: "
                f"set STREAM_SCOPE_PARTITIONS={self.partitions}, or delete the topic and all that was made from it"
            )
        return None


@contextlib.contextmanager
def admin(broker: str) -> Iterator[KafkaAdminClient]:
    """A client for the cluster.

    Raises:
        BrokerError: it cannot be reached, or refuses.
    """
    try:
        client = KafkaAdminClient(bootstrap_servers=broker.split(","), bootstrap_timeout_ms=_BOOTSTRAP_MS)
    except KafkaError as error:
        raise BrokerError(f"no Kafka at {broker} ({error}); start it, or set STREAM_BROKER") from error
    try:
        yield client
    except KafkaError as error:
        raise BrokerError(f"{broker}: {error}") from error
    finally:
        client.close()


def inspect(broker: str, specs: Sequence[TopicSpec]) -> list[TopicStatus]:
    """Each topic of ``specs`` as it is on the broker.

    Raises:
        BrokerError: the broker cannot be asked.
    """
    with admin(broker) as client:
        found = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics([s.name for s in specs])}
        there = [spec for spec in specs if found.get(spec.name)]
        configs = _configs(client, there)
    return [TopicStatus(spec, found.get(spec.name, 0), _differences(spec, configs.get(spec.name))) for spec in specs]


def exists(broker: str, topic: str) -> bool:
    """Whether the topic is there; asking does not create it.

    Raises:
        BrokerError: the broker cannot be asked.
    """
    with admin(broker) as client:
        return topic in client.list_topics()


def create(broker: str, missing: Sequence[TopicSpec], *, replication: int) -> None:
    """Create topics and wait until they can be used.

    Raises:
        BrokerError: the broker refuses.
    """
    wanted = {
        spec.name: {"num_partitions": spec.partitions, "replication_factor": replication, "configs": spec.config}
        for spec in missing
    }
    with admin(broker) as client:
        client.create_topics(wanted, wait_for_metadata=True)


def update(broker: str, statuses: Sequence[TopicStatus]) -> None:
    """Set what differs to what it has to be; partitions are never changed.

    Raises:
        BrokerError: the broker refuses.
    """
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC,
            status.spec.name,
            configs={name: status.spec.config[name] for name in status.differs},
        )
        for status in statuses
        if status.differs
    ]
    if resources:
        with admin(broker) as client:
            client.alter_configs(resources)


def require(broker: str, specs: Sequence[TopicSpec]) -> None:
    """Check that every topic is there and has the partitions that it must have.

    Raises:
        BrokerError: naming each problem and the way out.
    """
    problems = [status.problem for status in inspect(broker, specs) if status.problem]
    if problems:
        raise BrokerError("the topics are not ready:\n  " + "\n  ".join(problems))


def _configs(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str | None]]:
    if not specs:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, spec.name) for spec in specs]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {setting: value["value"] for setting, value in settings.items()} for name, settings in described.items()
    }


def _differences(spec: TopicSpec, config: dict[str, str | None] | None) -> dict[str, str | None]:
    if config is None:
        return {}
    return {name: config.get(name) for name, value in spec.config.items() if config.get(name) != value}
