"""CloudEvents 1.0 in its Kafka binding: written as headers of published records, and understood on input."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

from stream.core.contracts.records import Headers, LogId, Record

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
CLUSTER_WITHDRAWN: Final = "cluster.withdrawn.v1"
CLUSTER_EXPIRED: Final = "cluster.expired.v1"
FINGERPRINT: Final = "article.fingerprint.v1"
REMOVAL: Final = "article.removal.v1"
RECOVERY: Final = "index.recovery.v1"


#: Header of a requeued record without a CloudEvents id: the coordinates that its event id comes from.
ORIGIN_HEADER: Final = "__requeue.origin"


class Identity(NamedTuple):
    """What identifies a message, no matter how often it is delivered.

    Attributes:
        source: The CloudEvents source, or the log that the record is in.
        id: The CloudEvents id, or the record's offset.
        is_claimed: Whether the producer chose it. Otherwise it is the record's coordinates, which nobody can claim.
    """

    source: str
    id: str
    is_claimed: bool = True


def headers(source: str, event_id: str, event_type: str, time: str, **extensions: str) -> Headers:
    """The headers of one published record.

    Args:
        source: ``/`` and the name of the topic.
        event_id: The CloudEvents id.
        event_type: Such as ``article.enriched.v1``.
        time: RFC 3339.
        extensions: CloudEvents extension attributes, such as ``tenant``.
    """
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"{_TYPE_PREFIX}.{event_type}".encode()),
        ("ce_time", time.encode()),
        *((f"ce_{name}", value.encode()) for name, value in extensions.items()),
        ("content-type", JSON),
    )


def event_type(record: Record) -> str:
    """The event type of a record that this project wrote; empty if the record has none."""
    value = dict(record.headers).get("ce_type") or b""
    return value.decode("utf-8", "replace").removeprefix(f"{_TYPE_PREFIX}.")


def event_identity(record: Record, log: LogId | None = None) -> Identity:
    """The message's CloudEvents source and id if it has both, else its coordinates in the raw topic.

    A requeued record has the coordinates of the record that was rejected. They are accepted only if they are those of
    an earlier record of the same partition: that one was decided before, so no record can take them from another.

    Args:
        record: A record of the raw topic.
        log: The log that it is in; None if the source has no logs (files).
    """
    values = dict(record.headers)
    source, name = values.get("ce_source"), values.get("ce_id")
    if source and name:
        return Identity(source.decode("utf-8", "backslashreplace"), name.decode("utf-8", "backslashreplace"))
    return _requeued_coordinates(record, log, values.get(ORIGIN_HEADER)) or coordinates(record, log)


def coordinates(record: Record, log: LogId | None) -> Identity:
    """The identity of a record whose producer chose none; another log has other ones at the same offsets."""
    log_name = str(log) if log else "/"
    return Identity(f"{record.topic}/{record.partition}/{log_name}", str(record.offset), is_claimed=False)


def _requeued_coordinates(record: Record, log: LogId | None, value: bytes | None) -> Identity | None:
    topic, *rest = (value or b"").decode("utf-8", "replace").rsplit("/", 4)
    if topic != record.topic or len(rest) != 4:  # noqa: PLR2004 - partition, topic id, leader epoch, offset
        return None
    partition, topic_id, epoch, offset = rest
    if partition != str(record.partition) or not _is_number(offset) or int(offset) >= record.offset:
        return None
    if log is None:
        is_earlier = not topic_id and not epoch
    else:  # a later epoch of this topic may write other records at the same offsets
        is_earlier = topic_id != log.topic_id or (_is_number(epoch) and int(epoch) <= log.leader_epoch)
    return Identity(f"{topic}/{partition}/{topic_id}/{epoch}", offset, is_claimed=False) if is_earlier else None


def _is_number(text: str) -> bool:
    return len(text) < _DIGITS_MAX and text.isascii() and text.isdigit() and str(int(text)) == text


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


def event_id(identity: Identity, item: int | None, *, scope: str) -> str:
    """The id of an event: 32 hexadecimal digits, the same for every delivery of it.

    Args:
        identity: That of its message.
        item: Position in the message, if that is an array.
        scope: Tenant and language of an article, or ``tenant/*`` of a takedown. Events of different scopes are decided
            independently, perhaps at the same time by different workers, so they never share an id.

    >>> event_id(Identity("/scrapers/7", "a-1"), None, scope="default/en")
    '9bb1e60936a24202ea09e376a549cb05'
    """
    parts = [scope, identity.source, identity.id, *([] if item is None else [str(item)])]
    # The lengths make sure that different parts never give the same name.
    name = "".join(f"{len(part)}:{part}" for part in parts)
    person = b"claimed" if identity.is_claimed else b"coordinates"
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, person=person).hexdigest()


#: An offset has at most 19 digits.
_DIGITS_MAX: Final = 20
