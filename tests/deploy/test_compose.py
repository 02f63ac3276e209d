"""docker-compose.yml: what compose itself makes of it, and what it promises."""

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
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
#: Read by compose itself.
COMPOSE_VARIABLES = {"IMAGE_TAG", "SAMPLE_RATE"}
every_service = pytest.mark.parametrize("name", SERVICES)
every_worker = pytest.mark.parametrize("name", WORKERS)


def env_file(path: Path) -> dict[str, str]:
    """The variables of an environment file, also those that are commented out."""
    lines = re.findall(r"(?m)^#?([A-Z][A-Z0-9_]*)=(.*)$", path.read_text(encoding="utf-8"))
    return dict(lines)


def used(given: dict[str, str]) -> Settings:
    """The settings that these variables make; fails where one cannot be used."""
    fields: dict[str, Any] = {name.removeprefix(ENV_PREFIX).lower(): text for name, text in given.items()}
    return load_settings(**fields)


def seconds(duration: str) -> float:
    """Compose's ``40s`` in seconds."""
    assert re.fullmatch(r"\d+s", duration)
    return float(duration[:-1])


def mounts(service: Service) -> dict[str, str]:
    """Source by target."""
    return {target: source for source, target, *_ in (volume.split(":") for volume in service.get("volumes", []))}


def config(*files: Path, profiles: tuple[str, ...] = ()) -> dict[str, Any]:
    """What compose reads from the files; fails on its errors and warnings."""
    compose = tool("docker-compose", "Docker Compose, built from its Go module")
    options = [option for file in files for option in ("--file", str(file))]
    options += [f"--profile={profile}" for profile in profiles]
    command = [compose, "--project-directory", str(ROOT), *options, "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_compose_reads_the_file_without_a_word() -> None:
    """Compose warns of unset variables and unknown keys."""
    read = config(FILE, profiles=("sample",))
    assert set(read["services"]) == set(SERVICES)
    assert read["name"] == "article-stream"


def test_the_sample_producer_is_there_on_request_only() -> None:
    assert set(SERVICES) - set(config(FILE)["services"]) == {"producer"}


def test_the_readmes_third_worker_has_a_volume_and_a_port_of_its_own(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(services:\n  worker-3:.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    override = tmp_path / "docker-compose.override.yml"
    override.write_text(text, encoding="utf-8")
    worker = config(FILE, override)["services"]["worker-3"]
    assert [(one["source"], one["target"]) for one in worker["volumes"]] == [("index-3", "/data")]
    assert [one["published"] for one in worker["ports"]] == ["6068"]
    assert worker["read_only"]
    assert worker["depends_on"]["topics"]["condition"] == "service_completed_successfully"


@every_service
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if name in OURS:
        assert (service["build"], service["pull_policy"]) == ({"context": "."}, "never")
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"])


def test_kafka_is_the_one_that_tests_run_on() -> None:
    name = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "deploy" / "kafka" / "pom.xml").getroot()  # noqa: S314 - our own file
    (version,) = [
        dependency.findtext("m:version", None, name)
        for dependency in pom.iterfind(".//m:dependency", name)
        if dependency.findtext("m:groupId", None, name) == "org.apache.kafka"
    ]
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@every_service
def test_services_have_limits_and_few_rights(name: str) -> None:
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
def test_what_is_mounted_is_there_and_volumes_are_declared(name: str) -> None:
    for source in mounts(SERVICES[name]).values():
        if source.startswith("."):
            assert (ROOT / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


@every_service
def test_services_that_stay_tell_their_health(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    stays = SERVICES[name]["restart"] != "no" and "profiles" not in SERVICES[name]
    assert ("test" in check) if stays else check == {"disable": True}


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings(name: str) -> None:
    given = SERVICES[name]["environment"]
    assert set(given) <= SETTINGS
    used(given)


def test_variables_of_the_example_are_settings_or_composes() -> None:
    given = env_file(ROOT / ".env.example")
    assert set(given) <= SETTINGS | COMPOSE_VARIABLES
    used({name: text for name, text in given.items() if name in SETTINGS})


def test_variables_that_compose_reads_have_defaults_and_are_in_the_example() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+):-[^}]+\}", FILE.read_text(encoding="utf-8")))
    assert len(used) == len(set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text(encoding="utf-8"))))
    assert used - {"KAFKA_CLUSTER_ID"} == COMPOSE_VARIABLES
    assert set(env_file(ROOT / ".env.example")) >= COMPOSE_VARIABLES


def test_there_are_two_workers_each_with_an_index_of_its_own() -> None:
    folders = [mounts(worker)[worker["environment"]["STREAM_DATA_DIR"]] for worker in WORKERS.values()]
    assert len(folders) == len(set(folders)) == 2


@every_worker
def test_workers_are_given_more_time_to_stop_than_they_take(name: str) -> None:
    worker = WORKERS[name]
    assert seconds(worker["stop_grace_period"]) >= float(worker["environment"]["STREAM_STOP_TIMEOUT_S"]) + 10


@every_worker
def test_workers_wait_for_topics_and_start_again_after_faults(name: str) -> None:
    worker = WORKERS[name]
    assert worker["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "topics": {"condition": "service_completed_successfully"},
    }
    assert worker["restart"] == "unless-stopped"
    assert worker["init"] is True


@every_worker
def test_workers_pages_are_seen_by_prometheus_and_on_their_port(name: str) -> None:
    worker = WORKERS[name]
    port = worker["environment"]["STREAM_WEB_PORT"]
    assert worker["environment"]["STREAM_WEB_HOST"] == "0.0.0.0"  # noqa: S104 - inside the container
    assert [one.rpartition(":")[2] for one in worker["ports"]] == [str(port)]
    assert "metrics" in worker["networks"]
    assert "metrics" in SERVICES["prometheus"]["networks"]


def test_prometheus_scrapes_every_worker_and_nothing_else_of_that_job() -> None:
    file = mounts(SERVICES["prometheus"])["/etc/prometheus"]
    jobs = yaml.safe_load((ROOT / file / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (job,) = [job for job in jobs if job["job_name"] == "article-stream"]
    targets = set(chain.from_iterable(group["targets"] for group in job["static_configs"]))
    assert targets == {f"{name}:{worker['environment']['STREAM_WEB_PORT']}" for name, worker in WORKERS.items()}


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    found = mounts(SERVICES["grafana"])
    folder = ROOT / found["/etc/grafana/provisioning"]
    (provider,) = [
        provider
        for path in (folder / "dashboards").glob("*.y*ml")
        for provider in yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    ]
    assert any((ROOT / found[provider["options"]["path"]]).glob("*.json"))
    (source,) = [
        source
        for path in (folder / "datasources").glob("*.y*ml")
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["datasources"]
    ]
    assert source["url"] == "http://prometheus:9090"


def test_grafana_has_no_account_and_no_password() -> None:
    given = SERVICES["grafana"]["environment"]
    assert given["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert given["GF_AUTH_BASIC_ENABLED"] == "false"
    assert given["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_no_secret_stands_in_the_files() -> None:
    for path in (FILE, ROOT / ".env.example"):
        named = re.findall(r"(?im)^\W*(\w*(?:password|secret|token|_key)\w*)\s*[:=]", path.read_text(encoding="utf-8"))
        assert named == []


def test_kafka_takes_the_largest_message_and_keeps_its_data() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == OUTPUT_MESSAGE_BYTES
    assert kafka["environment"]["KAFKA_REPLICA_FETCH_MAX_BYTES"] == OUTPUT_MESSAGE_BYTES
    assert mounts(kafka)[kafka["environment"]["KAFKA_LOG_DIRS"]] == "kafka"
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_tells_each_side_an_address_that_it_reaches() -> None:
    listeners = dict(
        one.split("://") for one in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert f"{listeners['HOST']}:9092" in SERVICES["kafka"]["ports"]
    assert {service["environment"]["STREAM_BROKER"] for service in OURS.values()} == {listeners["INSIDE"]}
