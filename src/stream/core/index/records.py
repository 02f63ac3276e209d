"""Fingerprints in changelog records; articles, and what an index knows of itself, in the store."""

from __future__ import annotations

from typing import Final, TypedDict, TypeVar

import msgspec
import numpy as np

from stream.core.contracts.events import DUPLICATE_RELATIONS, Change, Duplicate, FingerprintEvent, Origin, Relation
from stream.core.dedup.fingerprint import FORMAT, NO_HASHES, Fingerprint
from stream.core.dedup.rules import VERSION, IndexedArticle, Times, new_cluster_id
from stream.errors import IndexDamaged

T = TypeVar("T")

# Looked up by name, they would be parsed each time.
_U2: Final = np.dtype("<u2")
_U8: Final = np.dtype("<u8")


class PackedFingerprint(TypedDict):
    """The fields of a `FingerprintEvent` that hold a fingerprint."""

    format: str
    text_hash: str
    tokens: int
    is_spaced: bool
    sequence: bytes
    anchors: bytes
    title: bytes


def pack_fingerprint(found: Fingerprint) -> PackedFingerprint:
    """The fields of a `FingerprintEvent` that hold ``found``."""
    return {
        "format": FORMAT,
        "text_hash": found.text_hash,
        "tokens": found.tokens,
        "is_spaced": found.is_spaced,
        "sequence": found.sequence.astype(_U2, copy=False).tobytes(),
        "anchors": found.anchors.astype(_U8, copy=False).tobytes(),
        "title": found.title.astype(_U2, copy=False).tobytes(),
    }


class StoredArticle(msgspec.Struct, array_like=True, gc=False):
    """An article as the store keeps it: a changelog record without what its key tells and what only names it.

    What can be had from other fields is None: the cluster that an article begins, the version of the rules in use.
    """

    event_id: bytes
    id: str
    text_hash: bytes
    display_hash: bytes
    tokens: int
    is_spaced: bool
    sequence: bytes
    title: bytes
    event_time: int
    revision: int
    cluster_depth: int
    earlier_offset: int | None
    source: str | None
    published_at: str | None
    origin: tuple[str, int, int, str | None, int | None]
    relation: Relation
    method: str
    duplicate_of: str | None
    cluster_id: bytes | None
    jaccard: float | None
    containment: float | None
    title_similarity: float | None
    change: tuple[float, bool] | None
    same_source: bool | None
    version: str | None
    #: Made by other code: its text is not compared with others.
    is_foreign: bool

    def earlier(self, scope: str, offset: int) -> IndexedArticle:
        """The view that the decision takes of it."""
        return IndexedArticle(
            offset=offset,
            id=self.id,
            source=self.source,
            cluster_id=self.cluster_of(scope),
            revision=self.revision,
            cluster_depth=self.cluster_depth,
            display_hash=self.display_hash.hex(),
            fingerprint=Fingerprint(
                text_hash=self.text_hash.hex(),
                tokens=self.tokens,
                is_spaced=self.is_spaced,
                sequence=np.frombuffer(b"" if self.is_foreign else self.sequence, dtype=_U2),
                title=np.frombuffer(b"" if self.is_foreign else self.title, dtype=_U2),
                anchors=NO_HASHES,
                shingles=NO_HASHES,
            ),
            times=Times(self.published_at, self.event_time),
        )

    def duplicate(self, scope: str) -> Duplicate:
        """Its verdict."""
        return Duplicate(
            relation=self.relation,
            is_duplicate=self.relation in DUPLICATE_RELATIONS,
            duplicate_of=self.duplicate_of,
            cluster_id=self.cluster_of(scope),
            jaccard=self.jaccard,
            containment=self.containment,
            title_similarity=self.title_similarity,
            change=Change(tokens=self.change[0], numbers=self.change[1]) if self.change else None,
            same_source=self.same_source,
            method=self.method,
            version=self.version or VERSION,
        )

    def origin_event(self) -> Origin:
        """Where its raw event stood."""
        topic, partition, offset, timestamp, item = self.origin
        return Origin(topic=topic, partition=partition, offset=offset, timestamp=timestamp, item=item)

    def cluster_of(self, scope: str) -> str:
        """Its cluster."""
        return self.cluster_id.hex() if self.cluster_id else new_cluster_id(scope, self.id, self.text_hash.hex())


class Takedown(msgspec.Struct, array_like=True):
    """What a takedown removed: ids of articles, and the (scope, id) of the clusters that they were in."""

    ids: list[str]
    clusters: list[tuple[str, str]]


class Position(msgspec.Struct, array_like=True):
    """How far an index has come. ``last``: offset of its newest record, -1 for none."""

    version: str
    last: int = -1
    changelog_end: int = 0
    documents: int = 0


def pack_article(event: FingerprintEvent) -> bytes:
    """A changelog record as the store keeps it."""
    duplicate, origin = event.duplicate, event.origin
    begins = duplicate.cluster_id == new_cluster_id(event.scope, event.id, event.text_hash)
    change = duplicate.change
    return _ENCODER.encode(
        (
            bytes.fromhex(event.event_id),
            event.id,
            bytes.fromhex(event.text_hash),
            bytes.fromhex(event.display_hash),
            event.tokens,
            event.is_spaced,
            event.sequence,
            event.title,
            event.event_time,
            event.revision,
            event.cluster_depth,
            event.earlier_offset,
            event.source,
            event.published_at,
            (origin.topic, origin.partition, origin.offset, origin.timestamp, origin.item),
            duplicate.relation,
            duplicate.method,
            duplicate.duplicate_of,
            None if begins else bytes.fromhex(duplicate.cluster_id),
            duplicate.jaccard,
            duplicate.containment,
            duplicate.title_similarity,
            (change.tokens, change.numbers) if change else None,
            duplicate.same_source,
            None if duplicate.version == VERSION else duplicate.version,
            event.format != FORMAT,
        )
    )


def unpack_article(value: bytes) -> StoredArticle:
    """The article in ``value``.

    Raises:
        IndexDamaged: it is none.
    """
    try:
        return _DECODER.decode(value)
    except _UNREADABLE as error:
        raise IndexDamaged(f"the index holds something that is no article: {error}") from error


def unpack(value: bytes, kind: type[T]) -> T:
    """What stands in ``value``, as MessagePack.

    Raises:
        IndexDamaged: it is something else.
    """
    try:
        return msgspec.msgpack.decode(value, type=kind)
    except _UNREADABLE as error:
        raise IndexDamaged(f"the index holds something that is no {kind.__name__}: {error}") from error


# Text is decoded outside of msgspec's own checks.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(StoredArticle)
