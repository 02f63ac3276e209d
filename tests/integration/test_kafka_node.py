"""The script that runs a real Kafka without Docker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaTimeoutError

from tests.support.kafka_node import READY, ROOT, RUN, KafkaNode, KafkaNodeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 60.0


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    return subprocess.run(
        [*RUN, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def create_topic(address: str, topic: str) -> None:
    """Create a topic with one partition."""
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])


def topics(address: str) -> set[str]:
    """Return the names of the topics there are."""
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        return set(admin.list_topics())


def send(address: str, topic: str, value: bytes) -> None:
    """Write one record and wait until it is stored."""
    producer = KafkaProducer(bootstrap_servers=address, max_block_ms=2000)
    try:
        producer.send(topic, value).get(timeout=SECONDS)
    finally:
        producer.close()


def first(address: str, topic: str) -> bytes:
    """Return the value of the first record of a topic's partition 0."""
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", group_id=None)
    try:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes = next(iter(consumer)).value
        return value
    finally:
        consumer.close()


def is_running(pid: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is not a child of this one to end."""
    deadline = time.monotonic() + SECONDS
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.05)


def throw_away_node(temporary: Path) -> tuple[subprocess.Popen[str], Path, int]:
    """Start the script with folders of its own under ``temporary``; return it, its folder and Kafka's pid."""
    process = subprocess.Popen(
        [*RUN],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline().startswith(READY)
    (folder,) = temporary.iterdir()
    return process, folder, int((folder / "kafka.pid").read_text(encoding="ascii"))


@pytest.mark.kafka
def test_a_record_goes_in_and_comes_out(kafka_broker: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}records"
    create_topic(kafka_broker, topic)
    send(kafka_broker, topic, b"hello")
    assert first(kafka_broker, topic) == b"hello"


@pytest.mark.kafka
def test_topics_are_not_created_on_use(new_kafka_node: Callable[..., KafkaNode]) -> None:
    address = new_kafka_node().address
    with pytest.raises(KafkaTimeoutError):
        send(address, "never-created", b"lost")
    assert topics(address) == set()


@pytest.mark.kafka
def test_nodes_run_side_by_side_and_apart(new_kafka_node: Callable[..., KafkaNode], topic_prefix: str) -> None:
    one, two = new_kafka_node(), new_kafka_node("--property=num.partitions=3", "--heap=256m")
    assert one.address != two.address
    create_topic(one.address, f"{topic_prefix}one")
    assert f"{topic_prefix}one" not in topics(two.address)
    assert "num.partitions = 3" in two.log


@pytest.mark.kafka
@pytest.mark.parametrize("end", [KafkaNode.kill, KafkaNode.halt])
def test_data_and_port_survive_a_restart(
    new_kafka_node: Callable[..., KafkaNode], topic_prefix: str, end: Callable[[KafkaNode], None]
) -> None:
    node = new_kafka_node()
    address, topic = node.address, f"{topic_prefix}kept"
    create_topic(address, topic)
    send(address, topic, b"kept")
    end(node)
    assert node.start().address == address
    assert first(address, topic) == b"kept"


@pytest.mark.kafka
def test_a_paused_node_goes_on_and_can_be_stopped(new_kafka_node: Callable[..., KafkaNode]) -> None:
    node = new_kafka_node()
    node.pause()
    node.resume()
    assert isinstance(topics(node.address), set)
    pid = node.pid
    node.pause()
    node.stop()
    assert not is_running(pid)
    assert not node.data.exists()


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_leaves_no_process_and_no_folder(tmp_path: Path, number: signal.Signals) -> None:
    process, folder, pid = throw_away_node(tmp_path)
    process.send_signal(number)
    assert process.wait(SECONDS) == 0
    assert not is_running(pid)
    assert not folder.exists()


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux only")
def test_kafka_goes_with_a_killed_script_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    process, folder, pid = throw_away_node(tmp_path)
    process.kill()
    process.wait(SECONDS)
    wait_until_gone(pid)
    assert folder.exists()
    # This one cannot start, yet makes its folder and clears away the one left behind.
    assert script("--jvm-option=-XX:NoSuchOption", TMPDIR=str(tmp_path)).returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
def test_the_script_goes_with_its_parent(tmp_path: Path) -> None:
    # The parent is a Python that starts the node, tells Kafka's pid and dies without a word to its child.
    code = (
        "import os, signal; from kafka_node import KafkaNode; from pathlib import Path; "
        f"node = KafkaNode(data=Path({str(tmp_path)!r})).start(); print(node.pid, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    wait_until_gone(int(result.stdout))


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
def test_a_broker_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(KafkaNodeError, match=r"(?s)Kafka ended with status 1;.*num\.io\.threads"):
        KafkaNode("--property=num.io.threads=none", data=tmp_path).start()


@pytest.mark.kafka
def test_a_taken_port_is_named(new_kafka_node: Callable[..., KafkaNode]) -> None:
    port = new_kafka_node().address.rpartition(":")[2]
    result = script("--port", port)
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "0"),
        ("--port", "70000"),
        ("--port", "kafka"),
        ("--heap", "lots"),
        ("--property", "no-value"),
        ("--no-such-option",),
        ("surplus",),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    result = script(*arguments)
    assert result.returncode == 2
    assert "usage:" in result.stderr
    assert result.stdout == ""


def test_a_missing_java_is_named(tmp_path: Path) -> None:
    result = script(PATH=str(tmp_path), JAVA_HOME=str(tmp_path))
    assert result.returncode == 1
    assert "install Java 17" in result.stderr


def fake_tool(folder: Path, name: str, text: str) -> None:
    """Make a command that writes a text to standard error and succeeds."""
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho '{text}' >&2\n", encoding="utf-8")
    tool.chmod(0o755)


def test_an_old_java_is_named(tmp_path: Path) -> None:
    fake_tool(tmp_path, "java", 'openjdk version "1.8.0_402"')
    result = script(PATH=str(tmp_path), JAVA_HOME="")
    assert result.returncode == 1
    assert "is Java 8, which is too old" in result.stderr


def test_nothing_is_downloaded_by_a_check_and_a_missing_maven_is_named(tmp_path: Path) -> None:
    fake_tool(tmp_path, "java", 'openjdk version "17.0.1"')
    environment = {"PATH": str(tmp_path), "JAVA_HOME": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = script("--check", **environment)
    assert result.returncode == 1
    assert "run `make kafka` once" in result.stderr
    assert not (tmp_path / "cache").exists()
    result = script(**environment)
    assert result.returncode == 1
    assert "Maven (mvn) was not found" in result.stderr
