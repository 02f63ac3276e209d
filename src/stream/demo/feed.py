"""The sample feed: raw messages as scrapers send them, with what is expected of each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import orjson

#: What becomes of a takedown.
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message. ``expected``: for each item in it the relation, `WITHDRAWN`, or the code of the rejection."""

    value: bytes | None
    expected: Sequence[str]
    note: str


def samples() -> list[Sample]:
    """The feed in the order in which it is sent."""
    lines = files("stream.demo").joinpath("feed.jsonl").read_bytes().splitlines()
    return [_sample(orjson.loads(line)) for line in lines if line]


def _sample(entry: dict[str, Any]) -> Sample:
    expected = entry["expect"]
    return Sample(_value(entry), [expected] if isinstance(expected, str) else expected, entry["note"])


def _value(entry: dict[str, Any]) -> bytes | None:
    if "raw" in entry:
        return str(entry["raw"]).encode()
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    return None if entry.get("null") else orjson.dumps(entry["value"])
