"""Encode typed events as JSON and decode them."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

import msgspec
import orjson

T = TypeVar("T")

#: What `decode` raises if the bytes are not JSON, not UTF-8, nested too deeply, or do not have the event's shape.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(event: msgspec.Struct | tuple[Any, ...]) -> bytes:
    """Encode an event, or some fields of one, as JSON in UTF-8.

    >>> from stream.core.contracts.events import Fix
    >>> encode(Fix(step="quotes", count=2))
    b'{"step":"quotes","count":2}'
    """
    return orjson.dumps(msgspec.to_builtins(event))


def decode(data: bytes, event_type: type[T]) -> T:
    """Decode an event of ``event_type`` from JSON.

    Raises:
        msgspec.ValidationError: The JSON does not have the shape of the event.
        msgspec.DecodeError: The data are not JSON.
        UnicodeDecodeError: A string in the JSON is not UTF-8.
        RecursionError: The JSON is nested too deeply.
    """
    decoder = _decoders.get(event_type)
    if decoder is None:
        decoder = _decoders[event_type] = msgspec.json.Decoder(event_type)
    return cast("T", decoder.decode(data))


_decoders: Final[dict[type, msgspec.json.Decoder[Any]]] = {}
