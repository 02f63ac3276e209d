"""One run's topics on a real broker, seen from outside: what is stored, what is committed, and what is changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from stream.core.contracts.records import Record
from stream.core.contracts.topics import TopicSpec
from stream.kafka import topic_admin
from stream.settings import Settings, load_settings
from tests.e2e.faults.checker import Sample, Tp
from tests.e2e.faults.schedule import SESSION_S, Schedule

_SECONDS_BETWEEN_SAMPLES: Final = 0.1
_ANSWER_MS: Final = 10_000


class Site:
    """Topics and group of one run. ``name``: what tells them from those of other runs."""

    def __init__(self, broker: str, name: str, plan: Schedule, folder: Path) -> None:
        self.settings: Settings = load_settings(
            broker=broker,
            topic_prefix=f"{name}-",
            group=f"{name}-group",
            data_dir=folder / "data",
            raw_partitions=plan.raw_partitions,
            scope_partitions=plan.scope_partitions,
            output_partitions=2,
            replication=1,
            batch_records=plan.batch_records,
            session_timeout_s=SESSION_S,
        )
        self.topics = self.settings.topics
        self._trimmed: list[Record] = []
        topic_admin.create(self.settings, self.settings.topic_specs, replication=1)

    def environment(self) -> dict[str, str]:
        """The settings of a worker, but for its folder and its port."""
        names = (
            "broker topic_prefix group raw_partitions scope_partitions output_partitions replication batch_records"
            " session_timeout_s"
        ).split()
        return {f"STREAM_{name.upper()}": str(getattr(self.settings, name)) for name in names}

    def configure(self, topic: str, **changed: str) -> None:
        """Set a topic as it has to be, but for ``changed`` (with _ for each dot)."""
        spec = next(spec for spec in self.settings.topic_specs if spec.name == topic)
        config = {"min.insync.replicas": "1", **spec.config}
        config |= {name.replace("_", "."): value for name, value in changed.items()}
        with self._admin() as client:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])

    def trim(self, ends: Mapping[int, int]) -> None:
        """Delete the changelog below ``ends`` (partition: offset), as retention does; `log` still tells it."""
        topic = self.topics.fingerprints
        there = [record for record in self._read(topic) if record.offset < ends.get(record.partition, 0)]
        self._trimmed += there
        with self._admin() as client:
            client.delete_records({TopicPartition(topic, partition): end for partition, end in ends.items() if end})

    def log(self) -> dict[str, list[Record]]:
        """Each topic's records, by partition and offset."""
        found = {spec.name: self._read(spec.name) for spec in self.settings.topic_specs}
        found[self.topics.fingerprints] += self._trimmed
        return {
            topic: sorted(records, key=lambda record: (record.partition, record.offset))
            for topic, records in found.items()
        }

    def _read(self, topic: str) -> list[Record]:
        found: list[Record] = []
        with contextlib.closing(self._consumer()) as reader:
            partitions = _partitions(reader, next(spec for spec in self.settings.topic_specs if spec.name == topic))
            ends = reader.end_offsets(partitions)
            reader.assign(partitions)
            reader.seek_to_beginning(*partitions)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for records in reader.poll(timeout_ms=500).values():
                    found += records
        return found

    @contextlib.contextmanager
    def _admin(self) -> Iterator[Any]:
        client = KafkaAdminClient(bootstrap_servers=self.settings.servers, bootstrap_timeout_ms=_ANSWER_MS)
        try:
            yield client
        finally:
            client.close()

    def _consumer(self) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self.settings.servers, enable_auto_commit=False, auto_offset_reset="earliest"
        )


class Observer:
    """Looks at commits and ends all the time, in a thread of its own; a context manager."""

    def __init__(self, site: Site) -> None:
        self.samples: list[Sample] = []
        self._site = site
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def lag(self) -> int | None:
        """Records still to be processed by the last look; None before the first."""
        if not self.samples:
            return None
        last = self.samples[-1]
        return sum(last.ends[tp] - last.committed.get(tp, 0) for tp in self._inputs(last.ends))

    @property
    def looks(self) -> int:
        """How often it has looked."""
        return len(self.samples)

    def _inputs(self, tps: Mapping[Tp, int]) -> list[Tp]:
        names = (self._site.topics.raw, self._site.topics.normalized)
        return [tp for tp in tps if tp[0] in names]

    def _watch(self) -> None:
        while not self._is_over.is_set():
            # Without a broker there is nothing to see; the clients are made anew for the next one.
            with contextlib.suppress(KafkaError, OSError, KeyError, ValueError):
                self._look()
            self._is_over.wait(0.5)

    def _look(self) -> None:
        site, group = self._site, self._site.settings.group
        with contextlib.closing(site._consumer()) as reader, site._admin() as admin:  # noqa: SLF001 - its other half
            every = [tp for spec in site.settings.topic_specs for tp in _partitions(reader, spec)]
            inputs = [tp for tp in every if tp.topic in (site.topics.raw, site.topics.normalized)]
            while not self._is_over.is_set():
                # The commits first: what they stand for was stored before, and so before the ends are asked for.
                found = admin.list_group_offsets({group: inputs})[group]
                ends = reader.end_offsets(every)
                committed = {(tp.topic, tp.partition): place.offset for tp, place in found.items() if place.offset >= 0}
                self.samples.append(Sample(committed, {(tp.topic, tp.partition): end for tp, end in ends.items()}))
                time.sleep(_SECONDS_BETWEEN_SAMPLES)


def _partitions(reader: Any, spec: TopicSpec) -> Sequence[Any]:
    found = sorted(reader.partitions_for_topic(spec.name) or ())
    if len(found) != spec.partitions:
        raise ValueError(f"{spec.name}: {found} are known of {spec.partitions} partitions; ask again")
    return [TopicPartition(spec.name, number) for number in found]
