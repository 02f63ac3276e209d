"""The topics: their names, and their configuration at the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MIB: Final = 1024 * 1024
_DAY_MS: Final = 24 * 3600 * 1000
#: The changelog is kept longer than the duplicate window by this, so that a restore has every article in the window.
CHANGELOG_MARGIN_MS: Final = 2 * _DAY_MS
#: How far ahead of the broker's clock a record's timestamp may be.
TIMESTAMP_AHEAD_MS: Final = 3600 * 1000
RAW_MESSAGE_BYTES: Final = 24 * _MIB
#: An output is never larger than its input and the headers together.
OUTPUT_MESSAGE_BYTES: Final = RAW_MESSAGE_BYTES + _MIB


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of all topics."""

    raw: str = "articles.raw"
    normalized: str = "articles.normalized"
    enriched: str = "articles.enriched"
    duplicates: str = "articles.duplicates"
    clusters: str = "articles.clusters"
    fingerprints: str = "articles.fingerprints"
    rejected: str = "articles.rejected"

    @classmethod
    def with_prefix(cls, prefix: str) -> Topics:
        """Put ``prefix`` before the usual names, for several flows on one cluster.

        >>> Topics.with_prefix("test.").raw
        'test.articles.raw'
        """
        return cls(**{name: prefix + getattr(cls(), name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """The required configuration of one topic. ``exact_partitions``: another number of partitions is an error."""

    name: str
    partitions: int
    config: dict[str, str]
    exact_partitions: bool = False


def topic_specs(
    topics: Topics,
    *,
    raw_partitions: int,
    scope_partitions: int,
    output_partitions: int,
    retention_ms: int,
    window_ms: int,
) -> list[TopicSpec]:
    """List the specifications of all topics.

    The normalized topic and the changelog have the same number of partitions, which must never change: a scope's
    articles are in one partition of the first, and its index is in the same partition of the second.
    """
    deleted = _deleted_after(retention_ms)
    output = {**deleted, "max.message.bytes": str(OUTPUT_MESSAGE_BYTES)}
    changelog = {**output, **_deleted_after(window_ms + CHANGELOG_MARGIN_MS)}
    compacted = {
        "cleanup.policy": "compact",
        "max.message.bytes": str(OUTPUT_MESSAGE_BYTES),
        "message.timestamp.after.max.ms": str(TIMESTAMP_AHEAD_MS),
    }
    return [
        TopicSpec(topics.raw, raw_partitions, {**deleted, "max.message.bytes": str(RAW_MESSAGE_BYTES)}),
        TopicSpec(topics.normalized, scope_partitions, output, exact_partitions=True),
        TopicSpec(topics.enriched, output_partitions, output),
        TopicSpec(topics.duplicates, output_partitions, output),
        TopicSpec(topics.clusters, output_partitions, compacted),
        TopicSpec(topics.fingerprints, scope_partitions, changelog, exact_partitions=True),
        TopicSpec(topics.rejected, output_partitions, output),
    ]


def _deleted_after(retention_ms: int) -> dict[str, str]:
    """Retention by time. A record that it would delete at once is refused instead, and so its producer learns of it."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "message.timestamp.before.max.ms": str(retention_ms),
        "message.timestamp.after.max.ms": str(TIMESTAMP_AHEAD_MS),
    }
