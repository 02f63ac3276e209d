"""What the flow needs of each topic."""

from __future__ import annotations

from typing import Any

import pytest

from stream.core.contracts.topics import Topics, TopicSpec
from stream.core.validation import DEFAULT_LIMITS
from stream.kafka.topic_admin import TopicStatus
from stream.settings import DAY_MS, Settings


def specs(**settings: Any) -> dict[str, TopicSpec]:
    """Each topic by its name."""
    made = Settings(broker="memory://x", group="g", topic_prefix="", **settings)
    return {spec.name: spec for spec in made.topic_specs}


def test_every_topic_has_one_spec() -> None:
    topics = Topics()
    assert sorted(specs()) == sorted(getattr(topics, name) for name in topics.__slots__)


def test_partitions() -> None:
    found = specs(raw_partitions=2, scope_partitions=5, output_partitions=3)
    exact = {"articles.normalized", "articles.fingerprints"}
    assert {name: spec.partitions for name, spec in found.items()} == {
        name: 5 if name in exact else 2 if name == "articles.raw" else 3 for name in found
    }
    assert {name for name, spec in found.items() if spec.exact_partitions} == exact


def test_events_are_decided_in_the_order_of_production_unless_told_otherwise() -> None:
    assert specs()["articles.raw"].partitions == 1


def test_only_the_clusters_are_compacted() -> None:
    policies = {name: spec.config["cleanup.policy"] for name, spec in specs().items()}
    assert policies.pop("articles.clusters") == "compact"
    assert set(policies.values()) == {"delete"}
    assert "retention.ms" not in specs()["articles.clusters"].config


@pytest.mark.parametrize("window_days", [0.5, 7, 30])
def test_the_changelog_outlives_the_window_whatever_the_retention_is(window_days: float) -> None:
    found = specs(window_days=window_days, retention_days=1)
    assert int(found["articles.fingerprints"].config["retention.ms"]) >= (window_days + 1) * DAY_MS
    assert found["articles.enriched"].config["retention.ms"] == str(DAY_MS)


def test_outputs_hold_what_inputs_hold() -> None:
    found = specs()
    largest = int(found["articles.raw"].config["max.message.bytes"])
    assert largest > DEFAULT_LIMITS.message_bytes
    for name, spec in found.items():
        if name != "articles.raw":
            assert int(spec.config["max.message.bytes"]) > largest


@pytest.mark.parametrize(
    ("partitions", "exact", "problem"),
    [
        (0, False, "missing; run: stream topics"),
        (0, True, "missing; run: stream topics"),
        (2, True, "STREAM_SCOPE_PARTITIONS=2"),
        (2, False, None),
        (4, True, None),
    ],
)
def test_what_keeps_the_flow_from_running(partitions: int, exact: bool, problem: str | None) -> None:
    status = TopicStatus(TopicSpec("t", 4, {}, exact_partitions=exact), partitions)
    assert (problem in status.problem) if problem and status.problem else status.problem is problem
