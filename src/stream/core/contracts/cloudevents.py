"""CloudEvents 1.0 in Kafka's binding: attributes as headers on what is published, understood on input."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

from stream.core.contracts.records import Headers, Record

JSON: Final = b"application/json"
_STRUCTURED: Final = b"application/cloudevents+json"
_TYPE_PREFIX: Final = "org.article-stream"
#: The event types, as `headers` takes them and `kind` gives them back.
NORMALIZED: Final = "article.normalized.v1"
TAKEDOWN: Final = "article.takedown.v1"
ENRICHED: Final = "article.enriched.v1"
DUPLICATE: Final = "article.duplicate.v1"
WITHDRAWN: Final = "article.withdrawn.v1"
CLUSTER: Final = "cluster.v1"
FINGERPRINT: Final = "article.fingerprint.v1"
REMOVAL: Final = "article.removal.v1"


class Identity(NamedTuple):
    """What makes an event the same event however often it is delivered."""

    source: str
    id: str


def headers(source: str, event_id: str, kind: str, time: str) -> Headers:
    """The headers of one published record; ``kind`` is its event type, such as ``article.enriched.v1``."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"{_TYPE_PREFIX}.{kind}".encode()),
        ("ce_time", time.encode()),
        ("content-type", JSON),
    )


def kind(record: Record) -> str:
    """The event type of a record that this project wrote, as `headers` got it; empty for others."""
    value = dict(record.headers).get("ce_type") or b""
    return value.decode("utf-8", "replace").removeprefix(f"{_TYPE_PREFIX}.")


def identity(record: Record) -> Identity:
    """The event's CloudEvents source and id where both are given, else its coordinates in the raw topic."""
    given = dict(record.headers)
    source, name = given.get("ce_source"), given.get("ce_id")
    if source and name:
        return Identity(source.decode("utf-8", "backslashreplace"), name.decode("utf-8", "backslashreplace"))
    return Identity(f"{record.topic}/{record.partition}", str(record.offset))


def is_structured(record: Record) -> bool:
    """The whole CloudEvent, attributes and data, is the record's value."""
    content_type = dict(record.headers).get("content-type") or b""  # Kafka knows headers without a value
    return content_type.lower().startswith(_STRUCTURED)


def unwrap(envelope: dict[str, Any], fallback: Identity) -> tuple[Any, Identity]:
    """The data and the identity in a structured event."""
    source, name = envelope.get("source"), envelope.get("id")
    if isinstance(source, str) and isinstance(name, str) and source and name:
        return envelope.get("data"), Identity(source, name)
    return envelope.get("data"), fallback


def event_id(found: Identity, item: int | None) -> str:
    """32 hexadecimal digits: the same for every delivery of one event, bounded whatever the sender's ids hold."""
    parts = [found.source, found.id] if item is None else [found.source, found.id, str(item)]
    # With their lengths, so that no two lists of parts read the same.
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
