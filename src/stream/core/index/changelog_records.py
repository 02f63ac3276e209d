"""Which records of the changelog an index can apply. The others are skipped: one bad record must not stop a partition.

A record that fits in every respect cannot be told from a genuine one, so only workers may write to the topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import numpy as np

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ChangelogEvent, FingerprintEvent, RecoveryEvent, RemovalEvent
from stream.core.contracts.records import Record, RefusedBatch
from stream.core.dedup.fingerprint import FORMAT
from stream.core.index.keys import OFFSET_MAX
from stream.core.validation import is_valid_tenant

#: Why a record was skipped: one that no worker wrote; one of a worker that cannot be used; one that does not follow the
#: record before it; one for an article or a takedown that an earlier record describes differently.
SkipCode = Literal["foreign", "unusable", "broken_chain", "conflict"]

_TYPES: Final[dict[str, type[FingerprintEvent | RemovalEvent | RecoveryEvent]]] = {
    cloudevents.FINGERPRINT: FingerprintEvent,
    cloudevents.REMOVAL: RemovalEvent,
    cloudevents.RECOVERY: RecoveryEvent,
}
_HEX_32: Final = re.compile("[0-9a-f]{32}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
#: As `LogId` writes it; without a topic id if the broker does not name it.
_LOG: Final = re.compile(r"[A-Za-z0-9_-]*/-?\d{1,9}")
#: What the index stores in 64 bits; real counts are far below.
_INTEGER_MAX: Final = 2**63 - 1
_REASON_CHARS_MAX: Final = 200


class SkippedRecord(NamedTuple):
    """A record of the changelog that was skipped. ``offset``: that of the record in the changelog."""

    offset: int
    code: SkipCode
    reason: str


def read_changelog_record(record: Record) -> ChangelogEvent | SkippedRecord:
    """Decode a record of the changelog, and check that it cannot damage an index."""
    if isinstance(record, RefusedBatch):
        return _skip(record, "unusable", record.reason)
    kind = cloudevents.event_type(record)
    event_type = _TYPES.get(kind)
    if event_type is None:
        return _skip(record, "foreign", f"its type is {kind!r}" if kind else "it has no ce_type")
    if not record.value:
        return _skip(record, "unusable", "it has no value")
    try:
        event = codec.decode(record.value, event_type)
    except codec.UNREADABLE as error:
        return _skip(record, "unusable", str(error))
    if dict(record.headers).get("ce_id") != event.event_id.encode():
        return _skip(record, "unusable", "its ce_id is not its event_id")
    mistake = next(_mistakes(event), None)
    return _skip(record, "unusable", f"{mistake} is invalid") if mistake else event


def _skip(record: Record, code: SkipCode, reason: str) -> SkippedRecord:
    return SkippedRecord(record.offset, code, reason[:_REASON_CHARS_MAX])


def _mistakes(event: ChangelogEvent) -> Iterator[str]:
    """The names of the fields whose values no worker writes."""
    if not _HEX_32.fullmatch(event.event_id):
        yield "event_id"
    if event.offset >= OFFSET_MAX:
        yield "offset"
    if event.log is not None and not _LOG.fullmatch(event.log):
        yield "log"
    if abs(event.base) >= OFFSET_MAX:
        yield "base"
    if isinstance(event, RecoveryEvent):
        if any(max(each.offset, each.item, each.partition, each.leader_epoch) > _INTEGER_MAX for each in event.decided):
            yield "decided"
        return
    yield from _decision_mistakes(event)
    if isinstance(event, FingerprintEvent):
        yield from _fingerprint_mistakes(event)
    elif not is_valid_tenant(event.tenant):
        yield "tenant"


def _fingerprint_mistakes(event: FingerprintEvent) -> Iterator[str]:
    tenant, _, language = event.scope.partition("/")
    if not is_valid_tenant(tenant) or not language or "/" in language or language == "*":
        yield "scope"
    hashes = {
        "shown_hash": event.display_hash,
        "text_hash": event.text_hash,
        "published_hash": event.published_hash,
        "duplicate.cluster_id": event.duplicate.cluster_id,
    }
    yield from (name for name, value in hashes.items() if value is not None and not _HEX_32.fullmatch(value))
    times = {"published_at": event.published_at, "modified_at": event.modified_at}
    yield from (name for name, value in times.items() if value is not None and not _TIME.fullmatch(value))
    counts = {"tokens": event.tokens, "revision": event.revision, "links": event.cluster_depth}
    yield from (name for name, value in counts.items() if value > _INTEGER_MAX)
    earlier = event.earlier_offset
    if event.duplicate.relation == "revision" if earlier is None else earlier >= event.offset:
        yield "earlier_offset"
    if event.format == FORMAT:
        yield from _packed_mistakes(event)


def _packed_mistakes(event: FingerprintEvent) -> Iterator[str]:
    for name, value, size in (
        ("sequence", event.sequence, 2),
        ("title", event.title, 2),
        ("anchors", event.anchors, 8),
    ):
        if len(value) % size:
            yield name
            return
    anchors = np.frombuffer(event.anchors, dtype=_U8)
    if (anchors[1:] <= anchors[:-1]).any():
        yield "anchors"


def _decision_mistakes(event: FingerprintEvent | RemovalEvent) -> Iterator[str]:
    if event.previous >= event.offset:
        yield "previous"
    if not event.id:
        yield "id"
    origin = event.origin
    if origin and max(origin.partition, origin.offset, origin.item or 0, abs(origin.leader_epoch or 0)) > _INTEGER_MAX:
        yield "origin"


_U8: Final = np.dtype("<u8")
