"""``stream doctor`` on a real broker: without problems, then with one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from stream import system_clock
from tests.support.processes import Station, wait_until

pytestmark = pytest.mark.kafka

DAY_MS = 24 * 3600 * 1000
ARTICLE = (
    '{"id": "a%d", "text": "The lighthouse keeper of Marn lit the lamp again after %d winters, the harbour said."}\n'
)


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station without topics."""
    made = Station(kafka_broker, tmp_path)
    yield made
    made.close()


@pytest.fixture
def admin(kafka_broker: str) -> Iterator[KafkaAdminClient]:
    """Yield a client of the broker."""
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as client:
        yield client


def doctor(station: Station) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings of each check."""
    result = station.run("doctor", "--json")
    assert result.stderr == ""
    by_check: dict[str, list[dict[str, Any]]] = {}
    for finding in orjson.loads(result.stdout)["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    return result.returncode, by_check


def states(findings: list[dict[str, Any]]) -> list[str]:
    return [finding["state"] for finding in findings]


def failed(by_check: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [check for check, findings in by_check.items() if "fail" in states(findings)]


def test_the_report_before_during_and_after_the_run_of_a_worker(station: Station) -> None:
    code, findings = doctor(station)
    assert (code, failed(findings)) == (1, ["topics"])
    assert findings["topics"][0]["advice"] == "run: stream topics"
    assert findings["replication"][0]["state"] == "skipped"

    assert station.run("topics", "--replication", "1").returncode == 0
    code, findings = doctor(station)
    assert (code, failed(findings)) == (0, [])
    for check in ("broker", "version", "nodes", "clock", "topics", "retention", "message size", "group"):
        assert states(findings[check]) == ["ok"], findings[check]
    assert states(findings["permissions"])[0] == "ok"
    assert states(findings["replication"]) == ["warn"]
    assert station.end(*[getattr(station.topics, field) for field in station.topics.__slots__]) == 0

    feed = station.folder / "feed.jsonl"
    feed.write_text("".join(ARTICLE % (number, number) for number in range(30)) + "no JSON\n", encoding="utf-8")
    assert station.run("produce", str(feed), "--quiet").returncode == 0
    findings = doctor(station)[1]
    assert findings["lag"][0]["figures"]["records"] == 31
    assert findings["lag"][0]["figures"]["partitions"]["0"]["seconds"] < 60
    with station.worker() as worker:
        worker.wait_ready()
        wait_until(lambda: station.end(station.topics.rejected) == 1 and station.lag() == 0, "everything is read")
        code, findings = doctor(station)
        assert (code, failed(findings)) == (0, [])
        assert findings["group"][0]["figures"]["state"] == "Stable"
        assert [finding["figures"]["records"] for finding in findings["lag"]] == [0, 0]
        assert findings["dead letters"][0]["figures"] == {"last_hour": 1, "raw_last_hour": 31}
        assert states(findings["dead letters"]) == ["warn"]
        assert findings["permissions"][-1]["state"] == "ok"
        assert "a worker answers" in findings["web port"][0]["found"]
        assert findings["data folder"][0]["figures"]["locked_by"] == worker.process.pid
        assert [index["figures"]["partition"] for index in findings["index"]] == [0, 1]
        assert worker.stop() == 0
    findings = doctor(station)[1]
    assert findings["data folder"][0]["figures"]["locked_by"] is None
    assert [finding["figures"]["partition"] for finding in findings["index"]] == [0, 1]


def test_each_problem_is_reported(station: Station, admin: KafkaAdminClient) -> None:
    topics = station.topics
    admin.create_topics([NewTopic(topics.normalized, num_partitions=3, replication_factor=1)])
    assert station.run("topics").returncode == 1
    findings = doctor(station)[1]
    wrong = [finding for finding in findings["topics"] if finding["state"] == "fail"]
    assert [finding["figures"]["topic"] for finding in wrong] == [topics.normalized]
    assert "STREAM_SCOPE_PARTITIONS=3" in wrong[0]["advice"]

    admin.delete_topics([topics.enriched])
    wait_until(lambda: topics.enriched not in admin.list_topics(), "the topic is gone")
    short = {"retention.ms": str(6 * DAY_MS), "max.message.bytes": str(1 << 20)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.fingerprints, configs=short)])
    folder = Path(station.environment["STREAM_DATA_DIR"]) / station.group / f"{topics.normalized}-1"
    folder.parent.mkdir(parents=True)
    folder.mkdir()
    folder.with_name(f"{folder.name}.distrusted").write_text("reason", encoding="utf-8")
    code, findings = doctor(station)
    assert code == 1
    assert set(failed(findings)) == {"topics", "retention", "message size"}
    assert findings["topics"][0]["found"] == f"missing: {topics.enriched}"
    assert "6 days, but the window is 7 days" in findings["retention"][0]["found"]
    assert findings["message size"][0]["figures"]["topic"] == topics.fingerprints
    assert states(findings["index"]) == ["warn"]


def test_raw_records_with_times_far_from_now_are_reported(station: Station, kafka_broker: str) -> None:
    assert station.run("topics", "--replication", "1").returncode == 0
    producer = KafkaProducer(bootstrap_servers=kafka_broker)
    now_ms, minute_ms = system_clock.now_ms(), 60_000

    def newest(*times_ms: int) -> dict[str, Any]:
        for time_ms in times_ms:
            producer.send(station.topics.raw, b"{}", partition=0, timestamp_ms=time_ms)
            producer.flush()
        (finding,) = doctor(station)[1]["timestamps"]
        return finding

    assert newest()["state"] == "skipped"
    assert newest(now_ms)["state"] == "ok"
    old = newest(now_ms - 3 * DAY_MS)
    assert (old["state"], "is 3 days older than an earlier one" in old["found"]) == ("warn", True)
    assert newest(now_ms)["state"] == "ok"
    ahead = newest(now_ms + 30 * minute_ms)
    assert (ahead["state"], "0 has a record that is" in ahead["found"]) == ("warn", True)
    assert "LogAppendTime" in ahead["advice"]
    producer.close()
