"""Inspects, creates and updates the topics of a Kafka cluster, through kafka-python."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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

from stream import system_clock
from stream.core.contracts.topics import TopicSpec
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka.acls import Permission, topic_permissions
from stream.kafka.broker_clock import require_clock
from stream.kafka.connection_check import check_connection
from stream.kafka.record_batches import limit_kafka_python
from stream.kafka.security import AccessError, load_access
from stream.settings import DAY_MS, Settings, Stage

_BOOTSTRAP_MS: Final = 15_000
_PROPAGATION_S: Final = 10.0
_GRANT: Final = "grant it with kafka-acls (deploy/kafka/acls.md)"


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """The present state of one topic.

    Attributes:
        partitions: 0 if the topic is missing.
        differs: settings that differ from the spec, with their present values.
        allowed: the operations that the client may use on the topic, in the terms of kafka-acls. None if the broker
            does not say (before Kafka 2.3); empty if the client may not even know whether the topic exists.
    """

    spec: TopicSpec
    partitions: int
    differs: dict[str, str | None] = field(default_factory=dict)
    allowed: frozenset[str] | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether the broker hides the topic from this user."""
        return self.allowed is not None and not self.allowed

    @property
    def deletions(self) -> list[str]:
        """Which records the broker would delete if the settings that differ were set as required."""
        required, present = self.spec.config, self.differs
        deletions = []
        if present.get("cleanup.policy") == "delete" and required["cleanup.policy"] == "compact":
            deletions.append("all but the newest record of each key")
        retention_ms = int(present.get("retention.ms") or 0)
        if "retention.ms" in required and (
            "cleanup.policy" in present or retention_ms < 0 or retention_ms > int(required["retention.ms"])
        ):
            deletions.append(f"records older than {int(required['retention.ms']) / DAY_MS:g} days")
        return [f"{self.spec.name}: {deletion}" for deletion in deletions]

    @property
    def problem(self) -> str | None:
        """Why the flow cannot use this topic and how to fix it; None if it can."""
        if self.is_hidden:
            return f"{self.spec.name} is not visible to this user; {_GRANT}"
        if self.partitions == 0:
            return f"{self.spec.name} is missing; run: stream topics"
        if self.spec.exact_partitions and self.partitions != self.spec.partitions:
            return (
                f"{self.spec.name} has {self.partitions} partitions instead of {self.spec.partitions}: "
                f"set STREAM_SCOPE_PARTITIONS={self.partitions}, or delete this topic and all topics derived from it"
            )
        return None


def connect(settings: Settings, client: Callable[..., Any], **arguments: Any) -> Any:
    """Create a kafka-python client of class ``client`` that connects as the settings say.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: `AccessError` if the brokers deny access; `BrokerNotReady` if none can be reached.
    """
    limit_kafka_python()
    access = load_access(settings)
    check_connection(settings.servers, access)
    try:
        return client(
            bootstrap_servers=settings.servers,
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
            **access.for_kafka_python(),
            **arguments,
        )
    except KafkaError as error:
        kind = BrokerNotReady if error.retriable else BrokerError
        raise kind(
            f"cannot connect to Kafka at {settings.broker} ({error}); try again, and if it persists, run: stream doctor"
        ) from error


@contextlib.contextmanager
def admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """Open an admin client of the cluster, and translate what it raises.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: `AccessError` if the cluster denies access; `BrokerNotReady` if it cannot be reached.
    """
    client = connect(settings, KafkaAdminClient)
    try:
        yield client
    except AuthorizationError as error:
        raise AccessError(f"access denied to {_principal(settings)} ({type(error).__name__}); {_GRANT}") from error
    except KafkaError as error:
        kind = BrokerNotReady if error.retriable else BrokerError
        raise kind(f"{settings.broker}: {error}") from error
    finally:
        client.close()


def inspect(settings: Settings, specs: Sequence[TopicSpec]) -> list[TopicStatus]:
    """Read the present state of each topic in ``specs``.

    Raises:
        BrokerError: the broker cannot be reached, or denies access.
    """
    with admin(settings) as client:
        statuses = _describe(client, specs)
        existing = [status for status in statuses if status.partitions]
        _require_operation(settings, existing, "DescribeConfigs")
        configs = _read_configs(client, [status.spec for status in existing])
    return [
        replace(status, differs=find_differences(status.spec, configs.get(status.spec.name))) for status in statuses
    ]


def exists(settings: Settings, topic: str, *, operation: str = "Describe") -> bool:
    """Whether the topic exists. Never creates it.

    Raises:
        BrokerError: the broker cannot be reached; `AccessError` if this user lacks ``operation`` on the topic.
    """
    with admin(settings) as client:
        (status,) = _describe(client, [TopicSpec(topic, 0, {})])
    _require_operation(settings, [status], operation)
    return status.partitions > 0


def create(settings: Settings, missing: Sequence[TopicSpec], *, replication: int) -> None:
    """Create topics and wait until they are usable.

    Raises:
        BrokerError: the broker refuses.
    """
    arguments = {
        spec.name: {"num_partitions": spec.partitions, "replication_factor": replication, "configs": spec.config}
        for spec in missing
    }
    with admin(settings) as client:
        try:
            client.create_topics(arguments)
        except AuthorizationError as error:
            raise _not_allowed(settings, [Permission("Create", "topic", name) for name in arguments]) from error
        client.wait_for_topics(list(arguments))


def update(settings: Settings, statuses: Sequence[TopicStatus]) -> None:
    """Set the settings that differ to their required values. Never changes partitions.

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
            _require_operation(settings, _describe(client, [status.spec for status in statuses]), "AlterConfigs")
            results = client.alter_configs(resources)["topic"]
            if refused := [f"{name}: {result}" for name, result in results.items() if result != "OK"]:
                raise BrokerError(f"{settings.broker} refused to change {'; '.join(refused)}")
            _wait_until_set(client, [status.spec for status in statuses if status.differs])


def _wait_until_set(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    """Wait until the queried broker has caught up with the controller, for a limited time."""
    deadline = time.monotonic() + _PROPAGATION_S
    while time.monotonic() < deadline:
        configs = _read_configs(client, specs)
        if not any(find_differences(spec, configs.get(spec.name)) for spec in specs):
            return
        time.sleep(0.1)


def require(settings: Settings, steps: Sequence[Stage], *, now_ms: Callable[[], int] = system_clock.now_ms) -> None:
    """Check that every topic of ``steps`` exists as required and can be used by this user, and that the clock is right.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: the message lists each problem and its fix; `BrokerNotReady` if topics are merely missing, or if
            the clock is wrong.
    """
    required = topic_permissions(steps, settings.topics)
    names = {permission.name for permission in required}
    with admin(settings) as client:
        statuses = _describe(client, [spec for spec in settings.topic_specs if spec.name in names])
        _require_permissions(settings, client, statuses, required)
        require_clock(client, retention_ms=settings.retention_ms, now_ms=now_ms)
    bad = [status for status in statuses if status.problem]
    if bad:
        kind = BrokerError if any(status.partitions for status in bad) else BrokerNotReady
        raise kind("the topics are not ready:\n  " + "\n  ".join(status.problem or "" for status in bad))


def _require_permissions(
    settings: Settings, client: KafkaAdminClient, statuses: Sequence[TopicStatus], required: Sequence[Permission]
) -> None:
    allowed = {status.spec.name: status.allowed for status in statuses}
    # The broker reports no permissions for a missing topic; that it is missing is reported instead.
    lacking = [
        permission
        for permission in required
        if (operations := allowed[permission.name]) is not None and permission.operation not in operations
    ]
    if not _may_join_group(client, settings.group):
        lacking.append(Permission("Read", "group", settings.group))
    if lacking:
        raise _not_allowed(settings, lacking)


def _may_join_group(client: KafkaAdminClient, group: str) -> bool:
    try:
        described = client.describe_groups([group])[group]
    except GroupAuthorizationFailedError:
        return False
    except CoordinatorNotAvailableError:  # a new cluster has none yet; a refusal comes before that
        return True
    allowed = described.get("authorized_operations")
    # The broker reports nothing for a group that does not exist yet.
    return not allowed or "Read" in _operation_names(allowed)


def _require_operation(settings: Settings, statuses: Sequence[TopicStatus], operation: str) -> None:
    lacking = [status for status in statuses if status.allowed is not None and operation not in status.allowed]
    if lacking:
        raise _not_allowed(settings, [Permission(operation, "topic", status.spec.name) for status in lacking])


def _not_allowed(settings: Settings, lacking: Sequence[Permission]) -> AccessError:
    return AccessError(f"{_principal(settings)} lacks permission: {', '.join(map(str, lacking))}; {_GRANT}")


def _principal(settings: Settings) -> str:
    return f"User:{settings.sasl_username}" if settings.sasl_username else "this client"


def _describe(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> list[TopicStatus]:
    """Read topics without their configuration, for which workers need no permission."""
    described = {topic["name"]: topic for topic in client.describe_topics([spec.name for spec in specs])}
    return [_parse_status(spec, described.get(spec.name, {})) for spec in specs]


def _parse_status(spec: TopicSpec, topic: dict[str, Any]) -> TopicStatus:
    if topic.get("error_code") == TopicAuthorizationFailedError.errno:
        return TopicStatus(spec, 0, allowed=frozenset())
    operations = topic.get("authorized_operations")
    return TopicStatus(
        spec, len(topic.get("partitions", ())), allowed=_operation_names(operations) if operations else None
    )


def _operation_names(names: Sequence[str]) -> frozenset[str]:
    """Operations in the spelling of kafka-acls: DESCRIBE_CONFIGS becomes DescribeConfigs."""
    return frozenset(name.title().replace("_", "") for name in names)


def _read_configs(client: KafkaAdminClient, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str | None]]:
    if not specs:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, spec.name) for spec in specs]
    described = client.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {setting: value["value"] for setting, value in settings.items()} for name, settings in described.items()
    }


def find_differences(spec: TopicSpec, config: Mapping[str, str | None] | None) -> dict[str, str | None]:
    """The settings of a topic that differ from ``spec``, with their present values; none if ``config`` is not known."""
    if config is None:
        return {}
    return {name: config.get(name) for name, value in spec.config.items() if config.get(name) != value}
