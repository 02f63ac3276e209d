"""Keys and values of the index.

A key is the scope's hash, the parity of a generation, and a name: one byte for its kind, and what it identifies. The
value under most names is a postings list: 10 bytes for each article, with its offset, when it was seen, and how many
anchors lead to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final, cast

import numpy as np

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.dedup.articles import IncomingArticle
from stream.core.folding.hashing import Hashes
from stream.errors import IndexFault

_EVENT, _URL, _ID, _TEXT, _ANCHOR, _DOCUMENT, _CLUSTER, _TAKEDOWN, _MEMBER, _MEMBER_NUMBER, _EXPIRED = (
    bytes([kind]) for kind in range(11)
)
# Keys outside of all scopes begin with zeros, which no scope's hash does: see `scope_prefix`.
_META: Final = bytes(9)
POSITION: Final = _META + b"position"

_POSTING: Final = Struct("<IBIB")
POSTING_BYTES: Final = _POSTING.size
SECONDS_MAX: Final = 2**32 - 1
#: The first offset that does not fit into a posting, reached after 34 years at a thousand articles a second.
OFFSET_MAX: Final = 2**40
_ANCHOR_COUNT_MAX: Final = 255
# Bytes of an anchor that are its name. Among 300 million anchors, one look-up in a million finds the articles of
# another anchor; their texts are compared, so this changes no verdict.
_ANCHOR_BYTES: Final = 6
#: Anchors that are equal after a shift by this many bits have the same name.
NAME_SHIFT: Final = np.uint64(64 - 8 * _ANCHOR_BYTES)


def pack_posting(offset: int, seen_s: int, anchors: int) -> bytes:
    """Encode a posting in `POSTING_BYTES` bytes.

    Args:
        offset: Where the article is in the normalized topic.
        seen_s: The scope's time, in seconds since 1970, when it was recorded.
        anchors: How many anchors lead to it; more than 255 count as 255.

    Raises:
        IndexFault: ``offset`` is `OFFSET_MAX` or more.

    >>> visible_postings(pack_posting(7, 100, 3) + pack_posting(9, 200, 300), horizon_s=150)
    [(9, 255)]
    """
    if offset >= OFFSET_MAX:
        raise IndexFault(f"offset {offset} is larger than an index can hold; create the topics anew")
    return _POSTING.pack(offset & 0xFFFFFFFF, offset >> 32, seen_s, min(anchors, _ANCHOR_COUNT_MAX))


def posting_prefix(offset: int) -> bytes:
    """The bytes with which every posting of the article at ``offset`` begins."""
    return (offset & 0xFFFFFFFF).to_bytes(4, "little") + (offset >> 32).to_bytes(1, "little")


def visible_postings(value: bytes | None, horizon_s: int = 0) -> list[tuple[int, int]]:
    """The (offset, number of anchors) of each posting in ``value`` seen at ``horizon_s`` or later, oldest first."""
    if not value:
        return []
    postings = _POSTING.iter_unpack(value)
    return [(low | high << 32, anchors) for low, high, seen_s, anchors in postings if seen_s >= horizon_s]


def anchor_counts(value: bytes) -> bytes:
    """The number of anchors of each posting in ``value``, as one byte each, in the same order."""
    return value[POSTING_BYTES - 1 :: POSTING_BYTES]


def scope_prefix(scope: str) -> bytes:
    """The eight bytes with which all keys of a scope begin; the first one is never zero."""
    return b"\x01" + blake2b(scope.encode(), digest_size=7).digest()


def scope_key(prefix: bytes) -> bytes:
    """The key of a scope's clock."""
    return _META + b"scope" + prefix


def tenant_key(tenant: str) -> bytes:
    """The key of the list of languages in which a tenant has articles."""
    return _META + b"tenant" + blake2b(tenant.encode(), digest_size=8).digest()


def takedown_name(event_id: str) -> bytes:
    """The name of the result of a takedown, in the scope of all takedowns of a tenant."""
    return _TAKEDOWN + bytes.fromhex(event_id)


def event_name(event_id: str) -> bytes:
    """The name of the postings of an event."""
    return _EVENT + bytes.fromhex(event_id)


def text_name(text_hash: str) -> bytes:
    """The name of the postings of the first and the newest article with a text."""
    return _TEXT + bytes.fromhex(text_hash)


def document_name(offset: int) -> bytes:
    """The name of the article at ``offset``."""
    return _DOCUMENT + offset.to_bytes(8, "big")


def cluster_name(cluster_id: str) -> bytes:
    """The name of a duplicate cluster."""
    return _CLUSTER + bytes.fromhex(cluster_id)


def member_name(cluster_id: str, number: int) -> bytes:
    """The name of a member of a cluster that is not in the cluster's own value."""
    return _MEMBER + bytes.fromhex(cluster_id) + number.to_bytes(4, "big")


def member_number_name(cluster_id: str, article_id: str) -> bytes:
    """The name of the number that an article has in `member_name`."""
    return _MEMBER_NUMBER + bytes.fromhex(cluster_id) + _short_hash(article_id)


def expired_name(offset: int) -> bytes:
    """The name of the clusters that expired when the article at ``offset`` was recorded."""
    return _EXPIRED + offset.to_bytes(8, "big")


def id_name(article_id: str) -> bytes:
    """The name of the postings of articles with this id."""
    return _ID + _short_hash(article_id)


def id_and_url_names(article: IncomingArticle | FingerprintEvent | RemovalEvent) -> list[bytes]:
    """The names of the postings of articles with the same id, and with the same URL if it has one."""
    names = [id_name(article.id)]
    if article.url_key:
        names.append(_URL + _short_hash(article.url_key))
    return names


def anchor_names(anchors: Hashes, prefix: bytes = b"") -> list[bytes]:
    """The names of the postings of ``anchors``, in the same order.

    Args:
        anchors: Anchors, as 64-bit hashes.
        prefix: Put before each name; with the prefix of a scope's generation the results are whole keys.
    """
    kind_index = len(prefix)
    names = np.empty((len(anchors), kind_index + 1 + _ANCHOR_BYTES), dtype=np.uint8)
    names[:, :kind_index] = np.frombuffer(prefix, dtype=np.uint8)
    names[:, kind_index] = _ANCHOR[0]
    names[:, kind_index + 1 :] = anchors.astype(">u8").view(np.uint8).reshape(-1, 8)[:, :_ANCHOR_BYTES]
    return cast("list[bytes]", names.view(np.dtype((np.void, names.shape[1]))).ravel().tolist())


def select_anchors(names: Sequence[bytes], anchors: Hashes) -> Hashes:
    """The first of the sorted ``anchors`` with each of ``names``, every one of which is the name of an anchor."""
    smallest = [int.from_bytes(name[1:], "big") << int(NAME_SHIFT) for name in names]
    return anchors[anchors.searchsorted(np.array(smallest, dtype=np.uint64))]


def _short_hash(value: str) -> bytes:
    return blake2b(value.encode(), digest_size=8).digest()
