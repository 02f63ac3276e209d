"""JSON on the wire: typed events to bytes and back."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

import msgspec
import orjson

T = TypeVar("T")

#: What `decode` raises: the bytes are not JSON, of another shape, or no UTF-8.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError)


def encode(event: msgspec.Struct) -> bytes:
    """An event as UTF-8 JSON."""
    return orjson.dumps(msgspec.to_builtins(event))


def decode(data: bytes, kind: type[T]) -> T:
    """The event in ``data``.

    Raises:
        msgspec.ValidationError: it has another shape.
        msgspec.DecodeError: it is not JSON.
        UnicodeDecodeError: a text in it is not UTF-8.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return cast("T", decoder.decode(data))


_decoders: Final[dict[type, msgspec.json.Decoder[Any]]] = {}
