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
    settings_ = Settings(broker="memory://x", group="g", topic_prefix="", **settings)
    return {spec.name: spec for spec in settings_.topic_specs}


def test_every_topic_has_one_spec() -> None:
    topics = Topics()
    assert sorted(specs()) == sorted(getattr(topics, name) for name in topics.__slots__)


def test_partitions() -> None:
    topic_specs = specs(raw_partitions=2, scope_partitions=5, output_partitions=3)
    exact = {"articles.normalized", "articles.fingerprints"}
    assert {name: spec.partitions for name, spec in topic_specs.items()} == {
        name: 5 if name in exact else 2 if name == "articles.raw" else 3 for name in topic_specs
    }
    assert {name for name, spec in topic_specs.items() if spec.exact_partitions} == exact


def test_the_raw_topic_has_one_partition_by_default_so_order_is_kept() -> None:
    assert specs()["articles.raw"].partitions == 1


def test_only_the_clusters_are_compacted() -> None:
    policies = {name: spec.config["cleanup.policy"] for name, spec in specs().items()}
    assert policies.pop("articles.clusters") == "compact"
    assert set(policies.values()) == {"delete"}
    assert "retention.ms" not in specs()["articles.clusters"].config


@pytest.mark.parametrize("window_days", [0.5, 7, 30])
def test_the_changelog_outlives_the_window_at_any_retention(window_days: float) -> None:
    topic_specs = specs(window_days=window_days, retention_days=1)
    assert int(topic_specs["articles.fingerprints"].config["retention.ms"]) >= (window_days + 1) * DAY_MS
    assert topic_specs["articles.enriched"].config["retention.ms"] == str(DAY_MS)


def test_output_topics_accept_larger_messages_than_the_raw_topic() -> None:
    topic_specs = specs()
    largest = int(topic_specs["articles.raw"].config["max.message.bytes"])
    assert largest > DEFAULT_LIMITS.message_bytes
    for name, spec in topic_specs.items():
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
def test_a_missing_topic_or_a_wrong_partition_count_is_a_problem(
    partitions: int, exact: bool, problem: str | None
) -> None:
    status = TopicStatus(TopicSpec("t", 4, {}, exact_partitions=exact), partitions)
    assert (problem in status.problem) if problem and status.problem else status.problem is problem


def test_no_topic_takes_a_record_that_its_retention_would_delete_at_once() -> None:
    for name, spec in specs(window_days=30, retention_days=3).items():
        assert spec.config.get("message.timestamp.before.max.ms") == spec.config.get("retention.ms"), name
        assert spec.config["message.timestamp.after.max.ms"] == str(3600 * 1000)
