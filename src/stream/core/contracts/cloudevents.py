"""CloudEvents 1.0 in its Kafka binding: written as headers of published records, and understood on input."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

from stream.core.contracts.records import Headers, Record

JSON: Final = b"application/json"
_STRUCTURED: Final = b"application/cloudevents+json"
_TYPE_PREFIX: Final = "org.article-stream"
#: The event types, as `headers` takes them and `event_type` returns them.
NORMALIZED: Final = "article.normalized.v1"
TAKEDOWN: Final = "article.takedown.v1"
ENRICHED: Final = "article.enriched.v1"
DUPLICATE: Final = "article.duplicate.v1"
WITHDRAWN: Final = "article.withdrawn.v1"
CLUSTER: Final = "cluster.v1"
FINGERPRINT: Final = "article.fingerprint.v1"
REMOVAL: Final = "article.removal.v1"


class Identity(NamedTuple):
    """What identifies an event, no matter how often it is delivered."""

    source: str
    id: str


def headers(source: str, event_id: str, event_type: str, time: str) -> Headers:
    """The headers of one published record. ``event_type``: such as ``article.enriched.v1``; ``time``: RFC 3339."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"{_TYPE_PREFIX}.{event_type}".encode()),
        ("ce_time", time.encode()),
        ("content-type", JSON),
    )


def event_type(record: Record) -> str:
    """The event type of a record that this project wrote; empty if the record has none."""
    value = dict(record.headers).get("ce_type") or b""
    return value.decode("utf-8", "replace").removeprefix(f"{_TYPE_PREFIX}.")


def event_identity(record: Record) -> Identity:
    """The event's CloudEvents source and id if it has both, or its coordinates in the raw topic."""
    values = dict(record.headers)
    source, name = values.get("ce_source"), values.get("ce_id")
    if source and name:
        return Identity(source.decode("utf-8", "backslashreplace"), name.decode("utf-8", "backslashreplace"))
    return Identity(f"{record.topic}/{record.partition}", str(record.offset))


def is_structured(record: Record) -> bool:
    """Whether the record's value is a whole CloudEvent, with attributes and data."""
    content_type = dict(record.headers).get("content-type") or b""  # a Kafka header may have no value
    return content_type.lower().startswith(_STRUCTURED)


def unwrap(envelope: dict[str, Any], fallback: Identity) -> tuple[Any, Identity]:
    """Return the data and the identity of a structured event; ``fallback`` if it has no identity."""
    source, name = envelope.get("source"), envelope.get("id")
    if isinstance(source, str) and isinstance(name, str) and source and name:
        return envelope.get("data"), Identity(source, name)
    return envelope.get("data"), fallback


def event_id(identity: Identity, item: int | None) -> str:
    """The id of an event: 32 hexadecimal digits, the same for every delivery of it.

    ``item``: position in the message, if it is an array.

    >>> event_id(Identity("articles.raw/2", "7"), None)
    '87a86c3deb2ddbdd256edc27906be0d1'
    """
    parts = [*identity] if item is None else [*identity, str(item)]
    # The lengths make sure that different parts never give the same name.
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
