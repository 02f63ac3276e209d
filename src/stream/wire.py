"""JSON on the wire: typed events to bytes and back."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import orjson

T = TypeVar("T")


def encode(event: msgspec.Struct) -> bytes:
    """An event as UTF-8 JSON."""
    return orjson.dumps(msgspec.to_builtins(event))


def decode(data: bytes, kind: type[T]) -> T:
    """The event in ``data``.

    Raises:
        msgspec.ValidationError: it has another shape.
        orjson.JSONDecodeError: it is not JSON.
    """
    return msgspec.convert(orjson.loads(data), kind)
