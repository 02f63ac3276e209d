"""Keys and values of the index: what is looked up under which name.

A key is the scope's hash, a generation's parity, and a name: its kind and what it stands for. Postings, the
values under most names, are lists of 10 bytes an article: where it is, when it was seen, how many anchors lead to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple, cast

import numpy as np

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.dedup.rules import IncomingArticle
from stream.core.folding import Hashes
from stream.errors import IndexFault

_EVENT, _URL, _ID, _TEXT, _ANCHOR, _DOCUMENT, _CLUSTER = (bytes([kind]) for kind in range(7))
# What the index keeps for itself stands where no scope's hash can be: see `scope_prefix`.
_META: Final = bytes(9)
POSITION: Final = _META + b"position"

_POSTING: Final = Struct("<IBIB")
POSTING_BYTES: Final = _POSTING.size
SECONDS_MAX: Final = 2**32 - 1
#: Offsets from here on do not fit into a posting; at a thousand articles a second they are reached after 34 years.
OFFSET_MAX: Final = 2**40
_ANCHORS_COUNTED_MAX: Final = 255
# Bytes of an anchor that make its name: among 300 million, one look-up in a million finds another anchor's articles,
# and comparing the texts tells.
_ANCHOR_BYTES: Final = 6
#: Anchors with the same bits from here on have the same name.
NAME_SHIFT: Final = np.uint64(64 - 8 * _ANCHOR_BYTES)


class Posting(NamedTuple):
    """One article under one name.

    ``seen``: the scope's time in seconds when it was recorded. ``anchors``: names of anchors that lead to it, 255 for
    more.
    """

    offset: int
    seen: int
    anchors: int


def pack_posting(posting: Posting) -> bytes:
    """The 10 bytes of ``posting``.

    Raises:
        IndexFault: the offset is `OFFSET_MAX` or more.
    """
    if posting.offset >= OFFSET_MAX:
        raise IndexFault(f"offset {posting.offset} is beyond what an index can hold; make the topics anew")
    low, high = posting.offset & 0xFFFFFFFF, posting.offset >> 32
    return _POSTING.pack(low, high, posting.seen, min(posting.anchors, _ANCHORS_COUNTED_MAX))


def posting_of(offset: int) -> bytes:
    """The bytes that every posting of the article at ``offset`` begins with."""
    return (offset & 0xFFFFFFFF).to_bytes(4, "little") + (offset >> 32).to_bytes(1, "little")


def visible_postings(value: bytes | None, horizon: int = 0) -> list[tuple[int, int]]:
    """The (offset, anchors) of each posting in ``value`` that was not seen before ``horizon``, oldest first."""
    if not value:
        return []
    unpacked = _POSTING.iter_unpack(value)
    return [(low | high << 32, anchors) for low, high, seen, anchors in unpacked if seen >= horizon]


def scope_prefix(scope: str) -> bytes:
    """Eight bytes that stand for a scope in keys; they never begin with zero."""
    return b"\x01" + blake2b(scope.encode(), digest_size=7).digest()


def scope_key(prefix: bytes) -> bytes:
    """The whole key of a scope's clock."""
    return _META + b"scope" + prefix


def tenant_key(tenant: str) -> bytes:
    """The whole key of the languages in which a tenant has articles."""
    return _META + b"tenant" + blake2b(tenant.encode(), digest_size=8).digest()


def takedown_key(event_id: str) -> bytes:
    """The whole key of what a takedown removed."""
    return _META + b"takedown" + bytes.fromhex(event_id)


def event_name(event_id: str) -> bytes:
    """Of the postings of an event."""
    return _EVENT + bytes.fromhex(event_id)


def text_name(text_hash: str) -> bytes:
    """Of the first and the newest article with one text."""
    return _TEXT + bytes.fromhex(text_hash)


def document_name(offset: int) -> bytes:
    """Of the article at ``offset``."""
    return _DOCUMENT + offset.to_bytes(8, "big")


def cluster_name(cluster_id: str) -> bytes:
    """Of a duplicate cluster."""
    return _CLUSTER + bytes.fromhex(cluster_id)


def address_names(article: IncomingArticle | FingerprintEvent | RemovalEvent) -> list[bytes]:
    """Of the articles with the same id, and of those with the same URL."""
    names = [_ID + _short_hash(article.id)]
    if article.url_key:
        names.append(_URL + _short_hash(article.url_key))
    return names


def anchor_names(anchors: Hashes, start: bytes = b"") -> list[bytes]:
    """Of the articles that hold each of ``anchors``; in their order, so those of one article lie near each other.

    ``start``: of a scope's generation, where whole keys are wanted.
    """
    kind = len(start)
    names = np.empty((len(anchors), kind + 1 + _ANCHOR_BYTES), dtype=np.uint8)
    names[:, :kind] = np.frombuffer(start, dtype=np.uint8)
    names[:, kind] = _ANCHOR[0]
    names[:, kind + 1 :] = anchors.astype(">u8").view(np.uint8).reshape(-1, 8)[:, :_ANCHOR_BYTES]
    return cast("list[bytes]", names.view(np.dtype((np.void, names.shape[1]))).ravel().tolist())


def anchors_named(names: Sequence[bytes], anchors: Hashes) -> Hashes:
    """The first of the sorted ``anchors`` with each of ``names``, which are names of some of them."""
    lowest = [int.from_bytes(name[1:], "big") << int(NAME_SHIFT) for name in names]
    return anchors[anchors.searchsorted(np.array(lowest, dtype=np.uint64))]


def _short_hash(value: str) -> bytes:
    return blake2b(value.encode(), digest_size=8).digest()
