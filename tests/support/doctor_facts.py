"""Facts of a cluster and a machine on which all is well, to be spoilt one by one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from stream.core.index.partition_index import LAYOUT_VERSION
from stream.doctor.facts import (
    BrokerFacts,
    Clock,
    DataDir,
    GroupFacts,
    MachineFacts,
    Member,
    Offsets,
    Reached,
    TopicFacts,
    TopicPartition,
    Unknown,
    Web,
)
from stream.doctor.findings import Finding
from stream.kafka.acls import topic_permissions
from stream.settings import STAGES, Settings

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_770_000_000_000
GIB = 1 << 30
VERSION = LAYOUT_VERSION
SETTINGS = Settings(scope_partitions=2, raw_partitions=1, output_partitions=1)
NAMES = SETTINGS.topics


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Check and state of each finding."""
    return [(finding.check, finding.state.value) for finding in findings]


def bad(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are not OK."""
    return [finding for finding in findings if finding.state != "OK"]


def topics(**changed: dict[str, Any]) -> dict[str, TopicFacts]:
    """Every topic as it has to be, but for ``changed``: by field of `Topics`; ``settings`` are the topic's own."""
    made = topics_of(SETTINGS)
    for field, values in changed.items():
        name = getattr(NAMES, field)
        fields = {key: value for key, value in values.items() if key != "settings"}
        config = made[name].config
        if "settings" in values and not isinstance(config, Unknown):
            fields["config"] = {**config, **values["settings"]}
        made[name] = replace(made[name], **fields)
    return made


def topics_of(settings: Settings) -> dict[str, TopicFacts]:
    """Every topic as ``settings`` want it, three copies of each."""
    operations: dict[str, set[str]] = {spec.name: {"Describe"} for spec in settings.topic_specs}
    for permission in topic_permissions(STAGES, settings.topics):
        operations[permission.name].add(permission.operation)
    return {
        spec.name: TopicFacts(
            spec.partitions,
            copies=3,
            in_sync=3,
            config={**spec.config, "min.insync.replicas": "2", "retention.bytes": "-1"},
            operations=frozenset(operations[spec.name]),
            offsets={number: Offsets(0, 0, 0, 0) for number in range(spec.partitions)},
        )
        for spec in settings.topic_specs
    }


def group(**changed: Any) -> GroupFacts:
    """One worker that has every partition and has read everything."""
    places = (TopicPartition(NAMES.raw, 0), TopicPartition(NAMES.normalized, 0), TopicPartition(NAMES.normalized, 1))
    made = GroupFacts("Stable", (Member("faust", "/10.0.0.7", places),), frozenset({"Read", "Describe"}))
    return replace(made, **changed)


def broker(**changed: Any) -> BrokerFacts:
    """Three brokers in good order."""
    made = BrokerFacts(
        (Reached("one:9092", 0.002),),
        NOW_MS,
        nodes=(Reached("one:9092", 0.002), Reached("two:9092", 0.002), Reached("three:9092", 0.002)),
        versions=((4, 3), (4, 3), (4, 3)),
        clock=Clock(3, 2),
        topics=topics(),
        group=group(),
    )
    return replace(made, **changed)


def data_dir(**changed: Any) -> DataDir:
    """A folder on a large disk, with nothing in it."""
    return replace(DataDir("/data/group", True, "/data/group", True, 500 * GIB), **changed)


def machine(**changed: Any) -> MachineFacts:
    """A machine with all that it takes."""
    return replace(MachineFacts((3, 12, 4), 65_536, data_dir(), Web("free")), **changed)


HOLD = """
import sys
from pathlib import Path
from stream.state.rocksdb_store import RocksStore
store = RocksStore(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
store.close()
"""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[int]:
    """Hold the index open in another process, whose number is given."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.communicate("\n")
