"""A Kafka cluster of several brokers for tests; the first one is the controller too, and has to stay alive."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tools.kafka_node.runtime import HOST, kafka_uuid

from stream.demo.runner import free_port
from tests.support.kafka_node import KafkaNode

if TYPE_CHECKING:
    from types import TracebackType

_CONTROLLER: Final = 1


class KafkaCluster:
    """Brokers with the ids 1, 2, … A context manager that starts the first one, and stops all of them.

    Args:
        folder: For the data of all brokers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._controller_port = free_port()
        self._controller = KafkaNode(f"--controller-port={self._controller_port}", data=folder / "1")
        self._brokers: dict[int, KafkaNode] = {}

    def __enter__(self) -> Self:
        try:
            self._controller.start()
        except BaseException:
            self._controller.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in [*self._brokers.values(), self._controller]:
            node.stop()

    @property
    def address(self) -> str:
        """The broker that is always alive."""
        return self._controller.address

    def add(self, number: int) -> None:
        """Start one more broker."""
        port, data = free_port(), self._folder / str(number)
        listeners = f"PLAINTEXT://{HOST}:{port}"
        properties = {
            "process.roles": "broker",
            "node.id": str(number),
            "listeners": listeners,
            "advertised.listeners": listeners,
            "controller.quorum.voters": f"{_CONTROLLER}@{HOST}:{self._controller_port}",
        }
        self._join(data, number)
        options = [f"--property={name}={value}" for name, value in properties.items()]
        self._brokers[number] = KafkaNode(f"--port={port}", *options, data=data)
        self._brokers[number].start()

    def kill(self, number: int) -> None:
        """Kill a broker other than the first; its data stays for `start`."""
        self._brokers[number].kill()

    def start(self, number: int) -> None:
        """Start a broker again."""
        self._brokers[number].start()

    def _join(self, data: Path, number: int) -> None:
        """Format the storage of a broker for this cluster."""
        own = (self._controller.data / "log" / "meta.properties").read_text(encoding="ascii")
        cluster_id = re.findall(r"(?m)^cluster\.id=(.*)$", own)[0]
        (data / "log").mkdir(parents=True)
        meta = {"version": "1", "cluster.id": cluster_id, "node.id": str(number), "directory.id": kafka_uuid()}
        text = "".join(f"{name}={value}\n" for name, value in meta.items())
        (data / "log" / "meta.properties").write_text(text, encoding="ascii")
