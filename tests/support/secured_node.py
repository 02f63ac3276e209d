"""A Kafka node with TLS, SASL and an authorizer, with users that have the privileges of ``deploy/kafka/acls.md``."""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from stream.kafka.acls import Permission
from stream.kafka.security import AccessError
from tests.support.certificates import Authority
from tests.support.kafka_node import KafkaNode, KafkaNodeError

ACLS_MD: Final = Path(__file__).parents[2] / "deploy" / "kafka" / "acls.md"
ROLES: Final = ("setup", "scraper", "normalize", "deduplicate", "consumer")
#: Nothing else in the tests' output looks like it.
PASSWORD: Final = "S3cret-of-the-test-9f2c"  # noqa: S105 - of tests
PLAIN_USER: Final = "plain-user"
DEADLINE: Final = 30.0
START_ATTEMPTS: Final = 3

_SASL: Final = "org.apache.kafka.common.security"
#: Listeners by name: protocol, file of the broker's certificate.
LISTENERS: Final = {
    "SECURE": ("SASL_SSL", "broker"),
    "EXPIRED": ("SASL_SSL", "expired"),
    "ELSEWHERE": ("SSL", "elsewhere"),
    "MUTUAL": ("SSL", "broker"),
    "OPEN": ("SASL_PLAINTEXT", ""),
    "ASTRAY": ("PLAINTEXT", ""),
}
#: Advertised instead of the listener's own address.
ADVERTISED: Final = {"ASTRAY": "nowhere.invalid:9092"}


class Rule(NamedTuple):
    """One permission of one user; ``is_prefix``: the name is a prefix."""

    user: str
    permission: Permission
    is_prefix: bool = False


def documented_rules() -> list[Rule]:
    """Parse the commands of ``deploy/kafka/acls.md`` as kafka-acls does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--resource-pattern-type", choices=("literal", "prefixed"), default="literal")
    rules: list[Rule] = []
    for command in re.findall(r"^\$acl (.*)$", ACLS_MD.read_text(encoding="utf-8"), re.MULTILINE):
        arguments = parser.parse_args(shlex.split(command))
        resources = [("topic", name) for name in arguments.topic] + [("group", name) for name in arguments.group]
        for operation, (kind, name) in product(arguments.operation, resources):
            user = arguments.allow_principal.removeprefix("User:")
            rules.append(Rule(user, Permission(operation, kind, name), arguments.resource_pattern_type == "prefixed"))
    return rules


def refusal(call: Callable[[], object]) -> str:
    """Repeat ``call`` until it is refused, and return the message: changed permissions take effect with a delay."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            call()
        except AccessError as error:
            return str(error)
    raise AssertionError(f"not refused in {DEADLINE:g} s")


def wait_until_allowed(call: Callable[[], object]) -> None:
    """Repeat ``call`` until it is no longer refused."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            call()
        except AccessError:
            assert time.monotonic() < deadline
        else:
            return


def unsigned_token(user: str, *, seconds: float = 600.0) -> str:
    """A token that Kafka's default validator accepts (RFC 7515, alg none)."""
    now = time.time()
    # Kafka rounds to milliseconds, and refuses tokens from the future.
    parts = ({"alg": "none"}, {"sub": user, "iat": now - 1, "exp": now + seconds})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def free_ports(count: int) -> list[int]:
    """Unused ports of the loopback address, below the range of ephemeral ports."""
    ports: list[int] = []
    # A test may have seeded the default generator.
    for port in random.SystemRandom().sample(range(20000, 30000), 10_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            break
    return ports


class SecuredNode:
    """A running node. ``addresses``: host:port by the listener's name; on PLAINTEXT everyone is a super user."""

    def __init__(self, start: Callable[..., KafkaNode], folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        self.certificates = {
            "broker": self.authority.sign("broker"),
            "expired": self.authority.sign("expired", end="20200201000000Z"),
            "elsewhere": self.authority.sign("elsewhere", names="DNS:kafka.elsewhere.example"),
        }
        ports = self._start(start)
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.admin = KafkaAdminClient(bootstrap_servers=self.addresses["PLAINTEXT"])
        self._add_users()
        self.allow(documented_rules())

    def _start(self, start: Callable[..., KafkaNode]) -> dict[str, int]:
        """Start the node and return its ports by listener name; retries with other ports if one is taken meanwhile."""
        for attempt in range(1, START_ATTEMPTS + 1):
            names = ("PLAINTEXT", "CONTROLLER", *LISTENERS)
            ports = dict(zip(names, free_ports(len(names)), strict=True))
            options = [f"--property={name}={value}" for name, value in self._properties(ports).items()]
            fixed = ("--port", str(ports["PLAINTEXT"]), "--controller-port", str(ports["CONTROLLER"]))
            try:
                start(*fixed, *options)
            except KafkaNodeError:
                if attempt == START_ATTEMPTS:
                    raise
            else:
                return ports
        raise AssertionError

    def _properties(self, ports: dict[str, int]) -> dict[str, str]:
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"} | {
            name: protocol for name, (protocol, _) in LISTENERS.items()
        }
        listeners = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
        properties = {
            "listeners": ",".join(listeners.values()),
            "advertised.listeners": ",".join(
                f"{name}://{ADVERTISED[name]}" if name in ADVERTISED else address
                for name, address in listeners.items()
                if name != "CONTROLLER"
            ),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "listener.name.mutual.ssl.client.auth": "required",
        }
        for name, (protocol, certificate) in LISTENERS.items():
            own = f"listener.name.{name.lower()}"
            if "SASL" in protocol:
                properties |= {f"{own}.{key}": value for key, value in _sasl_properties().items()}
            if "SSL" in protocol:
                properties |= {
                    f"{own}.ssl.keystore.type": "PEM",
                    f"{own}.ssl.keystore.location": str(self.certificates[certificate]),
                    f"{own}.ssl.truststore.type": "PEM",
                    f"{own}.ssl.truststore.location": str(self.authority.ca),
                }
        return properties

    def _add_users(self) -> None:
        results = self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_256, PASSWORD) for user in ROLES]
        )
        results |= self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("scraper", ScramMechanism.SCRAM_SHA_512, PASSWORD)]
        )
        assert set(results.values()) == {None}, results

    def allow(self, rules: Iterable[Rule]) -> None:
        """Grant permissions."""
        acls = [_acl(rule) for rule in rules]
        assert self.admin.create_acls(acls)["failed"] == []

    def forbid(self, rule: Rule) -> None:
        """Revoke a permission."""
        self.admin.delete_acls([_acl(rule)])

    def settings(self, role: str, **more: Any) -> dict[str, Any]:
        """Settings to log in as ``role`` with SCRAM over TLS."""
        return {
            "broker": self.addresses["SECURE"],
            "security_protocol": "SASL_SSL",
            "tls_ca_file": str(self.authority.ca),
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_username": role,
            "sasl_password": PASSWORD,
            "scope_partitions": 2,
            **more,
        }


def _sasl_properties() -> dict[str, str]:
    plain = f'{_SASL}.plain.PlainLoginModule required user_{PLAIN_USER}="{PASSWORD}";'
    scram = f"{_SASL}.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "plain.sasl.jaas.config": plain,
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
        "oauthbearer.sasl.jaas.config": f"{_SASL}.oauthbearer.OAuthBearerLoginModule required;",
    }


def _acl(rule: Rule) -> ACL:
    operation, kind, name = rule.permission
    return ACL(
        principal=f"User:{rule.user}",
        host="*",
        operation=ACLOperation[re.sub(r"(?<!^)(?=[A-Z])", "_", operation).upper()],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(
            ResourceType[kind.upper()],
            name,
            ACLResourcePatternType.PREFIXED if rule.is_prefix else ACLResourcePatternType.LITERAL,
        ),
    )
