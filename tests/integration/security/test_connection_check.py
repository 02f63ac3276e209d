"""What is said when a broker and we do not agree: at once, in one line, with what to do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from stream.core.contracts.topics import TopicSpec
from stream.demo.runner import free_port
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka import topic_admin
from stream.kafka.acls import Permission, topic_permissions
from stream.kafka.connection_check import check_connection
from stream.kafka.security import Access, AccessError, load_access
from stream.settings import STAGES, Settings, Stage, load_settings
from tests.support.articles import dumps, generate_articles
from tests.support.certificates import Authority
from tests.support.processes import DEADLINE, Worker, clean_environment, subscribe, wait_until
from tests.support.secured_node import (
    PASSWORD,
    PLAIN_USER,
    ROLES,
    Rule,
    SecuredNode,
    documented_rules,
    refusal,
    wait_until_allowed,
)

pytestmark = pytest.mark.kafka
WRONG = "wrong"


def worker_environment(node: SecuredNode, folder: Path, step: Stage) -> dict[str, str]:
    """The environment of a worker that runs ``step``."""
    given = node.settings(step, web_port=free_port(), data_dir=folder / step, session_timeout_s=6)
    return clean_environment(**{f"STREAM_{name.upper()}": str(value) for name, value in given.items()})


def send_articles(node: SecuredNode, count: int) -> set[str]:
    """Produce new articles and return their ids."""
    articles = [{**article, "id": uuid.uuid4().hex} for article in generate_articles(count, seed=uuid.uuid4().int)]
    producer = KafkaProducer(bootstrap_servers=node.addresses["PLAINTEXT"])
    for article in articles:
        producer.send("articles.raw", dumps(article))
    producer.close()
    return {article["id"] for article in articles}


def read_published_ids(node: SecuredNode) -> set[str]:
    """Read the ids of the articles with a verdict."""
    consumer = KafkaConsumer(
        bootstrap_servers=node.addresses["PLAINTEXT"],
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
    )
    subscribe(consumer, "articles.enriched", "articles.duplicates")
    ids = {(record.key or b"").decode().partition("/")[2] for record in consumer}
    consumer.close()
    return ids


SettingsOf = Callable[[SecuredNode, Path], dict[str, Any]]
_HOOKS = """
import os
from tests.support.secured_node import unsigned_token

def good():
    return unsigned_token("setup")

def late():
    return unsigned_token("setup", seconds=-60)

def broken():
    raise RuntimeError("client_secret=S3cret-of-the-test-9f2c")

def nothing():
    return None
"""


def tls(node: SecuredNode, listener: str, **more: Any) -> dict[str, Any]:
    """Settings for TLS without a log-in."""
    return {
        "broker": node.addresses[listener],
        "security_protocol": "SSL",
        "tls_ca_file": node.authority.ca,
        **more,
    }


def other_authority(node: SecuredNode, folder: Path) -> dict[str, Any]:
    return tls(node, "SECURE", tls_ca_file=Authority(folder / "other").ca)


def certificate_of_another(node: SecuredNode, folder: Path) -> dict[str, Any]:
    return tls(node, "MUTUAL", tls_cert_file=Authority(folder / "other").sign("setup"))


def token(name: str) -> SettingsOf:
    """Settings with a token hook."""

    def settings_of(node: SecuredNode, folder: Path) -> dict[str, Any]:
        (folder / "hooks_of_the_test.py").write_text(_HOOKS, encoding="utf-8")
        settings = node.settings("setup", sasl_mechanism="OAUTHBEARER", sasl_token_hook=f"hooks_of_the_test:{name}")
        return {key: value for key, value in settings.items() if key not in ("sasl_username", "sasl_password")}

    return settings_of


REFUSED: dict[str, tuple[SettingsOf, str]] = {
    "wrong password": (
        lambda node, _: node.settings("setup", sasl_password=WRONG),
        "user setup cannot log in with SCRAM-SHA-256; check STREAM_SASL_USERNAME, STREAM_SASL_PASSWORD_FILE",
    ),
    "wrong password, PLAIN": (
        lambda node, _: node.settings(PLAIN_USER, sasl_mechanism="PLAIN", sasl_password=WRONG),
        "user plain-user cannot log in with PLAIN",
    ),
    "user without this mechanism": (
        lambda node, _: node.settings("setup", sasl_mechanism="SCRAM-SHA-512"),
        "and that the broker has this user for the mechanism",
    ),
    "expired certificate": (
        lambda node, _: node.settings("setup", broker=node.addresses["EXPIRED"]),
        "the broker's certificate has expired; renew it, and check the clock of this host",
    ),
    "untrusted certificate": (other_authority, "the broker's certificate is not trusted ("),
    "unknown authority": (lambda node, _: tls(node, "SECURE", tls_ca_file=None), "set STREAM_TLS_CA_FILE to the"),
    "another host's certificate": (lambda node, _: tls(node, "ELSEWHERE"), "certificate is for another host ("),
    "no client certificate": (lambda node, _: tls(node, "MUTUAL"), "set STREAM_TLS_CERT_FILE and STREAM_TLS_KEY_FILE"),
    "untrusted client certificate": (certificate_of_another, "the broker does not accept the client certificate ("),
    "plain text to TLS": (
        lambda node, _: {"broker": node.addresses["SECURE"]},
        "the port speaks TLS; set STREAM_SECURITY_PROTOCOL=SSL",
    ),
    "SASL in plain text to TLS": (
        lambda node, _: node.settings("setup", security_protocol="SASL_PLAINTEXT", tls_ca_file=None),
        "the port speaks TLS; set STREAM_SECURITY_PROTOCOL=SASL_SSL",
    ),
    "TLS to plain text": (
        lambda node, _: tls(node, "PLAINTEXT"),
        "the port does not speak TLS; set STREAM_SECURITY_PROTOCOL=PLAINTEXT",
    ),
    "no log-in": (lambda node, _: {"broker": node.addresses["OPEN"]}, "set STREAM_SECURITY_PROTOCOL=SASL_PLAINTEXT"),
    "no log-in over TLS": (lambda node, _: tls(node, "SECURE"), "set STREAM_SECURITY_PROTOCOL=SASL_SSL"),
    "log-in where there is none": (
        lambda node, _: node.settings("setup", broker=node.addresses["ELSEWHERE"], tls_check_hostname=False),
        "this listener has no log-in; set STREAM_SECURITY_PROTOCOL=SSL",
    ),
    "token too old": (token("late"), "the broker refuses the token; check audience, scope and expiry"),
    "token hook fails": (token("broken"), "the token hook hooks_of_the_test:broken raised RuntimeError"),
    "token hook returns nothing": (token("nothing"), "the token hook hooks_of_the_test:nothing returned NoneType"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_explained_in_one_line(
    secured: SecuredNode, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    settings_of, expected = REFUSED[case]
    settings = load_settings(**settings_of(secured, tmp_path))
    with pytest.raises(BrokerError) as raised, topic_admin.admin(settings):
        pass
    assert not isinstance(raised.value, BrokerNotReady)
    message = str(raised.value)
    assert message.startswith(f"{settings.broker}: ")
    assert expected in message
    assert "\n" not in message
    assert PASSWORD not in message


WAYS: dict[str, SettingsOf] = {
    "SCRAM-SHA-256": lambda node, _: node.settings("setup"),
    "SCRAM-SHA-512": lambda node, _: node.settings("scraper", sasl_mechanism="SCRAM-SHA-512"),
    "SCRAM without TLS": lambda node, _: node.settings(
        "setup", broker=node.addresses["OPEN"], security_protocol="SASL_PLAINTEXT", tls_ca_file=None
    ),
    "PLAIN": lambda node, _: node.settings(PLAIN_USER, sasl_mechanism="PLAIN"),
    "OAUTHBEARER": token("good"),
    "TLS alone": lambda node, _: tls(node, "ELSEWHERE", tls_check_hostname=False),
    "client certificate": lambda node, _: tls(node, "MUTUAL", tls_cert_file=node.authority.sign("setup")),
}


@pytest.mark.parametrize("way", WAYS)
def test_access_is_granted(secured: SecuredNode, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    settings = load_settings(**WAYS[way](secured, tmp_path))

    def has_access() -> bool:
        try:
            with topic_admin.admin(settings) as client:
                return bool(client.describe_cluster()["brokers"])
        except BrokerNotReady:  # a connection was lost: retry, as a worker does
            return False

    wait_until(has_access, "access")


def test_one_server_that_grants_access_is_enough(secured: SecuredNode) -> None:
    access = load_access(load_settings(**secured.settings("setup")))
    check_connection(["127.0.0.1:1", secured.addresses["EXPIRED"], secured.addresses["SECURE"]], access)
    with pytest.raises(AccessError, match="has expired"):
        check_connection(["127.0.0.1:1", secured.addresses["EXPIRED"]], access)
    with pytest.raises(BrokerNotReady, match=r"^127\.0\.0\.1:1: connection refused"):
        check_connection(["127.0.0.1:1"], access)


def test_an_advertised_address_that_cannot_be_reached_is_named(secured: SecuredNode) -> None:
    with pytest.raises(BrokerNotReady) as raised:
        check_connection([secured.addresses["ASTRAY"]], Access())
    assert str(raised.value).startswith(
        f"{secured.addresses['ASTRAY']}: it answers, but the brokers advertise addresses that cannot be reached from "
        "here: nowhere.invalid:9092 (the host name cannot be resolved ("
    )


def test_documented_privileges_are_those_of_the_code() -> None:
    rules = documented_rules()
    assert {rule.user for rule in rules} == set(ROLES)
    for step in STAGES:
        documented = {rule.permission for rule in rules if rule.user == step}
        settings = Settings()
        group = Permission("Read", "group", settings.group)
        assert documented == {*topic_permissions([step], settings.topics), group}


WORKER_RULES = [rule for rule in documented_rules() if rule.user in STAGES]


@pytest.mark.parametrize("rule", WORKER_RULES, ids=[f"{rule.user}: {rule.permission}" for rule in WORKER_RULES])
def test_a_missing_permission_of_a_worker_is_named(with_topics: SecuredNode, rule: Rule) -> None:
    step: Stage = "normalize" if rule.user == "normalize" else "deduplicate"
    settings = load_settings(**with_topics.settings(step))
    wait_until_allowed(lambda: topic_admin.require(settings, [step]))
    with_topics.forbid(rule)
    try:
        message = refusal(lambda: topic_admin.require(settings, [step]))
    finally:
        with_topics.allow([rule])
    assert (
        message == f"User:{step} lacks permission: {rule.permission}; grant it with kafka-acls (deploy/kafka/acls.md)"
    )


REVOKED: dict[str, tuple[Stage, Permission]] = {
    "to publish": ("deduplicate", Permission("Write", "topic", "articles.enriched")),
    "to read": ("normalize", Permission("Read", "topic", "articles.raw")),
}


@pytest.mark.parametrize("case", REVOKED)
def test_a_revoked_permission_stops_a_running_worker_without_losses(
    with_topics: SecuredNode, case: str, tmp_path: Path
) -> None:
    step, permission = REVOKED[case]
    rule = next(rule for rule in WORKER_RULES if (rule.user, rule.permission) == (step, permission))
    normalize, deduplicate = (worker_environment(with_topics, tmp_path, one) for one in STAGES)
    environments = {"normalize": normalize, "deduplicate": deduplicate}
    with (
        Worker(normalize, tmp_path / "normalize.log", "--step", "normalize") as first,
        Worker(deduplicate, tmp_path / "deduplicate.log", "--step", "deduplicate") as second,
    ):
        stopped = first if step == "normalize" else second
        first.wait_ready()
        second.wait_ready()
        with_topics.forbid(rule)
        try:
            ids = send_articles(with_topics, 5)
            assert stopped.process.wait(DEADLINE) in (69, 70)
        finally:
            with_topics.allow([rule])
        faults = [line for line in stopped.log.splitlines() if " CRITICAL " in line or line.startswith("stream: ")]
        assert [str(permission.name) in line for line in faults] == [True]
        wait_until_allowed(lambda: topic_admin.require(load_settings(**with_topics.settings(step)), [step]))
        with Worker(environments[step], tmp_path / "again.log", "--step", step):
            wait_until(lambda: ids <= read_published_ids(with_topics), "everything published")


def create_one(settings: Settings) -> None:
    topic_admin.create(
        settings, [TopicSpec("articles.more", 1, {})], replication=9
    )  # one broker cannot hold nine copies


def inspect_one(settings: Settings) -> None:
    topic_admin.inspect(settings, [TopicSpec("articles.raw", 1, {})])


@pytest.mark.parametrize(
    ("operation", "call", "expected"),
    [
        ("Create", create_one, "Create on topic articles.more"),
        ("AlterConfigs", inspect_one, "DescribeConfigs on topic articles.raw"),
    ],
)
def test_a_missing_permission_to_manage_topics_is_named(
    with_topics: SecuredNode, operation: str, call: Callable[[Settings], None], expected: str
) -> None:
    (rule,) = [rule for rule in documented_rules() if rule.user == "setup" and rule.permission.operation == operation]
    settings = load_settings(**with_topics.settings("setup"))
    with_topics.forbid(rule)
    try:
        message = refusal(lambda: ignore_broker_errors(lambda: call(settings)))
    finally:
        with_topics.allow([rule])
    assert message == f"User:setup lacks permission: {expected}; grant it with kafka-acls (deploy/kafka/acls.md)"


def ignore_broker_errors(call: Callable[[], None]) -> None:
    """Call and raise refusals only."""
    try:
        call()
    except AccessError:
        raise
    except BrokerError:
        return


def test_a_hidden_topic_is_not_reported_as_missing(with_topics: SecuredNode) -> None:
    settings = load_settings(**with_topics.settings("consumer"))
    with pytest.raises(AccessError, match=r"User:consumer lacks permission: Describe on topic articles\.raw; grant"):
        topic_admin.exists(settings, "articles.raw")
    (status,) = topic_admin.inspect(settings, [TopicSpec("articles.raw", 1, {})])
    assert status.problem == "articles.raw is not visible to this user; grant it with kafka-acls (deploy/kafka/acls.md)"
