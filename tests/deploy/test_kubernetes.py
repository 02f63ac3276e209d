"""deploy/kubernetes: kustomize builds valid documents that fit together and fit the code."""

from __future__ import annotations

import asyncio
import copy
import re
import urllib.error
import urllib.request
from pathlib import PurePosixPath
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # ships no types
import pytest
from prometheus_client import CollectorRegistry

from stream import __version__
from stream.demo.runner import free_port
from stream.errors import BrokerNotReady
from stream.runtime import http_server
from stream.runtime.broker_wait import BrokerWait
from stream.settings import ENV_PREFIX, Settings
from tests.support.manifests import (
    FOLDER,
    OVERLAYS,
    POD_KINDS,
    SCHEMAS,
    Document,
    build,
    container,
    environment,
    find_errors,
    name,
    of_kind,
    pod,
    selects,
    settings,
    settings_map,
    steps,
    workers,
)
from tests.support.tools import ROOT

OLDEST = "1.27"
NEWEST: str = kubernetes_validate.latest_version()
#: Seconds for the most expensive message within the limits; see docs/operations/operating.md.
MESSAGE_S = 20
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_an_api_server_would_accept_every_document(overlay: str, version: str) -> None:
    errors = {f"{each['kind']} {name(each)}": find_errors(each, version) for each in build(overlay)}
    assert {document: messages for document, messages in errors.items() if messages} == {}


def test_every_vendored_schema_is_used() -> None:
    assert {each["kind"] for overlay in OVERLAYS for each in build(overlay)} >= SCHEMAS.keys()


def _set(value: object, *path: str | int) -> Any:
    def change(document: Document) -> None:
        inner: Any = document
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("StatefulSet", _set(1, "spec", "template", "spec", "containers", 0, "livenessProbe", "timeout")),
        ("NetworkPolicy", _set("TCP", "spec", "egress", 0, "protocol")),
        ("KafkaTopic", _set("many", "spec", "partitions")),
        ("KafkaTopic", _set({}, "spec", "configuration")),
        ("KafkaUser", _set(["Look"], "spec", "authorization", "acls", 0, "operations")),
        ("ScaledObject", _set(1, "spec", "maxReplicas")),
        ("ScaledObject", _set(None, "spec", "triggers", 0, "type")),
        ("TriggerAuthentication", _set({"parameter": "ca"}, "spec", "secretTargetRef", 0)),
        ("PodMonitor", _set("web", "spec", "podMetricsEndpoints", 0, "ports")),
        ("PrometheusRule", _set("x", "spec", "groups", 0, "rules", 0, "expression")),
    ],
)
def test_a_mistake_is_found(kind: str, change: Any) -> None:
    document = copy.deepcopy(of_kind(build("production"), kind)[0])
    assert find_errors(document, NEWEST) == []
    change(document)
    assert find_errors(document, NEWEST)


# Settings


@every_overlay
def test_settings_exist_and_fit_together(overlay: str) -> None:
    for workload in of_kind(build(overlay), *POD_KINDS):
        config = settings(workload, build(overlay))
        # A short name does not work in another namespace, such as that of KEDA.
        assert all("." in server for server in config.servers), name(workload)
        assert (config.tls_ca_file is not None) == ("SSL" in config.security_protocol)
        login = (config.sasl_mechanism, config.sasl_username, config.sasl_password_file)
        assert (None in login) != ("SASL" in config.security_protocol)


@every_overlay
def test_secrets_are_files_from_secrets_that_are_not_in_the_manifests(overlay: str) -> None:
    documents = build(overlay)
    secret = {ENV_PREFIX + key.upper() for key, field in Settings.model_fields.items() if "Secret" in repr(field)}
    assert secret >= {"STREAM_SASL_PASSWORD"}
    assert not of_kind(documents, "Secret")
    secrets = {"article-stream-kafka", "news-cluster-ca-cert"} | {
        name(user) for user in of_kind(documents, "KafkaUser")
    }
    for workload in of_kind(documents, *POD_KINDS):
        variables = environment(workload, documents)
        assert not variables.keys() & secret
        mounted = {each["mountPath"]: each["name"] for each in container(workload).get("volumeMounts", [])}
        for variable, value in variables.items():
            if variable.endswith("_FILE"):
                path = PurePosixPath(value)
                assert path.name in _files(pod(workload)["volumes"], mounted[str(path.parent)], secrets), value


def _files(volumes: list[Document], volume: str, secrets: set[str]) -> set[str]:
    """The files of a volume of Secrets; check that only its owner and group may read them."""
    (projected,) = [each["projected"] for each in volumes if each["name"] == volume]
    assert projected["defaultMode"] == 0o440
    sources = [each["secret"] for each in projected["sources"]]
    assert {each["name"] for each in sources} <= secrets
    return {item["path"] for each in sources for item in each["items"]}


# Pods


def _raise_not_ready() -> None:
    raise BrokerNotReady("the broker is down")


async def _statuses(paths: list[str]) -> list[int]:
    """The status of each page of a worker that waits for its broker."""

    def get_status(url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own page
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    port = free_port()
    wait = BrokerWait(_raise_not_ready, limit_s=60)
    waiting = asyncio.create_task(wait.until_ready(stop := asyncio.Event()))
    await asyncio.sleep(0)
    pages = http_server.WorkerPages(CollectorRegistry(), wait)
    with http_server.bind("127.0.0.1", port) as sockets:
        async with http_server.serve(pages, sockets):
            statuses = [await asyncio.to_thread(get_status, f"http://127.0.0.1:{port}{path}") for path in paths]
    stop.set()
    await waiting
    return statuses


@every_overlay
async def test_probes_use_existing_pages(overlay: str) -> None:
    for workload in workers(build(overlay)):
        spec, variables = container(workload), environment(workload, build(overlay))
        probes = [spec[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
        assert await _statuses([probe["path"] for probe in probes]) == [200, 200, 503]
        assert spec["ports"] == [{"name": "web", "containerPort": int(variables["STREAM_WEB_PORT"]), "protocol": "TCP"}]
        assert {probe["port"] for probe in probes} == {"web"}
        assert variables["STREAM_WEB_HOST"] == "0.0.0.0"  # noqa: S104 - probes come from outside the pod


@every_overlay
def test_probes_are_patient_when_a_restart_does_not_help(overlay: str) -> None:
    for workload in workers(build(overlay)):
        liveness, startup = container(workload)["livenessProbe"], container(workload)["startupProbe"]
        assert MESSAGE_S < liveness["timeoutSeconds"] < liveness["periodSeconds"]
        assert liveness["failureThreshold"] >= 3
        assert startup["failureThreshold"] * startup["periodSeconds"] >= 120
        # A worker that waits for its broker is alive, and must not give up during an ordinary outage.
        assert settings(workload, build(overlay)).start_timeout_s >= 1800


@every_overlay
def test_pods_have_more_time_to_stop_than_they_need(overlay: str) -> None:
    for workload in workers(build(overlay)):
        grace = pod(workload)["terminationGracePeriodSeconds"]
        assert grace >= settings(workload, build(overlay)).stop_timeout_s + 10


@every_overlay
def test_pods_are_restricted(overlay: str) -> None:
    """They meet the Pod Security Standard `restricted`, and have a read-only root."""
    for workload in of_kind(build(overlay), *POD_KINDS):
        spec, inside = pod(workload), container(workload)["securityContext"]
        outside = spec["securityContext"]
        assert outside["runAsNonRoot"] is True
        assert outside["runAsUser"] == outside["runAsGroup"] == outside["fsGroup"] == 10001
        assert outside["seccompProfile"] == {"type": "RuntimeDefault"}
        assert inside["allowPrivilegeEscalation"] is False
        assert inside["readOnlyRootFilesystem"] is True
        assert inside["capabilities"] == {"drop": ["ALL"]}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        allowed = {"emptyDir", "projected", "secret"}
        assert {key for volume in spec.get("volumes", []) for key in volume} - {"name"} <= allowed
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


def test_pods_run_as_the_user_of_the_image() -> None:
    assert re.search(r"^USER 10001:10001$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)


@every_overlay
def test_images_are_pinned_to_this_version(overlay: str) -> None:
    for workload in of_kind(build(overlay), *POD_KINDS):
        image, _, tag = container(workload)["image"].rpartition(":")
        assert image.rpartition("/")[2] == "article-stream"
        assert tag == __version__


@every_overlay
def test_memory_is_bounded_and_reserved(overlay: str) -> None:
    for workload in of_kind(build(overlay), *POD_KINDS):
        resources = container(workload)["resources"]
        assert resources["requests"].keys() == {"cpu", "memory"}
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}


@every_overlay
def test_both_steps_run_and_the_index_has_a_volume(overlay: str) -> None:
    workloads = workers(build(overlay))
    assert sorted(step for each in workloads for step in steps(each)) == ["deduplicate", "normalize"]
    for workload in workloads:
        folder = environment(workload, build(overlay))["STREAM_DATA_DIR"]
        mounted = {each["mountPath"]: each["name"] for each in container(workload)["volumeMounts"]}
        claims = [name(each) for each in workload["spec"].get("volumeClaimTemplates", [])]
        volumes = [each["name"] for each in pod(workload)["volumes"]]
        assert set(mounted.values()) == {*claims, *volumes}
        assert (mounted[folder] in claims) == ("deduplicate" in steps(workload)) == (workload["kind"] == "StatefulSet")
        if claims:
            assert workload["spec"]["podManagementPolicy"] == "Parallel"


# References


@every_overlay
def test_selectors_match_the_labels(overlay: str) -> None:
    documents = build(overlay)
    workloads = workers(documents)
    for workload in workloads:
        wanted = workload["spec"]["selector"]["matchLabels"]
        assert [name(each) for each in workloads if selects(wanted, each)] == [name(workload)]
        terms = pod(workload)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        others = [term["podAffinityTerm"]["labelSelector"] for term in terms]
        others += [each["labelSelector"] for each in pod(workload)["topologySpreadConstraints"]]
        budgets = [each["spec"]["selector"] for each in of_kind(documents, "PodDisruptionBudget")]
        others += (own := [each for each in budgets if selects(each["matchLabels"], workload)])
        assert len(own) == 1
        assert all(each["matchLabels"] == wanted for each in others)
    (policy,) = of_kind(documents, "NetworkPolicy")
    everywhere = of_kind(documents, *POD_KINDS)
    assert all(selects(policy["spec"]["podSelector"]["matchLabels"], each) for each in everywhere)
    (service,) = of_kind(documents, "Service")
    assert [each for each in everywhere if selects(service["spec"]["selector"], each)] == workloads
    assert {each["spec"]["serviceName"] for each in of_kind(workloads, "StatefulSet")} == {name(service)}
    (account,) = of_kind(documents, "ServiceAccount")
    assert {pod(each)["serviceAccountName"] for each in everywhere} == {name(account)}
    assert len({each["metadata"].get("namespace") for each in documents if each["kind"] != "Namespace"}) == 1


@every_overlay
def test_pods_reach_only_kafka_and_dns_and_expose_only_metrics(overlay: str) -> None:
    (policy,) = of_kind(build(overlay), "NetworkPolicy")
    spec = policy["spec"]
    broker, _, port = settings_map(build(overlay))["data"]["STREAM_BROKER"].partition(":")
    kafka, dns = spec["egress"]
    assert [each["port"] for each in kafka["ports"]] == [int(port)]
    (peer,) = kafka["to"]
    namespace = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
    assert broker.split(".")[1] == (namespace or policy["metadata"]["namespace"])
    assert {(each["protocol"], each["port"]) for each in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert [each["ports"] for each in spec["ingress"]] == [[{"protocol": "TCP", "port": "web"}]]
    assert all(rule["to"] for rule in spec["egress"])
    assert all(rule["from"] for rule in spec["ingress"])
    assert spec["policyTypes"] == ["Ingress", "Egress"]


def test_every_component_is_used_and_documented() -> None:
    kustomizations = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("kustomization.yaml"))
    components = {path.name for path in (FOLDER / "components").iterdir()}
    assert {each for each in components if f"../components/{each}" not in kustomizations} <= {
        "strimzi"
    }  # strimzi-* include it
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {each for each in (*components, *OVERLAYS) if f"`{each}`" not in readme} == set()
    setting_names = {ENV_PREFIX + key.upper() for key in Settings.model_fields}
    assert set(re.findall(r"STREAM_[A-Z_]+", readme)) <= setting_names
