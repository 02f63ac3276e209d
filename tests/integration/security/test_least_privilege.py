"""The whole flow over TLS with SCRAM, as processes: each role has the privileges of acls.md and no others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer

from stream.demo.runner import free_port
from stream.kafka import topic_admin
from stream.settings import STAGES, load_settings
from tests.support.articles import dumps, generate_articles
from tests.support.processes import DEADLINE, STREAM, Worker, clean_environment, subscribe, wait_until
from tests.support.secured_node import PASSWORD, SecuredNode

pytestmark = pytest.mark.kafka
ARTICLES = 40
LAG = "\nstream_consumer_lag_checked_timestamp_seconds "


def run_stream(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for it."""
    return subprocess.run(
        [STREAM, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE
    )


@pytest.fixture
def environment(with_topics: SecuredNode, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that makes the environment of a role; the password is in a file, like container secrets."""

    def make(role: str, **more: str) -> dict[str, str]:
        secret = tmp_path / f"{role}.secret"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        settings: dict[str, Any] = with_topics.settings(role, sasl_password_file=secret, **more)
        del settings["sasl_password"]
        settings |= {"web_port": free_port(), "data_dir": tmp_path / role, "session_timeout_s": 6}
        return clean_environment(**{f"STREAM_{name.upper()}": str(value) for name, value in settings.items()})

    return make


def test_the_flow_works_with_least_privileges_and_shows_no_secret(
    with_topics: SecuredNode, environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "articles.jsonl"
    file.write_bytes(b"\n".join(dumps(article) for article in generate_articles(ARTICLES, seed=7)))
    shown: list[str] = []

    def run(role: str, *arguments: str) -> None:
        done = run_stream(environment(role), *arguments)
        shown.extend((done.stdout, done.stderr))
        assert done.returncode == 0, done.stderr

    run("setup", "topics", "--replication", "1", "--update")
    run("scraper", "produce", str(file))
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(environment(step, log_level="DEBUG"), tmp_path / f"{step}.log", "--step", step))
            for step in ("normalize", "deduplicate")
        ]
        settings = load_settings(**with_topics.settings("consumer"))
        topics = (settings.topics.enriched, settings.topics.duplicates)
        consumer = topic_admin.connect(
            settings, KafkaConsumer, group_id="consumer-of-the-test", auto_offset_reset="earliest"
        )
        stack.callback(consumer.close)
        subscribe(consumer, *topics)
        records: list[Any] = []

        def all_arrived() -> bool:
            records.extend(record for fetched in consumer.poll(timeout_ms=200).values() for record in fetched)
            return len(records) >= ARTICLES

        wait_until(all_arrived, "articles decided")
        consumer.commit()
        # Consumer lag needs no further privileges; the retention of the changelog does.
        wait_until(lambda: all(LAG in worker.answers("/metrics")[1] for worker in workers), "consumer lag")
        shown += [worker.answers("/metrics")[1] for worker in workers]
        assert "stream_changelog_retention_seconds" not in "".join(shown)
        assert [worker.stop() for worker in workers] == [0, 0]
        logs = [worker.log for worker in workers]
        assert [log.count("DescribeConfigs") for log in logs] == [0, 1]
        assert "cannot fetch consumer lag" not in "".join(logs)
        shown += logs
    assert {record.topic for record in records} <= set(topics)
    assert PASSWORD not in "".join(shown)


def refusal(stderr: str) -> list[str]:
    """The output of a command without the line of a starting worker."""
    return [line for line in stderr.splitlines() if " stream.runtime.worker starting " not in line]


@pytest.mark.parametrize(
    ("role", "command"), [("normalize", "worker"), ("setup", "topics"), ("scraper", "produce")], ids=lambda name: name
)
def test_a_wrong_password_is_one_line_and_an_exit_code(
    with_topics: SecuredNode, environment: Callable[..., dict[str, str]], tmp_path: Path, role: str, command: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    arguments = [str(tmp_path / "empty.jsonl")] if command == "produce" else []
    given = environment(role)
    Path(given["STREAM_SASL_PASSWORD_FILE"]).write_text("wrong-and-secret", encoding="utf-8")
    done = run_stream(given, command, *arguments)
    assert done.returncode == 69
    begin = f"stream: {with_topics.addresses['SECURE']}: user {role} cannot log in with SCRAM-SHA-256; check STREAM_"
    assert [line.startswith(begin) for line in refusal(done.stderr)] == [True]
    assert "wrong-and-secret" not in done.stderr + done.stdout


def test_an_expired_certificate_is_one_line_and_an_exit_code(
    with_topics: SecuredNode, environment: Callable[..., dict[str, str]]
) -> None:
    address = with_topics.addresses["EXPIRED"]
    done = run_stream(environment("normalize", broker=address), "worker", "--step", "normalize")
    assert done.returncode == 69
    reason = "the broker's certificate has expired; renew it, and check the clock of this host"
    assert refusal(done.stderr) == [f"stream: {address}: {reason}"]


def test_a_missing_permission_is_one_line_and_an_exit_code(environment: Callable[..., dict[str, str]]) -> None:
    done = run_stream(environment("normalize"), "worker", "--step", "deduplicate")
    assert done.returncode == 69
    (line,) = refusal(done.stderr)
    assert line.startswith("stream: User:normalize lacks permission: Read on topic articles.normalized, ")
    assert line.endswith("; grant it with kafka-acls (deploy/kafka/acls.md)")


def test_a_missing_permission_to_produce_is_reported(
    environment: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(dumps(next(iter(generate_articles(1, seed=1)))))
    done = run_stream(environment("normalize"), "produce", str(file))
    assert done.returncode == 69
    assert done.stderr.splitlines()[-1].startswith(
        "stream: User:normalize lacks permission: Write on topic articles.raw"
    )


@pytest.mark.parametrize("role", ["setup", "normalize", "deduplicate", "consumer"])
def test_doctor_and_the_check_of_topics_report_the_same_permissions(
    environment: Callable[..., dict[str, str]], role: str
) -> None:
    step = role if role in STAGES else "normalize"
    checks = ("topics", "replication", "retention", "message size", "permissions")
    results = [
        run_stream(environment(role), *command, "--step", step, "--json")
        for command in (("topics", "--check"), ("doctor",))
    ]
    of_topics, of_doctor = (
        [finding for finding in orjson.loads(done.stdout)["findings"] if finding["check"] in checks] for done in results
    )
    assert of_topics == of_doctor
    permissions = {finding["state"] for finding in of_topics if finding["check"] == "permissions"}
    assert ("fail" in permissions) is (role not in STAGES)
    assert results[0].returncode == int("fail" in {finding["state"] for finding in of_topics})
