"""The topics on a real broker: what is there, what is missing, what differs. Through kafka-python."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from stream.core.contracts.topics import TopicSpec
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka.acls import Permission, topic_permissions
from stream.kafka.connection_check import check_access
from stream.kafka.security import AccessError, load_access
from stream.settings import Settings, Stage

_BOOTSTRAP_MS: Final = 15_000
_PROPAGATION_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """One topic as it is. ``partitions`` is 0 where it is missing; ``differs`` maps settings to what they are.

    ``allowed`` are the operations that we may do on it, in the words of kafka-acls; None where the broker (before
    2.3) does not tell. It is empty where we may not even know whether the topic is there.
    """

    spec: TopicSpec
    partitions: int
    differs: dict[str, str | None] = field(default_factory=dict)
    allowed: frozenset[str] | None = None

    @property
    def is_hidden(self) -> bool:
        """The broker does not tell us whether it is there."""
        return self.allowed is not None and not self.allowed

    @property
    def problem(self) -> str | None:
        """What keeps the flow from running on this topic, and the way out."""
        if self.is_hidden:
            return f"{self.spec.name} is not ours to see; {_how_to_allow()}"
        if self.partitions == 0:
            return f"{self.spec.name} is missing; run: stream topics"
        if self.spec.exact_partitions and self.partitions != self.spec.partitions:
            return (
                f"{self.spec.name} has {self.partitions} partitions, {self.spec.partitions} are set: "
                f"set STREAM_SCOPE_PARTITIONS={self.partitions}, or delete the topic and all that was made from it"
            )
        return None


def connect(settings: Settings, client: Callable[..., Any], **arguments: Any) -> Any:
    """A kafka-python client of the class ``client``, with the way to the brokers that the settings tell.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: `AccessError` where the brokers refuse us; `BrokerNotReady` where none can be reached.
    """
    access = load_access(settings)
    check_access(settings.servers, access)
    try:
        return client(
            bootstrap_servers=settings.servers,
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
            **access.for_kafka_python(),
            **arguments,
        )
    except KafkaError as error:
        kind = BrokerNotReady if error.retriable else BrokerError
        raise kind(f"no Kafka at {settings.broker} ({error}); start it, or set STREAM_BROKER") from error


@contextlib.contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """A client for the cluster.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: it refuses; `BrokerNotReady` where it cannot be reached.
    """
    client = connect(settings, KafkaAdminClient)
    try:
        yield client
    except AuthorizationError as error:
        raise AccessError(
            f"{_who(settings)} is not allowed this ({type(error).__name__}); {_how_to_allow()}"
        ) from error
    except KafkaError as error:
        kind = BrokerNotReady if error.retriable else BrokerError
        raise kind(f"{settings.broker}: {error}") from error
    finally:
        client.close()


def inspect(settings: Settings, specs: Sequence[TopicSpec]) -> list[TopicStatus]:
    """Each topic of ``specs`` as it is on the broker.

    Raises:
        BrokerError: the broker cannot be asked.
    """
    with admin(settings) as client:
        statuses = _described(client, specs)
        there = [status for status in statuses if status.partitions]
        _require_operation(settings, there, "DescribeConfigs")
        configs = _configs(client, [status.spec for status in there])
    return [replace(status, differs=_differences(status.spec, configs.get(status.spec.name))) for status in statuses]


def exists(settings: Settings, topic: str, *, operation: str = "Describe") -> bool:
    """Whether the topic is there; asking does not create it.

    Raises:
        BrokerError: the broker cannot be asked; `AccessError` where we are not allowed ``operation`` on the topic.
    """
    with admin(settings) as client:
        (status,) = _described(client, [TopicSpec(topic, 0, {})])
    _require_operation(settings, [status], operation)
    return status.partitions > 0


def create(settings: Settings, missing: Sequence[TopicSpec], *, replication: int) -> None:
    """Create topics and wait until they can be used.

    Raises:
        BrokerError: the broker refuses.
    """
    wanted = {
        spec.name: {"num_partitions": spec.partitions, "replication_factor": replication, "configs": spec.config}
        for spec in missing
    }
    with admin(settings) as client:
        try:
            client.create_topics(wanted)
        except AuthorizationError as error:
            raise _not_allowed(settings, [Permission("Create", "topic", name) for name in wanted]) from error
        client.wait_for_topics(list(wanted))


def update(settings: Settings, statuses: Sequence[TopicStatus]) -> None:
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
        with admin(settings) as client:
            _require_operation(settings, _described(client, [status.spec for status in statuses]), "AlterConfigs")
            results = client.alter_configs(resources)["topic"]
            if refused := [f"{name}: {result}" for name, result in results.items() if result != "OK"]:
                raise BrokerError(f"{settings.broker} does not change {'; '.join(refused)}")
            _wait_until_set(client, [status.spec for status in statuses if status.differs])


def _wait_until_set(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    """Wait, not for ever, until the broker that we ask knows what the controller has stored."""
    deadline = time.monotonic() + _PROPAGATION_S
    while time.monotonic() < deadline:
        configs = _configs(client, specs)
        if not any(_differences(spec, configs.get(spec.name)) for spec in specs):
            return
        time.sleep(0.1)


def require(settings: Settings, steps: Sequence[Stage]) -> None:
    """Check that every topic of ``steps`` is there, with the partitions that it must have, and that we may use it.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: naming each problem and the way out; `BrokerNotReady` where topics are missing, and nothing else.
    """
    wanted = topic_permissions(steps, settings.topics)
    names = {permission.name for permission in wanted}
    with admin(settings) as client:
        statuses = _described(client, [spec for spec in settings.topic_specs if spec.name in names])
        _require_permissions(settings, client, statuses, wanted)
    bad = [status for status in statuses if status.problem]
    if bad:
        kind = BrokerError if any(status.partitions for status in bad) else BrokerNotReady
        raise kind("the topics are not ready:\n  " + "\n  ".join(status.problem or "" for status in bad))


def _require_permissions(
    settings: Settings, client: KafkaAdminClient, statuses: Sequence[TopicStatus], wanted: Sequence[Permission]
) -> None:
    allowed = {status.spec.name: status.allowed for status in statuses}
    # A topic that is missing cannot be asked about; it is told as missing.
    lacking = [one for one in wanted if (there := allowed[one.name]) is not None and one.operation not in there]
    if not _may_join(client, settings.group):
        lacking.append(Permission("Read", "group", settings.group))
    if lacking:
        raise _not_allowed(settings, lacking)


def _may_join(client: KafkaAdminClient, group: str) -> bool:
    try:
        described = client.describe_groups([group])[group]
    except GroupAuthorizationFailedError:
        return False
    except CoordinatorNotAvailableError:  # a new cluster has none yet; a group that is refused is told before that
        return True
    allowed = described.get("authorized_operations")
    # Of a group that does not exist yet, nothing is told.
    return not allowed or "Read" in _operations(allowed)


def _require_operation(settings: Settings, statuses: Sequence[TopicStatus], operation: str) -> None:
    lacking = [status for status in statuses if status.allowed is not None and operation not in status.allowed]
    if lacking:
        raise _not_allowed(settings, [Permission(operation, "topic", status.spec.name) for status in lacking])


def _not_allowed(settings: Settings, lacking: Sequence[Permission]) -> AccessError:
    return AccessError(f"{_who(settings)} is not allowed {', '.join(map(str, lacking))}; {_how_to_allow()}")


def _who(settings: Settings) -> str:
    return f"User:{settings.sasl_username}" if settings.sasl_username else "this client"


def _how_to_allow() -> str:
    return "grant it with kafka-acls (deploy/kafka/acls.md)"


def _described(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> list[TopicStatus]:
    """Each topic without its configuration, which takes a permission that workers can do without."""
    found = {topic["name"]: topic for topic in client.describe_topics([spec.name for spec in specs])}
    return [_status(spec, found.get(spec.name, {})) for spec in specs]


def _status(spec: TopicSpec, topic: dict[str, Any]) -> TopicStatus:
    if topic.get("error_code") == TopicAuthorizationFailedError.errno:
        return TopicStatus(spec, 0, allowed=frozenset())
    operations = topic.get("authorized_operations")
    return TopicStatus(spec, len(topic.get("partitions", ())), allowed=_operations(operations) if operations else None)


def _operations(names: Sequence[str]) -> frozenset[str]:
    """Operations as kafka-acls writes them: DESCRIBE_CONFIGS is DescribeConfigs."""
    return frozenset(name.title().replace("_", "") for name in names)


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
