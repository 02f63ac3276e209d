"""docker-compose.yml: Docker Compose accepts it, and it is what it promises to be."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES
from stream.settings import ENV_PREFIX, Settings, load_settings
from tests.support.tools import ROOT, tool

Service = dict[str, Any]

FILE = ROOT / "docker-compose.yml"
README = ROOT / "deploy" / "README.md"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, Service] = COMPOSE["services"]
WORKERS = {name: service for name, service in SERVICES.items() if service.get("command") == ["worker"]}
STREAM_SERVICES = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
#: Variables of Docker Compose itself.
COMPOSE_VARIABLES = {"IMAGE_TAG", "SAMPLE_RATE"}
every_service = pytest.mark.parametrize("name", SERVICES)
every_worker = pytest.mark.parametrize("name", WORKERS)


def env_file(path: Path) -> dict[str, str]:
    """The variables of an environment file, including those that are commented out."""
    lines = re.findall(r"(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$", path.read_text(encoding="utf-8"))
    return dict(lines)


def load(variables: dict[str, str]) -> Settings:
    """Load settings from variables; fail if one is invalid."""
    fields: dict[str, Any] = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in variables.items()}
    return load_settings(**fields)


def seconds(duration: str) -> float:
    """Convert a duration such as ``40s``."""
    assert re.fullmatch(r"\d+s", duration)
    return float(duration[:-1])


def mounts(service: Service) -> dict[str, str]:
    """The source of each mounted target."""
    return {target: source for source, target, *_ in (volume.split(":") for volume in service.get("volumes", []))}


def compose_config(*files: Path, profiles: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the configuration as Docker Compose reads it; fail on its errors and warnings."""
    compose = tool("docker-compose", "Docker Compose, built from its Go module")
    options = [option for file in files for option in ("--file", str(file))]
    options += [f"--profile={profile}" for profile in profiles]
    command = [compose, "--project-directory", str(ROOT), *options, "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def test_compose_accepts_the_file_without_a_warning() -> None:
    """It warns of unset variables and unknown keys."""
    config = compose_config(FILE, profiles=("sample",))
    assert set(config["services"]) == set(SERVICES)
    assert config["name"] == "article-stream"


def test_the_sample_producer_only_runs_on_request() -> None:
    assert set(SERVICES) - set(compose_config(FILE)["services"]) == {"producer"}


def test_the_third_worker_of_the_readme_has_its_own_volume_and_port(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(services:\n  worker-3:.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    override = tmp_path / "docker-compose.override.yml"
    override.write_text(text, encoding="utf-8")
    worker = compose_config(FILE, override)["services"]["worker-3"]
    assert [(volume["source"], volume["target"]) for volume in worker["volumes"]] == [("index-3", "/data")]
    assert [port["published"] for port in worker["ports"]] == ["6068"]
    assert worker["read_only"]
    assert worker["depends_on"]["topics"]["condition"] == "service_completed_successfully"


@every_service
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if name in STREAM_SERVICES:
        assert (service["build"], service["pull_policy"]) == ({"context": "."}, "never")
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"])


def test_kafka_has_the_version_that_the_tests_use() -> None:
    name = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "tools" / "kafka_node" / "pom.xml").getroot()  # noqa: S314 - our own file
    (version,) = [
        dependency.findtext("m:version", None, name)
        for dependency in pom.iterfind(".//m:dependency", name)
        if dependency.findtext("m:groupId", None, name) == "org.apache.kafka"
    ]
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@every_service
def test_services_have_limits_and_few_privileges(name: str) -> None:
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.get("privileged")


def test_ports_are_published_once_and_on_loopback_only() -> None:
    published = [port.rsplit(":", 1)[0] for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+", port) for port in published)
    assert len(published) == len(set(published))


@every_service
def test_mounted_files_exist_and_volumes_are_declared(name: str) -> None:
    for source in mounts(SERVICES[name]).values():
        if source.startswith("."):
            assert (ROOT / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


@every_service
def test_long_running_services_have_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    is_long_running = SERVICES[name]["restart"] != "no" and "profiles" not in SERVICES[name]
    assert ("test" in check) if is_long_running else check == {"disable": True}


@pytest.mark.parametrize("name", STREAM_SERVICES)
def test_variables_are_valid_settings(name: str) -> None:
    variables = SERVICES[name]["environment"]
    assert set(variables) <= SETTINGS
    load(variables)


def test_variables_of_the_example_are_valid_settings_or_variables_of_compose() -> None:
    variables = env_file(ROOT / ".env.example")
    assert set(variables) <= SETTINGS | COMPOSE_VARIABLES
    load({name: text for name, text in variables.items() if name in SETTINGS})


def test_variables_of_compose_have_defaults_and_are_in_the_example() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+):-[^}]+\}", FILE.read_text(encoding="utf-8")))
    assert len(used) == len(set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text(encoding="utf-8"))))
    assert used - {"KAFKA_CLUSTER_ID"} == COMPOSE_VARIABLES
    assert set(env_file(ROOT / ".env.example")) >= COMPOSE_VARIABLES


def test_there_are_two_workers_and_each_has_its_own_index() -> None:
    folders = [mounts(worker)[worker["environment"]["STREAM_DATA_DIR"]] for worker in WORKERS.values()]
    assert len(folders) == len(set(folders)) == 2


@every_worker
def test_workers_have_more_time_to_stop_than_they_need(name: str) -> None:
    worker = WORKERS[name]
    assert seconds(worker["stop_grace_period"]) >= float(worker["environment"]["STREAM_STOP_TIMEOUT_S"]) + 10


@every_worker
def test_workers_wait_for_topics_and_are_restarted_after_faults(name: str) -> None:
    worker = WORKERS[name]
    assert worker["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "topics": {"condition": "service_completed_successfully"},
    }
    assert worker["restart"] == "unless-stopped"
    assert worker["init"] is True


@every_worker
def test_pages_of_workers_are_reachable_for_prometheus_and_published(name: str) -> None:
    worker = WORKERS[name]
    port = worker["environment"]["STREAM_WEB_PORT"]
    assert worker["environment"]["STREAM_WEB_HOST"] == "0.0.0.0"  # noqa: S104 - inside the container
    assert [published.rpartition(":")[2] for published in worker["ports"]] == [str(port)]
    assert "metrics" in worker["networks"]
    assert "metrics" in SERVICES["prometheus"]["networks"]


def test_the_job_in_prometheus_has_every_worker_and_nothing_else() -> None:
    folder = mounts(SERVICES["prometheus"])["/etc/prometheus"]
    jobs = yaml.safe_load((ROOT / folder / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (job,) = [job for job in jobs if job["job_name"] == "article-stream"]
    targets = set(chain.from_iterable(group["targets"] for group in job["static_configs"]))
    assert targets == {f"{name}:{worker['environment']['STREAM_WEB_PORT']}" for name, worker in WORKERS.items()}


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    mounted = mounts(SERVICES["grafana"])
    folder = ROOT / mounted["/etc/grafana/provisioning"]
    (provider,) = [
        provider
        for path in (folder / "dashboards").glob("*.y*ml")
        for provider in yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    ]
    assert any((ROOT / mounted[provider["options"]["path"]]).glob("*.json"))
    (source,) = [
        source
        for path in (folder / "datasources").glob("*.y*ml")
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    ]
    assert source["url"] == "http://prometheus:9090"


def test_grafana_has_no_account_and_no_password() -> None:
    variables = SERVICES["grafana"]["environment"]
    assert variables["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert variables["GF_AUTH_BASIC_ENABLED"] == "false"
    assert variables["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_the_files_hold_no_secret() -> None:
    for path in (FILE, ROOT / ".env.example"):
        secrets = re.findall(
            r"(?im)^\W*(\w*(?:password|secret|token|_key)\w*)\s*[:=]", path.read_text(encoding="utf-8")
        )
        assert secrets == []


def test_kafka_accepts_the_largest_message_and_keeps_its_data() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == OUTPUT_MESSAGE_BYTES
    assert kafka["environment"]["KAFKA_REPLICA_FETCH_MAX_BYTES"] == OUTPUT_MESSAGE_BYTES
    assert mounts(kafka)[kafka["environment"]["KAFKA_LOG_DIRS"]] == "kafka"
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_advertises_reachable_addresses() -> None:
    listeners = dict(
        listener.split("://") for listener in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert f"{listeners['HOST']}:9092" in SERVICES["kafka"]["ports"]
    assert {service["environment"]["STREAM_BROKER"] for service in STREAM_SERVICES.values()} == {listeners["INSIDE"]}
