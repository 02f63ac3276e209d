"""Fuzz targets: bytes go into the flow. Anything but an outcome or a documented rejection is a finding."""

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
    RecoveryEvent,
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
    TOPICS.fingerprints: (FingerprintEvent, RemovalEvent, RecoveryEvent),
}
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_STRUCTURED: Final[Headers] = (("content-type", b"application/cloudevents+json"),)


class Finding(AssertionError):
    """The flow violated an invariant."""


def fuzz_raw(data: bytes) -> None:
    """Put a message of the raw topic through both steps; a final space makes it a structured CloudEvent."""
    record = raw(data, headers=_STRUCTURED if data[-1:] == b" " else ())
    outcomes = _NORMALIZER(record, now=NOW)
    repeated = _NORMALIZER(record, now=LATER)
    if [_output_values(outcome) for outcome in outcomes] != [_output_values(outcome) for outcome in repeated]:
        raise Finding("normalizing the message again gives another value")
    if not outcomes:
        raise Finding("the message has no outcome")
    normalized: list[OutputRecord] = []
    for outcome in outcomes:
        _check_outcome(outcome)
        if outcome.result == "rejected":
            if [output.value for output in outcome.outputs] != [data]:
                raise Finding("the dead letter does not contain the message")
        else:
            normalized += outcome.outputs
    for outcome in Flow().run_normalized(normalized):
        _check_outcome(outcome)


def fuzz_html(data: bytes) -> None:
    """Read an HTML page by itself, and put it through the flow as an event."""
    try:
        html = data.decode("utf-8", "surrogatepass" if data[-1:] == b"\n" else "replace")
    except UnicodeDecodeError:  # surrogates are allowed, but other bytes may be invalid, too
        html = data.decode("utf-8", "replace")
    try:
        validate({"id": "a", "html": html})
        read_page(html)
    except Rejected as error:
        if error.code not in REJECTION_CODES:
            raise Finding(f"unknown rejection code {error.code}") from error
    fuzz_raw(orjson.dumps({"id": "a", "html": html.encode("utf-8", "replace").decode()}))


def _output_values(outcome: Outcome) -> list[bytes | None]:
    return [output.value for output in outcome.outputs]


def _check_outcome(outcome: Outcome) -> None:
    if outcome.result == "rejected":
        if outcome.code not in REJECTION_CODES or [output.topic for output in outcome.outputs] != [TOPICS.rejected]:
            raise Finding(f"the outcome is not one dead letter with a known code: {outcome.code}")
        return
    for output in outcome.outputs:
        if output.value is not None:
            _check_output(output)


def _check_output(output: OutputRecord) -> None:
    for kind in _EVENTS[output.topic]:
        try:
            event: object = codec.decode(output.value or b"", kind)
        except codec.UNREADABLE:
            continue
        if isinstance(event, NormalizedEvent) and _CONTROLS.search(f"{event.title}{event.text}"):
            raise Finding("the published text contains control characters")
        return
    raise Finding(f"the output to {output.topic} is not one of the events of that topic")


TARGETS: Final[Mapping[str, Target]] = {"raw": fuzz_raw, "html": fuzz_html}
