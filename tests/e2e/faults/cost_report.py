"""The cost of an article: CPU of the workers, bytes in the index and in each topic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from stream.core.contracts.topics import Topics
from tests.support.processes import Worker


def metric_total(worker: Worker, name: str) -> float:
    """The sum of a metric's series on the worker's page; 0 if there is none, or no page."""
    _, page = worker.answers("/metrics")
    families = text_string_to_metric_families(page)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def cpu_seconds(workers: Iterable[Worker]) -> float:
    """The CPU seconds that the processes have used so far."""
    return sum(metric_total(worker, "process_cpu_seconds_total") for worker in workers)


def size_of(folders: Iterable[Path]) -> int:
    """Bytes of all files in ``folders``."""
    files = (file for folder in folders for file in folder.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file())


def topic_bytes(data: Path, topics: Topics) -> dict[str, int]:
    """Bytes of each topic in a broker's data folder, without offset indexes."""
    return {
        topic: sum(log.stat().st_size for log in data.glob(f"**/{topic}-*/*.log"))
        for topic in (
            topics.raw,
            topics.normalized,
            topics.enriched,
            topics.duplicates,
            topics.clusters,
            topics.fingerprints,
        )
    }
