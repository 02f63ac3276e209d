"""The records that the second step publishes: articles, clusters, tombstones, and the changelog."""

from __future__ import annotations

from collections.abc import Sequence

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ClusterEvent, FingerprintEvent, NormalizedEvent, RemovalEvent
from stream.core.contracts.records import Headers, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.takedown import TakedownResult
from stream.core.pipeline.decided_events import VerdictFields, enriched_event


class OutputRecords:
    """Makes records for the topics of the second step. ``now``: RFC 3339, for headers."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def takedown(self, event: RemovalEvent, result: TakedownResult, now: str) -> list[OutputRecord]:
        """Tombstones, and the clusters as they are now."""
        tenant = event.tenant
        outputs = [output for article_id in result.ids for output in self._article_tombstones(event, article_id, now)]
        for cluster_id, cluster in result.clusters.items():
            kind = cloudevents.CLUSTER if cluster else cloudevents.CLUSTER_WITHDRAWN
            headers = _headers(self._topics.clusters, f"{event.event_id}.{cluster_id}", kind, now, tenant=tenant)
            value = codec.encode(cluster) if cluster else None
            outputs.append(OutputRecord(self._topics.clusters, _key(tenant, cluster_id), value, headers))
        return outputs

    def _article_tombstones(self, event: RemovalEvent, article_id: str, now: str) -> list[OutputRecord]:
        """Records without a value under the article's key, in each topic where its versions were published."""
        extensions = {"tenant": event.tenant, "articleid": article_id}
        return [
            OutputRecord(
                topic,
                _key(event.tenant, article_id),
                None,
                _headers(topic, event.event_id, cloudevents.WITHDRAWN, now, **extensions),
            )
            for topic in (self._topics.enriched, self._topics.duplicates)
        ]

    def article(self, event: NormalizedEvent, fields: VerdictFields, now: str, trace: Headers = ()) -> OutputRecord:
        """The published event, with the headers ``trace``."""
        if fields.duplicate.is_duplicate:
            topic, kind = self._topics.duplicates, cloudevents.DUPLICATE
        else:
            topic, kind = self._topics.enriched, cloudevents.ENRICHED
        headers = (*_headers(topic, event.event_id, kind, now, tenant=event.tenant), *trace)
        return OutputRecord(topic, _key(event.tenant, event.id), codec.encode(enriched_event(event, fields)), headers)

    def article_and_cluster(
        self, event: NormalizedEvent, fields: VerdictFields, cluster: ClusterEvent | None, now: str
    ) -> list[OutputRecord]:
        """The published event, and the record of its cluster if that has several articles."""
        topics = self._topics
        outputs = [self.article(event, fields, now)]
        if cluster:
            name = f"{cluster.cluster_id}.{cluster.size}"
            headers = _headers(topics.clusters, name, cloudevents.CLUSTER, now, tenant=event.tenant)
            key = _key(event.tenant, cluster.cluster_id)
            outputs.append(OutputRecord(topics.clusters, key, codec.encode(cluster), headers))
        return outputs

    def cluster_tombstones(self, event: NormalizedEvent, cluster_ids: Sequence[str], now: str) -> list[OutputRecord]:
        """Records without a value under the keys of clusters that have left the window."""
        topic, kind, tenant = self._topics.clusters, cloudevents.CLUSTER_EXPIRED, event.tenant
        return [
            OutputRecord(
                topic,
                _key(tenant, cluster_id),
                None,
                _headers(topic, f"{event.event_id}.{cluster_id}", kind, now, tenant=tenant),
            )
            for cluster_id in cluster_ids
        ]

    def changelog(self, event: FingerprintEvent | RemovalEvent, key: str, partition: int, now: str) -> OutputRecord:
        """The record of the changelog, in the ``partition`` of the record that was decided."""
        topic = self._topics.fingerprints
        kind = cloudevents.FINGERPRINT if isinstance(event, FingerprintEvent) else cloudevents.REMOVAL
        headers = _headers(topic, event.event_id, kind, now, tenant=key.rpartition("/")[0])
        return OutputRecord(topic, key.encode(), codec.encode(event), headers, partition)


def _key(tenant: str, name: str) -> bytes:
    return f"{tenant}/{name}".encode()


def _headers(topic: str, event_id: str, kind: str, now: str, **extensions: str) -> Headers:
    return cloudevents.headers(f"/{topic}", event_id, kind, now, **extensions)
