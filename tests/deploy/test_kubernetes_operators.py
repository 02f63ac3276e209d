"""deploy/kubernetes: the resources for Strimzi, KEDA, the Prometheus operator and Grafana."""

from __future__ import annotations

import json

import pytest
import yaml

from stream.kafka.acls import Permission, topic_permissions
from stream.settings import Settings
from tests.support.manifests import (
    OVERLAYS,
    Document,
    build,
    container,
    environment,
    name,
    of_kind,
    pod,
    selects,
    settings,
    steps,
    workers,
)
from tests.support.secured_node import Rule, documented_rules
from tests.support.tools import ROOT

CONFIG_MAP_BYTES = 1024 * 1024
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def overlays_with(kind: str) -> list[str]:
    return [overlay for overlay in OVERLAYS if of_kind(build(overlay), kind)]


def flow_settings(overlay: str) -> Settings:
    return settings(workers(build(overlay))[0], build(overlay))


# Strimzi


@every_overlay
def test_topics_are_those_of_stream_topics(overlay: str) -> None:
    """A Job creates them, or Strimzi creates exactly the same; `min.insync.replicas` depends on the cluster."""
    documents = build(overlay)
    topics = of_kind(documents, "KafkaTopic")
    if not topics:
        (job,) = of_kind(documents, "Job")
        assert container(job)["args"] == ["topics"]
        return
    actual = {
        name(each): (each["spec"]["partitions"], {key: str(value) for key, value in each["spec"]["config"].items()})
        for each in topics
    }
    for _, config in actual.values():
        config.pop("min.insync.replicas", None)
    specs = flow_settings(overlay).topic_specs
    assert actual == {spec.name: (spec.partitions, spec.config) for spec in specs}


def rules(user: Document, role: str) -> set[Rule]:
    """The permissions of a KafkaUser, as kafka-acls names them."""
    assert user["spec"]["authentication"] == {"type": "scram-sha-512"}
    assert user["spec"]["authorization"]["type"] == "simple"
    return {
        Rule(role, Permission(operation, acl["resource"]["type"], acl["resource"]["name"]), is_prefix)
        for acl in user["spec"]["authorization"]["acls"]
        for is_prefix in [acl["resource"].get("patternType", "literal") == "prefix"]
        for operation in acl["operations"]
    }


def least(*roles: str) -> set[Rule]:
    """The permissions of these roles of acls.md together; Read and Write include Describe."""
    allowed = {rule._replace(user=roles[0]) for rule in documented_rules() if rule.user in roles}
    reached = {rule.permission[1:] for rule in allowed if rule.permission.operation != "Describe"}
    return {rule for rule in allowed if rule.permission.operation != "Describe" or rule.permission[1:] not in reached}


@every_overlay
def test_users_have_the_least_acls(overlay: str) -> None:
    documents = build(overlay)
    users = {name(each): each for each in of_kind(documents, "KafkaUser")}
    if not users:
        return
    expected = {"article-stream-scraper": ["scraper"], "article-stream-consumer": ["consumer"]}
    for workload in workers(documents):
        variables = environment(workload, documents)
        user = variables["STREAM_SASL_USERNAME"]
        assert f"name: {user}\n" in yaml.safe_dump(pod(workload)["volumes"])
        expected[user] = sorted(steps(workload))
        topics = {permission for rule in rules(users[user], "") for permission in [rule.permission]}
        assert {each for each in topics if each.resource == "group"} == {
            Permission("Read", "group", variables["STREAM_GROUP"])
        }
        code = topic_permissions(sorted(steps(workload)), flow_settings(overlay).topics)  # type: ignore[arg-type]  # steps
        assert {each for each in topics if each.resource == "topic"} <= set(code)
    scaler = users.pop("article-stream-scaler", None)
    assert users.keys() == expected.keys()
    for user, roles in expected.items():
        assert rules(users[user], roles[0]) == least(*roles), user
    if scaler:
        triggers = [each for scaled in of_kind(documents, "ScaledObject") for each in scaled["spec"]["triggers"]]
        asked = {each["metadata"]["topic"] for each in triggers if each["type"] == "kafka"}
        allowed = {rule.permission for rule in rules(scaler, "")}
        assert {operation for operation, *_ in allowed} == {"Describe"}
        assert asked <= {each.name for each in allowed if each.resource == "topic"}


def test_everything_belongs_to_one_cluster() -> None:
    for overlay in overlays_with("KafkaTopic"):
        resources = of_kind(build(overlay), "KafkaTopic", "KafkaUser")
        assert {each["metadata"]["labels"]["strimzi.io/cluster"] for each in resources} == {"news"}
        assert flow_settings(overlay).broker.startswith("news-kafka-bootstrap.")


# KEDA


@every_overlay
def test_scaling_stays_within_the_partitions(overlay: str) -> None:
    documents = build(overlay)
    for scaled in of_kind(documents, "ScaledObject"):
        spec = scaled["spec"]
        (target,) = [each for each in workers(documents) if name(each) == spec["scaleTargetRef"]["name"]]
        assert (target["apiVersion"], target["kind"]) == (
            spec["scaleTargetRef"]["apiVersion"],
            spec["scaleTargetRef"]["kind"],
        )
        assert "replicas" not in target["spec"], "each apply would undo the scaling"
        config = settings(target, documents)
        partitions = config.scope_partitions if "deduplicate" in steps(target) else config.raw_partitions
        assert 2 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions
        inputs = {"normalize": config.topics.raw, "deduplicate": config.topics.normalized}
        kafka = [each for each in spec["triggers"] if each["type"] == "kafka"]
        assert {each["metadata"]["topic"] for each in kafka} == {inputs[step] for step in steps(target)}
        variables = environment(target, documents)
        for trigger in kafka:
            metadata = trigger["metadata"]
            assert {metadata["bootstrapServersFromEnv"], metadata["consumerGroupFromEnv"]} <= variables.keys()
            assert metadata["offsetResetPolicy"] == "earliest"
            assert ("authenticationRef" in trigger) == ("SASL" in config.security_protocol)


@every_overlay
def test_a_worker_with_an_index_is_rarely_scaled(overlay: str) -> None:
    for scaled in of_kind(build(overlay), "ScaledObject"):
        (target,) = [each for each in workers(build(overlay)) if name(each) == name(scaled)]
        behavior = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        patience = 600 if "deduplicate" in steps(target) else 120
        assert behavior["scaleUp"]["stabilizationWindowSeconds"] >= patience
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 1800
        # A restore keeps the CPU busy, and another worker would only restore as well.
        assert not any(each["type"] == "cpu" for each in scaled["spec"]["triggers"]) or "deduplicate" not in steps(
            target
        )


def test_keda_logs_in_with_the_secrets_of_strimzi() -> None:
    for overlay in overlays_with("TriggerAuthentication"):
        documents = build(overlay)
        (authentication,) = of_kind(documents, "TriggerAuthentication")
        for scaled in of_kind(documents, "ScaledObject"):
            for trigger in scaled["spec"]["triggers"]:
                if trigger["type"] == "kafka":
                    assert trigger["authenticationRef"] == {"name": name(authentication)}
        maps = {name(each): each["data"] for each in of_kind(documents, "ConfigMap")}
        parameters = {
            each["parameter"]: maps[each["name"]][each["key"]] for each in authentication["spec"]["configMapTargetRef"]
        }
        user = parameters["username"]
        assert parameters == {"sasl": "scram_sha512", "tls": "enable", "username": user}
        assert user in [name(each) for each in of_kind(documents, "KafkaUser")]
        secrets = {each["parameter"]: (each["name"], each["key"]) for each in authentication["spec"]["secretTargetRef"]}
        assert secrets == {"ca": ("news-cluster-ca-cert", "ca.crt"), "password": (user, "password")}


# Prometheus and Grafana


def test_every_worker_is_scraped_under_the_job_of_the_alerts() -> None:
    for overlay in overlays_with("PodMonitor"):
        (monitor,) = of_kind(build(overlay), "PodMonitor")
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["path"] == "/metrics"
        for workload in workers(build(overlay)):
            assert selects(monitor["spec"]["selector"]["matchLabels"], workload)
            assert endpoint["port"] in [port["name"] for port in container(workload)["ports"]]
            labels = workload["spec"]["template"]["metadata"]["labels"]
            assert labels[monitor["spec"]["jobLabel"]] == "article-stream"


def test_the_prometheus_rule_holds_the_rules_of_alerts_yml() -> None:
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    for overlay in overlays_with("PodMonitor"):
        (rule,) = of_kind(build(overlay), "PrometheusRule")
        assert rule["spec"] == alerts, "run: make lock"


def test_every_dashboard_is_included() -> None:
    files = {path.name: path for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")}
    for overlay in overlays_with("PodMonitor"):
        maps = [
            each
            for each in of_kind(build(overlay), "ConfigMap")
            if "grafana_dashboard" in each["metadata"].get("labels", {})
        ]
        contents = {file: text for each in maps for file, text in each["data"].items()}
        assert contents.keys() == files.keys()
        assert all(
            json.loads(contents[file]) == json.loads(path.read_text(encoding="utf-8")) for file, path in files.items()
        )
        assert all(len(json.dumps(each)) < CONFIG_MAP_BYTES for each in maps)
