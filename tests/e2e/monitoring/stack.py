"""Kafka, workers and a Prometheus that scrapes them, all on the loopback address of this machine."""

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

from stream.errors import BrokerError
from stream.settings import Settings, load_settings
from tests.e2e.monitoring.prometheus_api import Prometheus
from tests.support.kafka_node import READY, RUN
from tests.support.processes_of_stack import HOST, MonitoringError, Process, is_up, wait_until

#: The alerts select the workers by it.
JOB: Final = "article-stream"
SCRAPE_S: Final = 2
WORKERS: Final = ("worker-1", "worker-2")
_START_S: Final = 120.0
#: How soon a killed worker is missed. By default brokers allow no less than 6.
_SESSION_TIMEOUT_S: Final = 6


class Worker:
    """The data folder and port of a worker, and the process that uses them, which may exit and be started again."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.address = f"{HOST}:{(port := choose_port(None))}"
        self._log = folder / "logs" / f"{name}.log"
        own = {"STREAM_DATA_DIR": str(folder / name), "STREAM_WEB_PORT": str(port)}
        self._environment = {**environment, **own}
        self.process = self._start()

    def wait_until_ready(self) -> None:
        """Wait until the worker has its share of the partitions, and their indexes.

        Raises:
            MonitoringError: It exited, or took too long.
        """
        wait_until(lambda: is_up(f"http://{self.address}/readyz"), _START_S, f"{self.name}: ready", self.process)

    def restart(self) -> None:
        """Start the worker again with the same folder and port."""
        self.process = self._start()

    def stop(self) -> None:
        """Stop the process that is running now."""
        self.process.stop()

    def _start(self) -> Process:
        return Process(self.name, [sys.executable, "-m", "stream", "worker"], self._log, self._environment)


class Stack:
    """Everything that runs. Workers may be killed and restarted; ``settings`` are theirs, except folder and port.

    ``rules`` is the rule file that Prometheus evaluates.
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
    def run(self) -> Iterator[None]:
        """Start everything, and stop it in reverse order.

        Raises:
            MonitoringError: Something does not start.
        """
        with contextlib.ExitStack() as cleanup:
            self._start_kafka(cleanup)
            self._create_topics()
            for name in WORKERS:
                self.workers.append(Worker(name, self._folder, self._environment))
                cleanup.callback(self.workers[-1].stop)
            for worker in self.workers:
                worker.wait_until_ready()
            self._start_prometheus(cleanup)
            yield

    def raise_if_ended(self) -> None:
        """Raise if a worker has exited.

        Raises:
            MonitoringError: A worker has exited.
        """
        for worker in self.workers:
            worker.process.raise_if_ended()

    def _start_kafka(self, cleanup: contextlib.ExitStack) -> None:
        log = self._logs / "kafka.log"
        command = [*RUN, "--stop-with-parent", "--data", str(self._folder / "kafka")]
        kafka = Process("Kafka", command, log, self._environment)
        cleanup.callback(kafka.stop)
        wait_until(lambda: READY in log.read_text(encoding="utf-8"), _START_S, "Kafka", kafka)
        line = next(line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(READY))
        settings: dict[str, Any] = {
            "broker": line.removeprefix(READY).strip(),
            "raw_partitions": len(WORKERS),
            "session_timeout_s": _SESSION_TIMEOUT_S,
        }
        self.settings = load_settings(**settings)
        self._environment |= {f"STREAM_{name.upper()}": str(value) for name, value in settings.items()}

    def _create_topics(self) -> None:
        command = [sys.executable, "-m", "stream", "topics"]
        topics = Process("stream topics", command, self._logs / "topics.log", self._environment)
        if topics.wait(_START_S) != 0:
            topics.raise_if_ended()

    def _start_prometheus(self, cleanup: contextlib.ExitStack) -> None:
        port = choose_port(None)
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(prometheus_config(self.rules, [worker.address for worker in self.workers])))
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{port}",
        ]
        process = Process("Prometheus", command, self._logs / "prometheus.log", self._environment)
        cleanup.callback(process.stop)
        self.prometheus = Prometheus(f"http://{HOST}:{port}")
        wait_until(lambda: is_up(f"{self.prometheus.url}/-/ready"), _START_S, "Prometheus", process)
        expected = len(self.workers)
        wait_until(lambda: self.prometheus.targets_up() == expected, _START_S, "the first scrape", process)


def prometheus_config(rules: Path, addresses: Sequence[str]) -> dict[str, Any]:
    """The configuration of Prometheus: it scrapes and evaluates everything every `SCRAPE_S` seconds."""
    return {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(addresses)}]}],
    }


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """Yield a folder for everything; if the run fails, its ``logs`` stay, and the message says where."""
    folder = Path(tempfile.mkdtemp(prefix="article-stream-observe-"))
    logs = folder / "logs"
    logs.mkdir()
    try:
        yield folder
    except (MonitoringError, BrokerError) as error:
        for path in folder.iterdir():
            if path != logs:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise MonitoringError(f"{error}\nlogs: {logs}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
