"""deploy/compose/sample_producer.py: the sample producer of docker-compose.yml."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from kafka import KafkaConsumer

from stream.kafka import topic_admin
from stream.settings import load_settings
from tests.support.processes import subscribe
from tests.support.tools import ROOT

SAMPLE = (sys.executable, str(ROOT / "deploy" / "compose" / "sample_producer.py"))
WANTED = 20
DEADLINE_S = 60


def environment(**given: str) -> dict[str, str]:
    """This process's, with these settings alone."""
    return {name: text for name, text in os.environ.items() if not name.startswith("STREAM_")} | given


def run(code: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """Run the producer to its end, after ``code``."""
    start = (
        f"import runpy, sys; sys.argv[1:] = []; {code or 'pass'}; runpy.run_path({SAMPLE[1]!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", start]
    return subprocess.run(
        command, env=environment(**given), capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )


def test_wrong_settings_end_it() -> None:
    done = run(STREAM_BROKER="nowhere")
    assert done.returncode == 78
    assert done.stderr.startswith("sample: invalid settings")


def test_a_fault_of_the_producing_thread_ends_it() -> None:
    done = run("import stream.kafka.topic_admin as b; b.connect = None", STREAM_BROKER="127.0.0.1:1")
    assert done.returncode == 70
    assert done.stderr.startswith("sample: TypeError")


@pytest.mark.kafka
def test_it_sends_until_it_is_told_to_stop(kafka_broker: str, topic_prefix: str) -> None:
    settings = load_settings(broker=kafka_broker, topic_prefix=topic_prefix)
    topic_admin.create(settings, settings.topic_specs, replication=1)
    variables = environment(STREAM_BROKER=kafka_broker, STREAM_TOPIC_PREFIX=topic_prefix)
    consumer = KafkaConsumer(
        bootstrap_servers=kafka_broker,
        auto_offset_reset="earliest",
        consumer_timeout_ms=DEADLINE_S * 1000,
    )
    with subprocess.Popen([*SAMPLE, "--rate", "50"], env=variables, stderr=subprocess.PIPE, text=True) as sample:
        try:
            subscribe(consumer, settings.topics.raw)
            found = [record for record, _ in zip(consumer, range(WANTED), strict=False)]
            assert len(found) == WANTED
            assert len({record.value for record in found}) > WANTED // 2
            sample.send_signal(signal.SIGTERM)
            _, told = sample.communicate(timeout=DEADLINE_S)
        finally:
            sample.kill()
            consumer.close()
    assert (sample.returncode, told) == (0, "")
