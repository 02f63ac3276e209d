"""tools/kafka_node: a real Kafka without Docker."""

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


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
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
    """Return the names of all topics."""
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        return set(admin.list_topics())


def send(address: str, topic: str, value: bytes) -> None:
    """Write one record and wait until it is stored."""
    producer = KafkaProducer(bootstrap_servers=address, max_block_ms=2000)
    try:
        producer.send(topic, value).get(timeout=SECONDS)
    finally:
        producer.close()


def read_first(address: str, topic: str) -> bytes:
    """Return the value of the first record in partition 0 of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", group_id=None)
    try:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes = next(iter(consumer)).value
        return value
    finally:
        consumer.close()


def is_running(pid: int) -> bool:
    """Whether such a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int) -> None:
    """Wait until a process that is not a child of this one has exited."""
    deadline = time.monotonic() + SECONDS
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still running"
        time.sleep(0.05)


def start_temporary_node(temporary: Path) -> tuple[subprocess.Popen[str], Path, int]:
    """Start a node with its folder in ``temporary``; return the process, the folder and Kafka's process id."""
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
def test_a_record_can_be_written_and_read(kafka_broker: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}records"
    create_topic(kafka_broker, topic)
    send(kafka_broker, topic, b"hello")
    assert read_first(kafka_broker, topic) == b"hello"


@pytest.mark.kafka
def test_topics_are_not_created_on_use(new_kafka_node: Callable[..., KafkaNode]) -> None:
    address = new_kafka_node().address
    with pytest.raises(KafkaTimeoutError):
        send(address, "never-created", b"lost")
    assert topics(address) == set()


@pytest.mark.kafka
def test_two_nodes_run_independently(new_kafka_node: Callable[..., KafkaNode], topic_prefix: str) -> None:
    first, second = new_kafka_node(), new_kafka_node("--property=num.partitions=3", "--heap=256m")
    assert first.address != second.address
    create_topic(first.address, f"{topic_prefix}first")
    assert f"{topic_prefix}first" not in topics(second.address)
    assert "num.partitions = 3" in second.log


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
    assert read_first(address, topic) == b"kept"


@pytest.mark.kafka
def test_a_paused_node_continues_and_can_be_stopped(new_kafka_node: Callable[..., KafkaNode]) -> None:
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
def test_a_stop_leaves_no_process_and_no_folder(tmp_path: Path, number: signal.Signals) -> None:
    process, folder, pid = start_temporary_node(tmp_path)
    process.send_signal(number)
    assert process.wait(SECONDS) == 0
    assert not is_running(pid)
    assert not folder.exists()


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux only")
def test_kafka_dies_with_a_killed_parent_and_the_next_start_cleans_up(tmp_path: Path) -> None:
    process, folder, pid = start_temporary_node(tmp_path)
    process.kill()
    process.wait(SECONDS)
    wait_until_gone(pid)
    assert folder.exists()
    # This one cannot start, but creates its folder and removes the one left behind.
    assert run("--jvm-option=-XX:NoSuchOption", TMPDIR=str(tmp_path)).returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
def test_the_node_ends_with_its_parent(tmp_path: Path) -> None:
    # The parent starts the node, prints Kafka's process id, and kills itself without stopping its child.
    code = (
        "import os, signal; from tests.support.kafka_node import KafkaNode; from pathlib import Path; "
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
def test_the_end_of_the_log_of_a_broker_that_dies_is_shown(tmp_path: Path) -> None:
    with pytest.raises(KafkaNodeError, match=r"(?s)Kafka exited with status 1;.*num\.io\.threads"):
        KafkaNode("--property=num.io.threads=none", data=tmp_path).start()


@pytest.mark.kafka
def test_a_taken_port_is_reported(new_kafka_node: Callable[..., KafkaNode]) -> None:
    port = new_kafka_node().address.rpartition(":")[2]
    result = run("--port", port)
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
def test_a_usage_error_is_status_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage:" in result.stderr
    assert result.stdout == ""


def test_a_missing_java_is_reported(tmp_path: Path) -> None:
    result = run(PATH=str(tmp_path), JAVA_HOME=str(tmp_path))
    assert result.returncode == 1
    assert "install Java 17" in result.stderr


def create_fake_tool(folder: Path, name: str, text: str) -> None:
    """Create a command that writes a text to standard error and succeeds."""
    tool = folder / name
    tool.write_text(f"#!/bin/sh\necho '{text}' >&2\n", encoding="utf-8")
    tool.chmod(0o755)


def test_an_old_java_is_reported(tmp_path: Path) -> None:
    create_fake_tool(tmp_path, "java", 'openjdk version "1.8.0_402"')
    result = run(PATH=str(tmp_path), JAVA_HOME="")
    assert result.returncode == 1
    assert "is Java 8, which is too old" in result.stderr


def test_a_check_downloads_nothing_and_a_missing_maven_is_reported(tmp_path: Path) -> None:
    create_fake_tool(tmp_path, "java", 'openjdk version "17.0.1"')
    environment = {"PATH": str(tmp_path), "JAVA_HOME": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = run("--check", **environment)
    assert result.returncode == 1
    assert "run `make kafka` once" in result.stderr
    assert not (tmp_path / "cache").exists()
    result = run(**environment)
    assert result.returncode == 1
    assert "Maven (mvn) was not found" in result.stderr
