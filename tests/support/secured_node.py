"""A Kafka node with TLS, SASL and an authorizer, its users, and what ``deploy/kafka/acls.md`` allows them."""

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
}


class Rule(NamedTuple):
    """One permission of one user; ``is_prefix``: the name is the beginning of names."""

    user: str
    permission: Permission
    is_prefix: bool = False


def documented_rules() -> list[Rule]:
    """The commands of ``deploy/kafka/acls.md``, read as kafka-acls would."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--resource-pattern-type", choices=("literal", "prefixed"), default="literal")
    rules: list[Rule] = []
    for command in re.findall(r"^\$acl (.*)$", ACLS_MD.read_text(encoding="utf-8"), re.MULTILINE):
        given = parser.parse_args(shlex.split(command))
        resources = [("topic", name) for name in given.topic] + [("group", name) for name in given.group]
        for operation, (kind, name) in product(given.operation, resources):
            user = given.allow_principal.removeprefix("User:")
            rules.append(Rule(user, Permission(operation, kind, name), given.resource_pattern_type == "prefixed"))
    return rules


def refusal(call: Callable[[], object]) -> str:
    """What is said when ``call`` is refused; the broker takes a moment to know what it was told."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            call()
        except AccessError as error:
            return str(error)
    raise AssertionError(f"not refused in {DEADLINE:g} s")


def wait_until_allowed(call: Callable[[], object]) -> None:
    """Return when ``call`` is not refused any more."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            call()
        except AccessError:
            assert time.monotonic() < deadline
        else:
            return


def unsigned_token(user: str, *, seconds: float = 600.0) -> str:
    """A token as Kafka's default validator takes it (RFC 7515, alg none)."""
    now = time.time()
    # Kafka rounds to milliseconds, and takes no token from the future.
    parts = ({"alg": "none"}, {"sub": user, "iat": now - 1, "exp": now + seconds})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def free_ports(count: int) -> list[int]:
    """So many ports of the loopback address that nobody listens on, below those that clients get by themselves."""
    chosen: list[int] = []
    # A test may have set the seed of the others.
    for port in random.SystemRandom().sample(range(20000, 30000), 10_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        chosen.append(port)
        if len(chosen) == count:
            break
    return chosen


class SecuredNode:
    """A running node. ``addresses``: host:port by the listener's name; on PLAINTEXT everybody is administrator."""

    def __init__(self, start: Callable[..., KafkaNode], folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        self.certificates = {
            "broker": self.authority.sign("broker"),
            "expired": self.authority.sign("expired", end="20200201000000Z"),
            "elsewhere": self.authority.sign("elsewhere", names="DNS:kafka.elsewhere.example"),
        }
        ports = self._started(start)
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.admin = KafkaAdminClient(bootstrap_servers=self.addresses["PLAINTEXT"])
        self._add_users()
        self.allow(documented_rules())

    def _started(self, start: Callable[..., KafkaNode]) -> dict[str, int]:
        """The ports that it listens on, by the listener's name; others are chosen if one is lost to a race."""
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
            "advertised.listeners": ",".join(at for name, at in listeners.items() if name != "CONTROLLER"),
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
        told = self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_256, PASSWORD) for user in ROLES]
        )
        told |= self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("scraper", ScramMechanism.SCRAM_SHA_512, PASSWORD)]
        )
        assert set(told.values()) == {None}, told

    def allow(self, rules: Iterable[Rule]) -> None:
        """Allow this."""
        wanted = [_acl(rule) for rule in rules]
        assert self.admin.create_acls(wanted)["failed"] == []

    def forbid(self, rule: Rule) -> None:
        """Take this away."""
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
