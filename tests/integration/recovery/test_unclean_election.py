"""Three brokers, one of which becomes leader without the records that the others had: noticed, and recovered."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.integration.recovery.test_recover import (
    AFTER_NEXT,
    ARTICLES,
    go_on,
    load_settings_of,
    recover,
    relations,
    send,
    story,
    withdrawn,
)
from tests.support.kafka_cluster import KafkaCluster
from tests.support.processes import Station, wait_until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.usefixtures("local_kafka"),
    # Without a broker, kafka-python leaves sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

#: The leader, which has all records, and the follower, which is down while the last ones are stored.
LEADER, FOLLOWER = 2, 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    """Yield a cluster that has one broker until more are added."""
    with KafkaCluster(tmp_path / "cluster") as made:
        yield made
    close_abandoned_sockets()


def close_abandoned_sockets() -> None:
    """Close what kafka-python has left open where a connection was refused; log records refer to it."""
    for each in gc.get_objects():
        if isinstance(each, socket.socket) and each.fileno() >= 0 and each.getsockname()[:1] == ("0.0.0.0",):  # noqa: S104 - compared, not bound
            each.close()


@pytest.fixture
def station(cluster: KafkaCluster, tmp_path: Path) -> Iterator[Station]:
    """Yield a station whose topics are all on the first broker, as is what its group commits."""
    made = Station(cluster.address, tmp_path)
    try:
        assert made.run("topics").returncode == 0
        wait_until(lambda: made.run("recover").returncode == 0, "the topic for commits exists")
        yield made
    finally:
        made.close()


def move(station: Station, cluster: KafkaCluster, topics: Sequence[str]) -> None:
    """Add two brokers, and move topics to them that accept records from one replica, and any replica as leader."""
    for number in (LEADER, FOLLOWER):
        cluster.add(number)
    specs = [spec for spec in load_settings_of(station) if spec.name in topics]
    admin = KafkaAdminClient(bootstrap_servers=cluster.address)
    admin.delete_topics(list(topics))
    wait_until(lambda: not set(topics) & set(admin.list_topics()), "the topics are deleted")
    config = {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}
    admin.create_topics(
        {
            spec.name: {
                "assignments": {number: [LEADER, FOLLOWER] for number in range(spec.partitions)},
                "configs": {**spec.config, **config},
            }
            for spec in specs
        }
    )
    admin.wait_for_topics(list(topics))
    admin.close()


def answer(ask: Callable[[], Any]) -> Any:
    """What a broker answers; None if a dead one was asked."""
    with contextlib.suppress(KafkaError):
        return ask()
    return None


def elect_uncleanly(cluster: KafkaCluster, topics: Sequence[str]) -> None:
    """Lose the leader, and let the follower lead that was down while the last records were stored."""
    cluster.kill(LEADER)
    cluster.start(FOLLOWER)
    admin = KafkaAdminClient(bootstrap_servers=cluster.address)

    def is_leading() -> bool:
        described = answer(lambda: admin.describe_topics(list(topics))) or []
        leaders = {partition["leader_id"] for topic in described for partition in topic["partitions"]}
        return leaders == {FOLLOWER}

    wait_until(is_leading, "the follower leads")
    admin.close()


@pytest.mark.parametrize(("names", "is_running"), [(("raw", "normalized"), True), (("fingerprints",), False)])
def test_a_leader_that_lacks_records_is_noticed(
    station: Station, cluster: KafkaCluster, names: Sequence[str], is_running: bool
) -> None:
    topics = [getattr(station.topics, name) for name in names]
    move(station, cluster, topics)
    with contextlib.ExitStack() as workers:
        worker = workers.enter_context(station.worker())
        worker.wait_ready()
        send(station, [story(number) for number in range(ARTICLES)])
        wait_until(lambda: answer(station.lag) == 0, f"everything processed: {worker.log}")
        ends = {topic: station.end(topic) for topic in topics}
        cluster.kill(FOLLOWER)
        send(station, [story(number) for number in range(50, 50 + ARTICLES)])
        wait_until(lambda: answer(station.lag) == 0, f"everything processed: {worker.log}")
        if not is_running:
            assert worker.stop() == 0
        elect_uncleanly(cluster, topics)
        if is_running:
            assert worker.process.wait(120) == 65, worker.log
        else:
            worker = workers.enter_context(station.worker())
            wait_until(lambda: "a log went back" in worker.log, "the worker says so")
            assert worker.stop() == 65
    assert {topic: station.end(topic) for topic in topics} == ends
    wait_until(lambda: "running workers" not in station.run("recover").stdout, "the session has ended")
    recover(station)
    go_on(station)
    assert relations(station) == {**AFTER_NEXT, "new": 3 * ARTICLES}
    assert withdrawn(station) == ARTICLES
