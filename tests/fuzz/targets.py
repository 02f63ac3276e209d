"""What is fuzzed: bytes into the flow. Anything but an outcome or a documented rejection is a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from stream.core.contracts import codec
from stream.core.contracts.events import (
    ClusterEvent,
    EnrichedEvent,
    FingerprintEvent,
    NormalizedEvent,
    RemovalEvent,
    TakedownEvent,
)
from stream.core.contracts.records import Headers, OutputRecord
from stream.core.normalize.html import read_page
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.validation import validate
from stream.errors import REJECTION_CODES, Rejected
from tests.support.pipeline import LATER, NOW, TOPICS, Flow, raw

Target = Callable[[bytes], None]

_NORMALIZER: Final = Normalizer(TOPICS)
_EVENTS: Final[Mapping[str, tuple[type, ...]]] = {
    TOPICS.normalized: (NormalizedEvent, TakedownEvent),
    TOPICS.enriched: (EnrichedEvent,),
    TOPICS.duplicates: (EnrichedEvent,),
    TOPICS.clusters: (ClusterEvent,),
    TOPICS.fingerprints: (FingerprintEvent, RemovalEvent),
}
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_STRUCTURED: Final[Headers] = (("content-type", b"application/cloudevents+json"),)


class Finding(AssertionError):
    """The flow did what it must not do."""


def fuzz_raw(data: bytes) -> None:
    """A message of the raw topic, through both steps; the last byte tells whether it says to be a CloudEvent."""
    record = raw(data, headers=_STRUCTURED if data[-1:] == b" " else ())
    outcomes = _NORMALIZER(record, now=NOW)
    again = _NORMALIZER(record, now=LATER)
    if [_values(outcome) for outcome in outcomes] != [_values(outcome) for outcome in again]:
        raise Finding("a second reading gives another value")
    if not outcomes:
        raise Finding("a message without an outcome")
    passed: list[OutputRecord] = []
    for outcome in outcomes:
        _check(outcome)
        if outcome.result == "rejected":
            if [output.value for output in outcome.outputs] != [data]:
                raise Finding("the dead letter does not hold the message")
        else:
            passed += outcome.outputs
    for outcome in Flow().stored(passed):
        _check(outcome)


def fuzz_html(data: bytes) -> None:
    """A page: read alone, and as an event."""
    try:
        html = data.decode("utf-8", "surrogatepass" if data[-1:] == b"\n" else "replace")
    except UnicodeDecodeError:  # surrogates may pass, but other bytes are no UTF-8 either
        html = data.decode("utf-8", "replace")
    try:
        validate({"id": "a", "html": html})
        read_page(html)
    except Rejected as error:
        if error.code not in REJECTION_CODES:
            raise Finding(f"unknown code {error.code}") from error
    fuzz_raw(orjson.dumps({"id": "a", "html": html.encode("utf-8", "replace").decode()}))


def _values(outcome: Outcome) -> list[bytes | None]:
    return [output.value for output in outcome.outputs]


def _check(outcome: Outcome) -> None:
    if outcome.result == "rejected":
        if outcome.code not in REJECTION_CODES or [output.topic for output in outcome.outputs] != [TOPICS.rejected]:
            raise Finding(f"not a dead letter with a known code: {outcome.code}")
        return
    for output in outcome.outputs:
        if output.value is not None:
            _read(output)


def _read(output: OutputRecord) -> None:
    for kind in _EVENTS[output.topic]:
        try:
            event: object = codec.decode(output.value or b"", kind)
        except codec.UNREADABLE:
            continue
        if isinstance(event, NormalizedEvent) and _CONTROLS.search(f"{event.title}{event.text}"):
            raise Finding("control characters in what is published")
        return
    raise Finding(f"an output to {output.topic} is none of its events")


TARGETS: Final[Mapping[str, Target]] = {"raw": fuzz_raw, "html": fuzz_html}
