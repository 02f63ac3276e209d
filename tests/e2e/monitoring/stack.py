"""Kafka, workers and a Prometheus that reads them, all on the loopback address of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.kafka_node.node import choose_port

from stream.settings import Settings, load_settings
from tests.e2e.monitoring.prometheus_api import Prometheus
from tests.support.dashboard_queries import DEPLOY
from tests.support.processes_of_stack import HOST, ObserveError, Process, answers, wait_until

#: The alerts know the workers by it.
JOB: Final = "article-stream"
SCRAPE_S: Final = 2
WORKERS: Final = ("worker-1", "worker-2")
_KAFKA: Final = DEPLOY / "kafka" / "run.py"
_READY: Final = "kafka ready on "
_START_S: Final = 120.0
#: A worker that was killed is missed after so long. Brokers take no less than 6 by default.
_SESSION_S: Final = 6


class Worker:
    """One worker's place: its folder and port; the process in it may end and be started again."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = choose_port(None)
        self._log = folder / "logs" / f"{name}.log"
        own = {"STREAM_DATA_DIR": str(folder / name), "STREAM_WEB_PORT": str(self.port)}
        self._environment = {**environment, **own}
        self.process = self._start()

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"{HOST}:{self.port}"

    @property
    def is_ready(self) -> bool:
        """It has its share of the partitions, and their indexes."""
        return answers(f"http://{self.address}/readyz")

    def wait_until_ready(self) -> None:
        """Wait until it is.

        Raises:
            ObserveError: it ended, or took too long.
        """
        wait_until(lambda: self.is_ready, _START_S, f"{self.name} ready", self.process)

    def restart(self) -> None:
        """Start it again, in the same place."""
        self.process = self._start()

    def stop(self) -> None:
        """Stop what runs there."""
        self.process.stop()

    def _start(self) -> Process:
        return Process(self.name, [sys.executable, "-m", "stream", "worker"], self._log, self._environment)


class Stand:
    """What runs. Workers may be killed and started again; ``settings`` are theirs, but for folder and port.

    ``rules`` is the file of the alerts that Prometheus evaluates.
    """

    settings: Settings
    prometheus: Prometheus

    def __init__(self, folder: Path, rules: Path) -> None:
        self.workers: list[Worker] = []
        self._folder = folder
        self._logs = folder / "logs"
        self.rules = rules
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start everything, and stop it in the other order.

        Raises:
            ObserveError: something does not start.
        """
        with contextlib.ExitStack() as stack:
            self._start_kafka(stack)
            self._make_topics()
            for name in WORKERS:
                self.workers.append(Worker(name, self._folder, self._environment))
                stack.callback(self.workers[-1].stop)
            for worker in self.workers:
                worker.wait_until_ready()
            self._start_prometheus(stack)
            yield

    def raise_if_ended(self) -> None:
        """Raise unless all workers run.

        Raises:
            ObserveError: one has ended.
        """
        for worker in self.workers:
            worker.process.raise_if_ended()

    def _start_kafka(self, stack: contextlib.ExitStack) -> None:
        log = self._logs / "kafka.log"
        command = [sys.executable, str(_KAFKA), "--stop-with-parent", "--data", str(self._folder / "kafka")]
        kafka = Process("Kafka", command, log, self._environment)
        stack.callback(kafka.stop)
        wait_until(lambda: _READY in log.read_text(encoding="utf-8"), _START_S, "Kafka", kafka)
        line = next(line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(_READY))
        given: dict[str, Any] = {
            "broker": line.removeprefix(_READY).strip(),
            "raw_partitions": len(WORKERS),
            "session_timeout_s": _SESSION_S,
        }
        self.settings = load_settings(**given)
        self._environment |= {f"STREAM_{name.upper()}": str(value) for name, value in given.items()}

    def _make_topics(self) -> None:
        command = [sys.executable, "-m", "stream", "topics"]
        topics = Process("stream topics", command, self._logs / "topics.log", self._environment)
        if topics.wait(_START_S) != 0:
            topics.raise_if_ended()

    def _start_prometheus(self, stack: contextlib.ExitStack) -> None:
        port = choose_port(None)
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(prometheus_config(self.rules, [each.address for each in self.workers])))
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{port}",
        ]
        process = Process("Prometheus", command, self._logs / "prometheus.log", self._environment)
        stack.callback(process.stop)
        self.prometheus = Prometheus(f"http://{HOST}:{port}")
        wait_until(lambda: answers(f"{self.prometheus.url}/-/ready"), _START_S, "Prometheus", process)
        enough = len(self.workers)
        wait_until(lambda: self.prometheus.targets_up() == enough, _START_S, "the first scrape", process)


def prometheus_config(rules: Path, addresses: Sequence[str]) -> dict[str, Any]:
    """The configuration, as YAML's subset JSON: everything is read and judged every `SCRAPE_S` seconds."""
    return {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(addresses)}]}],
    }


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """Yield a folder for everything; on failure its ``logs`` are left, and the message tells where."""
    folder = Path(tempfile.mkdtemp(prefix="article-stream-observe-"))
    logs = folder / "logs"
    logs.mkdir()
    try:
        yield folder
    except ObserveError as error:
        for other in folder.iterdir():
            if other != logs:
                shutil.rmtree(other) if other.is_dir() else other.unlink()
        raise type(error)(f"{error}\nlogs: {logs}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
