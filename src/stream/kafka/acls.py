"""The least that each role has to be allowed by Kafka's authorizer; ``deploy/kafka/acls.md`` tells it to operators.

Read and Write include Describe. Nothing on the cluster is needed: brokers since 2.8 let whoever may write to a topic
be an idempotent producer, and there are no transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from stream.core.contracts.topics import Topics
from stream.settings import Stage

#: For each step, operations and the topics that they are needed on.
STEP_TOPICS: Final[Mapping[Stage, Mapping[str, tuple[str, ...]]]] = {
    "normalize": {"Read": ("raw",), "Write": ("normalized", "rejected")},
    "deduplicate": {
        # Any member of the group may be the one that assigns the partitions of all: a topic that it cannot see, it
        # assigns to nobody, and the other step stands still.
        "Describe": ("raw",),
        "Read": ("normalized", "fingerprints"),
        "Write": ("enriched", "duplicates", "clusters", "fingerprints", "rejected"),
    },
}


class Permission(NamedTuple):
    """One operation on one ``topic`` or ``group``, in the words of kafka-acls."""

    operation: str
    resource: str
    name: str

    def __str__(self) -> str:
        """As a person would say it."""
        return f"{self.operation} on {self.resource} {self.name}"


def topic_permissions(steps: Iterable[Stage], topics: Topics) -> list[Permission]:
    """What a worker that runs ``steps`` has to be allowed on topics; each once."""
    wanted = [
        Permission(operation, "topic", getattr(topics, name))
        for step in steps
        for operation, names in STEP_TOPICS[step].items()
        for name in names
    ]
    return list(dict.fromkeys(wanted))
