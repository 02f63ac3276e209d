"""The sample feed: raw messages as scrapers send them, with what is expected of each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import orjson

#: What becomes of an article that a takedown removes.
WITHDRAWN_RESULT: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message of the feed.

    ``expected``: for each article in it the relation, `WITHDRAWN_RESULT`, or the rejection code. ``note``: what the
    message is for. ``explanation``: what viewers of the demo are shown about an article that is linked to nothing.
    """

    value: bytes | None
    expected: Sequence[str]
    note: str
    explanation: str | None = None


def samples() -> list[Sample]:
    """Read the feed, in the order in which it is sent."""
    lines = files("stream.demo").joinpath("feed.jsonl").read_bytes().splitlines()
    return [_sample(orjson.loads(line)) for line in lines if line]


def _sample(entry: dict[str, Any]) -> Sample:
    expected = entry["expect"]
    names = [expected] if isinstance(expected, str) else expected
    return Sample(_value(entry), names, entry["note"], entry.get("explain"))


def _value(entry: dict[str, Any]) -> bytes | None:
    if "raw" in entry:
        return str(entry["raw"]).encode()
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    return None if entry.get("null") else orjson.dumps(entry["value"])
