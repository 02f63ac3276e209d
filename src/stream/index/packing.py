"""Fingerprints in changelog records, and changelog records in the store."""

from __future__ import annotations

from typing import Final, TypedDict

import msgspec
import numpy as np

from stream.dedup import Earlier
from stream.events import FingerprintEvent
from stream.fingerprint import Fingerprint


class PackedFingerprint(TypedDict):
    """The fields of a `FingerprintEvent` that hold a fingerprint."""

    text_hash: str
    tokens: int
    level: int
    sketch: bytes
    anchors: bytes
    numbers: bytes
    title: bytes


def pack_fingerprint(found: Fingerprint) -> PackedFingerprint:
    """The fields of a `FingerprintEvent` that hold ``found``."""
    return {
        "text_hash": found.text_hash,
        "tokens": found.tokens,
        "level": found.level,
        "sketch": found.sketch.astype("<u4").tobytes(),
        "anchors": found.anchors.astype("<u8").tobytes(),
        "numbers": found.numbers.astype("<u4").tobytes(),
        "title": found.title.astype("<u4").tobytes(),
    }


def unpack_fingerprint(event: FingerprintEvent) -> Fingerprint:
    """The fingerprint in a changelog record."""
    return Fingerprint(
        text_hash=event.text_hash,
        tokens=event.tokens,
        level=event.level,
        sketch=np.frombuffer(event.sketch, dtype="<u4"),
        anchors=np.frombuffer(event.anchors, dtype="<u8"),
        numbers=np.frombuffer(event.numbers, dtype="<u4"),
        title=np.frombuffer(event.title, dtype="<u4"),
    )


def earlier_of(event: FingerprintEvent) -> Earlier:
    """The view that the decision takes of a recorded article."""
    return Earlier(
        offset=event.offset,
        id=event.id,
        source=event.source,
        cluster_id=event.duplicate.cluster_id,
        revision=event.revision,
        print=unpack_fingerprint(event),
    )


def pack_document(event: FingerprintEvent) -> bytes:
    """A changelog record as the store keeps it."""
    return _ENCODER.encode(event)


def unpack_document(value: bytes) -> FingerprintEvent:
    """The changelog record in ``value``.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _DECODER.decode(value)


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(FingerprintEvent)
