"""Mutations of seeds, reproducible for the same random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import orjson

from tests.fuzz.seeds import PIECES

#: Repetition grows inputs quickly; this limit keeps a run fast. `tests.fuzz.hostile_inputs` covers long inputs.
BYTES_MAX = 200_000


def mutate(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of ``seeds`` with up to a dozen changes."""
    data = random.choice(seeds)
    if random.random() < 0.4:
        data = _change_field(random, data)
    for _ in range(random.choice((0, 1, 1, 2, 3, 5, 12))):
        data = random.choice(_CHANGES)(random, data, seeds)
    return data[:BYTES_MAX]


def _random_slice(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + int(random.expovariate(1 / 20)) + 1)


def _insert(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, _ = _random_slice(random, data)
    return data[:start] + random.choice(PIECES) * random.choice((1, 1, 1, 2, 40)) + data[start:]


def _replace(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _random_slice(random, data)
    return data[:start] + random.choice(PIECES) + data[end:]


def _delete(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _random_slice(random, data)
    return data[:start] + data[end:]


def _repeat(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _random_slice(random, data)
    return data[:end] + data[start:end] * random.choice((1, 2, 30, 400)) + data[end:]


def _splice(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    donor = random.choice(seeds)
    start, end = sorted(random.randrange(len(donor) + 1) for _ in range(2))
    position, _ = _random_slice(random, data)
    return data[:position] + donor[start:end] + data[position:]


def _flip(random: Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    if not data:
        return data
    i = random.randrange(len(data))
    return data[:i] + bytes([data[i] ^ (1 << random.randrange(8))]) + data[i + 1 :]


_CHANGES = (_insert, _insert, _replace, _delete, _repeat, _splice, _flip)


def _change_field(random: Random, data: bytes) -> bytes:
    """Return ``data`` with the value of one field replaced; data that is not JSON stays as it is."""
    try:
        value = orjson.loads(data)
    except ValueError:
        return data
    item = random.choice(value) if isinstance(value, list) and value else value
    if isinstance(item, dict) and item:
        item[random.choice(list(item))] = _random_value(random, item, 0)
    return orjson.dumps(value)


def _random_value(random: Random, item: dict[str, Any], depth: int) -> Any:
    kind = random.randrange(8)
    if kind == 0:
        return random.choice((None, True, 0, -1, 1e300, 2**63, -0.5, 253_402_300_800, ""))
    if kind == 1 and depth < 3:
        return [_random_value(random, item, depth + 1) for _ in range(random.randrange(4))]
    if kind == 2 and depth < 3:
        return {random.choice(list(item)): _random_value(random, item, depth + 1)}
    if kind == 3:
        return item[random.choice(list(item))]
    text = b"".join(random.choice(PIECES) for _ in range(random.randrange(1, 30)))
    return text.decode("utf-8", "replace")
