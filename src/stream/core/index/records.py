"""How fingerprints are encoded in changelog records, and articles and the index's own state in the store."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, TypedDict, TypeVar

import msgspec
import numpy as np
from msgspec.structs import astuple

from stream.core.contracts.events import (
    DUPLICATE_RELATIONS,
    Change,
    ChangelogMark,
    Duplicate,
    FingerprintEvent,
    Notice,
    Origin,
    Relation,
)
from stream.core.dedup.articles import IndexedArticle, Times
from stream.core.dedup.fingerprint import FORMAT, NO_HASHES, Fingerprint
from stream.core.dedup.rules import VERSION, new_cluster_id
from stream.core.index.raw_marks import RawMark
from stream.errors import IndexDamaged

T = TypeVar("T")

# Constants, because numpy parses the name of a type each time.
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
    number_marks: list[str]


def pack_fingerprint(fingerprint: Fingerprint) -> PackedFingerprint:
    """Encode ``fingerprint`` as the fields of a `FingerprintEvent`."""
    return {
        "format": FORMAT,
        "text_hash": fingerprint.text_hash,
        "tokens": fingerprint.tokens,
        "is_spaced": fingerprint.is_spaced,
        "sequence": fingerprint.sequence.astype(_U2, copy=False).tobytes(),
        "anchors": fingerprint.anchors.astype(_U8, copy=False).tobytes(),
        "title": fingerprint.title.astype(_U2, copy=False).tobytes(),
        "number_marks": list(fingerprint.number_marks),
    }


class StoredArticle(msgspec.Struct, array_like=True, gc=False):
    """An article in the store: the fields of a changelog record that its key does not hold and that are not looked up.

    Fields that follow from others are None: ``cluster_id`` where the article begins its cluster, ``version`` where it
    is that of the rules in use.
    """

    event_id: bytes
    id: str
    text_hash: bytes
    display_hash: bytes
    published_hash: bytes
    domain: str | None
    tokens: int
    is_spaced: bool
    sequence: bytes
    title: bytes
    number_marks: tuple[str, ...]
    event_time: int
    revision: int
    cluster_depth: int
    earlier_offset: int | None
    source: str | None
    published_at: str | None
    modified_at: str | None
    origin: tuple[str, int, int, str | None, int | None, str | None, int | None]
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
    #: Its fingerprint has another format, so its text is not compared with others.
    is_foreign: bool
    #: The kind of notice that it was published as; None for an article.
    notice: Notice | None
    #: It is known to be a notice, perhaps only since a later article.
    is_notice: bool
    url: str | None = None

    @classmethod
    def from_event(cls, event: FingerprintEvent) -> StoredArticle:
        """Make the stored article of a changelog record."""
        duplicate, origin, change = event.duplicate, event.origin, event.duplicate.change
        has_own_cluster_id = duplicate.cluster_id == new_cluster_id(event.scope, event.id, event.text_hash)
        return cls(
            event_id=bytes.fromhex(event.event_id),
            id=event.id,
            text_hash=bytes.fromhex(event.text_hash),
            display_hash=bytes.fromhex(event.display_hash),
            published_hash=bytes.fromhex(event.published_hash or ""),
            domain=event.domain,
            tokens=event.tokens,
            is_spaced=event.is_spaced,
            sequence=event.sequence,
            title=event.title,
            number_marks=tuple(event.number_marks),
            event_time=event.event_time,
            revision=event.revision,
            cluster_depth=event.cluster_depth,
            earlier_offset=event.earlier_offset,
            source=event.source,
            published_at=event.published_at,
            modified_at=event.modified_at,
            origin=astuple(origin),
            relation=duplicate.relation,
            method=duplicate.method,
            duplicate_of=duplicate.duplicate_of,
            cluster_id=None if has_own_cluster_id else bytes.fromhex(duplicate.cluster_id),
            jaccard=duplicate.jaccard,
            containment=duplicate.containment,
            title_similarity=duplicate.title_similarity,
            change=(change.tokens, change.numbers) if change else None,
            same_source=duplicate.same_source,
            version=None if duplicate.version == VERSION else duplicate.version,
            is_foreign=event.format != FORMAT,
            notice=event.notice,
            is_notice=event.notice is not None,
            url=event.url,
        )

    def to_indexed_article(self, scope: str, offset: int) -> IndexedArticle:
        """Make what the decision compares an incoming article with."""
        return IndexedArticle(
            offset=offset,
            id=self.id,
            source=self.source,
            cluster_id=self.resolve_cluster_id(scope),
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
                number_marks=self.number_marks,
            ),
            times=Times(self.published_at, self.event_time, self.modified_at),
            relation=self.relation,
            is_notice=self.is_notice,
        )

    def to_duplicate(self, scope: str) -> Duplicate:
        """Make its verdict."""
        return Duplicate(
            relation=self.relation,
            is_duplicate=self.relation in DUPLICATE_RELATIONS,
            duplicate_of=self.duplicate_of,
            cluster_id=self.resolve_cluster_id(scope),
            jaccard=self.jaccard,
            containment=self.containment,
            title_similarity=self.title_similarity,
            change=Change(tokens=self.change[0], numbers=self.change[1]) if self.change else None,
            same_source=self.same_source,
            method=self.method,
            version=self.version or VERSION,
        )

    def to_origin(self) -> Origin:
        """Make the coordinates of its raw event."""
        topic, partition, offset, timestamp, item, topic_id, leader_epoch = self.origin
        return Origin(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp=timestamp,
            item=item,
            topic_id=topic_id,
            leader_epoch=leader_epoch,
        )

    def resolve_cluster_id(self, scope: str) -> str:
        """The id of its cluster, in hexadecimal digits."""
        return self.cluster_id.hex() if self.cluster_id else new_cluster_id(scope, self.id, self.text_hash.hex())


class Promotion(msgspec.Struct, array_like=True, frozen=True):
    """An article that became the canonical one of its cluster, and was published as a duplicate only.

    Attributes:
        id: Id of the article.
        cluster_id: The cluster.
        offset: Offset of its newest version.
        event_id: Event id of its newest version.
        revision: Revision of its newest version.
        new_event_id: Event id with which it is published again, made of those of the takedown and the article.
    """

    id: str
    cluster_id: str
    offset: int
    event_id: bytes
    revision: int
    new_event_id: bytes

    @classmethod
    def of_takedown(
        cls, takedown_event_id: str, article_id: str, cluster_id: str, *, offset: int, event_id: bytes, revision: int
    ) -> Promotion:
        """Make a promotion that a takedown causes."""
        identity = f"promotion\n{takedown_event_id}\n{cluster_id}\n{article_id}"
        new_event_id = blake2b(identity.encode(), digest_size=16).digest()
        return cls(article_id, cluster_id, offset, event_id, revision, new_event_id)


class StoredTakedown(msgspec.Struct, array_like=True):
    """The result of a takedown, which may have withdrawn nothing.

    Attributes:
        offset: Where the takedown is, as a `Position` counts.
        seen_s: Latest time of a takedown of the tenant, in seconds since 1970, when it was applied.
        target: Id and URL key of what it withdraws.
        ids: Ids of the articles that were deleted.
        clusters: The (scope, id) of the clusters that they were in.
        promotions: The articles that are published again.
    """

    offset: int
    seen_s: int
    target: tuple[str, str | None]
    ids: list[str]
    clusters: list[tuple[str, str]]
    promotions: list[Promotion] = []


class Position(msgspec.Struct, array_like=True):
    """How far an index has read.

    Offsets in an index grow, also when the normalized topic starts again at zero: they are those of the topic plus
    ``base``, which a recovery sets.

    Attributes:
        version: Layout of the store and version of the rules.
        last: Offset of the newest record, -1 for none.
        changelog_end: Offset in the changelog up to which it was read.
        documents: How many articles were recorded.
        base: What is added to offsets of the normalized topic.
        log: The log of the newest record, as `LogId` writes it; None if it is not known.
        changelog_id: Id of the changelog topic, "" if it is not known.
        last_event: Offset in the changelog and event id of the last record that was read; None if it is not known.
        recovery_id: Event id of the last recovery that was read, "" for none.
        lost_marks: How far each raw partition was decided when the changelog lost decisions, as in `raw_marks`.
        has_gap: Whether a record of the changelog that a worker wrote could not be applied after the newest one.
    """

    version: str
    last: int = -1
    changelog_end: int = 0
    documents: int = 0
    base: int = 0
    log: str | None = None
    changelog_id: str = ""
    last_event: tuple[int, str] | None = None
    recovery_id: str = ""
    lost_marks: dict[str, RawMark] = {}
    has_gap: bool = False

    @property
    def mark(self) -> ChangelogMark | None:
        """The last changelog record that was read, by which a changelog that went back is recognized."""
        if self.last_event is None or not self.changelog_id:
            return None
        offset, event_id = self.last_event
        return ChangelogMark(topic_id=self.changelog_id, offset=offset, event_id=event_id)


def pack_article(event: FingerprintEvent) -> bytes:
    """Encode a changelog record as a `StoredArticle`."""
    return _ENCODER.encode(StoredArticle.from_event(event))


def repack_as_notice(article: StoredArticle) -> bytes:
    """Encode ``article`` as one that is known to be a notice."""
    return _ENCODER.encode(msgspec.structs.replace(article, is_notice=True))


def unpack_article(value: bytes) -> StoredArticle:
    """Decode a `StoredArticle`.

    Raises:
        IndexDamaged: ``value`` is not one.
    """
    try:
        return _DECODER.decode(value)
    except _DECODE_ERRORS as error:
        raise IndexDamaged(f"the index holds a value that is not an article: {error}") from error


def unpack(value: bytes, kind: type[T]) -> T:
    """Decode ``value``, which is MessagePack, as ``kind``.

    Raises:
        IndexDamaged: ``value`` is something else.
    """
    try:
        return msgspec.msgpack.decode(value, type=kind)
    except _DECODE_ERRORS as error:
        raise IndexDamaged(f"the index holds a value that is not a {kind.__name__}: {error}") from error


# msgspec raises UnicodeDecodeError for text that is not UTF-8.
_DECODE_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(StoredArticle)
