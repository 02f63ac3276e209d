"""The least privileges that each role needs of Kafka's authorizer; ``deploy/kafka/acls.md`` documents them.

Read and Write include Describe. No privilege on the cluster is needed: since Kafka 2.8 the right to write to a topic
includes the idempotent producer, and no transactions are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from stream.core.contracts.topics import Topics
from stream.settings import Stage

#: For each step, operation -> topics that it is needed on.
STEP_TOPICS: Final[Mapping[Stage, Mapping[str, tuple[str, ...]]]] = {
    "normalize": {"Read": ("raw",), "Write": ("normalized", "rejected")},
    "deduplicate": {
        # Any member of the group can become its leader and assign all partitions. It assigns those of a topic that it
        # cannot see to nobody, which would stop the other step.
        "Describe": ("raw",),
        "Read": ("normalized", "fingerprints"),
        "Write": ("enriched", "duplicates", "clusters", "fingerprints", "rejected"),
    },
}


class Permission(NamedTuple):
    """An operation on a ``topic`` or ``group``, in the terms of kafka-acls."""

    operation: str
    resource: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.resource} {self.name}"


def topic_permissions(steps: Iterable[Stage], topics: Topics) -> list[Permission]:
    """The permissions on topics of a worker that runs ``steps``, without repeats."""
    permissions = [
        Permission(operation, "topic", getattr(topics, name))
        for step in steps
        for operation, names in STEP_TOPICS[step].items()
        for name in names
    ]
    return list(dict.fromkeys(permissions))
