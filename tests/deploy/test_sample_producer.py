"""deploy/compose/sample_producer.py: the sample producer of docker-compose.yml."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from kafka import KafkaConsumer

from stream.kafka import topic_admin
from stream.settings import load_settings
from tests.support.processes import clean_environment, subscribe
from tests.support.tools import ROOT

MODULE = "deploy.compose.sample_producer"
RECORDS = 20
DEADLINE_S = 60


def run(prelude: str = "pass", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the producer to its end, after the code ``prelude``."""
    code = f"import runpy, sys; sys.argv[1:] = []; {prelude}; runpy.run_module({MODULE!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_invalid_settings_end_it() -> None:
    done = run(STREAM_BROKER="nowhere")
    assert done.returncode == 78
    assert done.stderr.startswith("sample: invalid settings")
    assert "nowhere" in done.stderr


def test_an_unexpected_exception_in_the_producing_thread_ends_it() -> None:
    done = run("import stream.kafka.topic_admin as admin; admin.connect = None", STREAM_BROKER="127.0.0.1:1")
    assert done.returncode == 70
    assert done.stderr.startswith("sample: TypeError")


@pytest.mark.kafka
def test_it_sends_until_it_is_stopped(kafka_broker: str, topic_prefix: str) -> None:
    settings = load_settings(broker=kafka_broker, topic_prefix=topic_prefix)
    topic_admin.create(settings, settings.topic_specs, replication=1)
    consumer = KafkaConsumer(
        bootstrap_servers=kafka_broker,
        auto_offset_reset="earliest",
        consumer_timeout_ms=DEADLINE_S * 1000,
    )
    with subprocess.Popen(
        [sys.executable, "-m", MODULE, "--rate", "50"],
        cwd=ROOT,
        env=clean_environment(STREAM_BROKER=kafka_broker, STREAM_TOPIC_PREFIX=topic_prefix),
        stderr=subprocess.PIPE,
        text=True,
    ) as sample:
        try:
            subscribe(consumer, settings.topics.raw)
            records = [record for record, _ in zip(consumer, range(RECORDS), strict=False)]
            assert len(records) == RECORDS
            assert len({record.value for record in records}) > RECORDS // 2
            sample.send_signal(signal.SIGTERM)
            _, errors = sample.communicate(timeout=DEADLINE_S)
        finally:
            sample.kill()
            consumer.close()
    assert (sample.returncode, errors) == (0, "")
