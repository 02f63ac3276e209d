"""Mutations of seeds, the same for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import orjson

from tests.fuzz.seeds import PIECES

#: Repeating a part doubles what comes of it; this keeps a run fast, `fuzz.hostile` tries what is long.
BYTES_MAX = 200_000


def mutated(chance: Random, seeds: Sequence[bytes]) -> bytes:
    """One of ``seeds``, changed in one to a dozen places."""
    data = chance.choice(seeds)
    if chance.random() < 0.4:
        data = _changed_field(chance, data)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 5, 12))):
        data = chance.choice(_CHANGES)(chance, data, seeds)
    return data[:BYTES_MAX]


def _cut(chance: Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + int(chance.expovariate(1 / 20)) + 1)


def _insert(chance: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at, _ = _cut(chance, data)
    return data[:at] + chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 40)) + data[at:]


def _replace(chance: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _cut(chance, data)
    return data[:start] + chance.choice(PIECES) + data[end:]


def _delete(chance: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _cut(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _cut(chance, data)
    return data[:end] + data[start:end] * chance.choice((1, 2, 30, 400)) + data[end:]


def _splice(chance: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    start, end = sorted(chance.randrange(len(other) + 1) for _ in range(2))
    at, _ = _cut(chance, data)
    return data[:at] + other[start:end] + data[at:]


def _flip(chance: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


_CHANGES = (_insert, _insert, _replace, _delete, _repeat, _splice, _flip)


def _changed_field(chance: Random, data: bytes) -> bytes:
    """``data`` with another value somewhere, still JSON; pages stay as they are."""
    try:
        value = orjson.loads(data)
    except ValueError:
        return data
    item = chance.choice(value) if isinstance(value, list) and value else value
    if isinstance(item, dict) and item:
        item[chance.choice(list(item))] = _value(chance, item, 0)
    return orjson.dumps(value)


def _value(chance: Random, item: dict[str, Any], depth: int) -> Any:
    kind = chance.randrange(8)
    if kind == 0:
        return chance.choice((None, True, 0, -1, 1e300, 2**63, -0.5, 253_402_300_800, ""))
    if kind == 1 and depth < 3:
        return [_value(chance, item, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 2 and depth < 3:
        return {chance.choice(list(item)): _value(chance, item, depth + 1)}
    if kind == 3:
        return item[chance.choice(list(item))]
    chunked = b"".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 30)))
    return chunked.decode("utf-8", "replace")
