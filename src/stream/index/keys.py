"""Keys and values of the index: what is looked up under which name.

A key is the scope's hash, a generation's parity, and a name: its kind and what it stands for. Postings, the
values under most names, are lists of 16 bytes an article: where it is, when it was seen, how many anchors it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple, cast

import numpy as np

from stream.dedup import Subject
from stream.events import FingerprintEvent
from stream.fold import Hashes

_EVENT, _URL, _ID, _TEXT, _ANCHOR, _DOCUMENT, _CLUSTER = (bytes([kind]) for kind in range(7))
# What the index keeps for itself stands where no scope's hash can be: see `scope_prefix`.
_META: Final = bytes(9)
POSITION: Final = _META + b"position"

_POSTING: Final = Struct("<QII")
POSTING_BYTES: Final = _POSTING.size
SECONDS_MAX: Final = 2**32 - 1
# Big-endian, so that anchors lie in the store as they are sorted, and those of one article are found near each other.
_ANCHOR_NAME: Final = np.dtype([("kind", "u1"), ("anchor", ">u8")])


class Posting(NamedTuple):
    """One article under one name. ``seen``: the scope's time in seconds when it was recorded."""

    offset: int
    seen: int
    anchors: int


def pack_posting(posting: Posting) -> bytes:
    """The 16 bytes of ``posting``."""
    return _POSTING.pack(*posting)


def unpack_postings(value: bytes | None) -> Iterator[tuple[int, int, int]]:
    """The (offset, seen, anchors) of each `Posting` in ``value``, in the order in which they were added."""
    return _POSTING.iter_unpack(value) if value else iter(())


def scope_prefix(scope: str) -> bytes:
    """Eight bytes that stand for a scope in keys; they never begin with zero."""
    return b"\x01" + blake2b(scope.encode(), digest_size=7).digest()


def scope_key(prefix: bytes) -> bytes:
    """The whole key of a scope's clock."""
    return _META + b"scope" + prefix


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


def address_names(article: Subject | FingerprintEvent) -> list[bytes]:
    """Of the newest article with the same id, and of the one with the same URL."""
    names = [_ID + _short_hash(article.id)]
    if article.url_key:
        names.append(_URL + _short_hash(article.url_key))
    return names


def anchor_names(anchors: Hashes) -> list[bytes]:
    """Of the articles that hold each of ``anchors``."""
    names = np.empty(len(anchors), dtype=_ANCHOR_NAME)
    names["kind"] = _ANCHOR[0]
    names["anchor"] = anchors
    return cast("list[bytes]", names.view(np.dtype((np.void, _ANCHOR_NAME.itemsize))).tolist())


def names_of(subject: Subject, event_id: str) -> list[bytes]:
    """All that deciding and recording ``subject`` asks for, but articles and clusters."""
    return [
        event_name(event_id),
        text_name(subject.print.text_hash),
        *address_names(subject),
        *anchor_names(subject.print.anchors),
    ]


def _short_hash(value: str) -> bytes:
    return blake2b(value.encode(), digest_size=8).digest()
