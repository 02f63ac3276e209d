"""Edited dead letters: whether the normalize step would accept the new value, and the record that is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from stream.core.contracts import cloudevents
from stream.core.contracts.records import InputRecord, OutputRecord
from stream.core.pipeline.dead_letter import EDITED_HEADER, HEADER_PREFIX
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.timestamps import format_rfc3339
from stream.dead_letters.parsed_dead_letter import DeadLetter, requeued_record
from stream.settings import Settings

_LISTED_PROBLEMS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class EditCheck:
    """What the worker would make of an edited value: numbers of articles and takedowns, and the problems, if any."""

    articles: int
    takedowns: int
    problems: tuple[str, ...]


def edited_record(dead_letter: DeadLetter, value: bytes) -> OutputRecord:
    """The record that requeues ``dead_letter`` with another value: key, headers, partition and identity are kept.

    A header says that the value was edited, unless it is the same.

    Raises:
        ValueError: the dead letter does not say where it comes from.
    """
    record = requeued_record(replace(dead_letter, value=value))
    if value == dead_letter.value:
        return record
    return replace(record, headers=(*record.headers, (EDITED_HEADER, b"1")))


def check_edited_value(dead_letter: DeadLetter, value: bytes, settings: Settings, *, now_ms: int) -> EditCheck:
    """Validate an edited value as the normalize step does.

    Raises:
        ValueError: the dead letter does not say where it comes from.
    """
    out = edited_record(dead_letter, value)
    offset = dead_letter.origin.offset + 1 if dead_letter.origin else 0
    record = InputRecord(out.topic, out.partition or 0, offset, now_ms, out.key, value, out.headers)
    normalizer = Normalizer(settings.topics, limits=settings.limits, takedown_owners=settings.owners)
    outcomes = normalizer(record, now=format_rfc3339(now_ms), default_time_ms=now_ms)
    results = Counter("takedown" if _is_takedown(outcome) else outcome.result for outcome in outcomes)
    problems = [_describe_rejection(outcome.outputs[0]) for outcome in outcomes if outcome.result == "rejected"]
    if not problems:
        problems = list(_find_changes_of_accepted_items(dead_letter, value))
    return EditCheck(results["normalized"], results["takedown"], tuple(problems))


def _is_takedown(outcome: Outcome) -> bool:
    written_type = dict(outcome.outputs[0].headers).get("ce_type", b"")
    return outcome.result == "normalized" and written_type.endswith(cloudevents.TAKEDOWN.encode())


def _describe_rejection(output: OutputRecord) -> str:
    reasons = {name.removeprefix(HEADER_PREFIX): value.decode("utf-8", "replace") for name, value in output.headers}
    first, _, others = reasons.get("items", "").partition(",")
    position = f"item {first}: " if first else ""
    field = f" ({reasons['field']})" if "field" in reasons else ""
    more = f"; items {others} are rejected, too" if others else ""
    return f"{position}{reasons['code']}: {reasons['message']}{field}{more}"


def _find_changes_of_accepted_items(dead_letter: DeadLetter, value: bytes) -> Iterator[str]:
    """What would go wrong with the items of an array that were accepted: their ids contain their positions."""
    before = _read_items(dead_letter, dead_letter.value)
    if before is None or dead_letter.items is None:
        return
    after = _read_items(dead_letter, value)
    if after is None or len(after) != len(before):
        yield f"keep the {len(before)} items and their order: the items that were accepted are identified by it"
        return
    if not dead_letter.items.endswith("…"):
        rejected = set(dead_letter.items.split(","))
        changed = [i for i, item in enumerate(before) if str(i) not in rejected and item != after[i]]
        for i in changed[:_LISTED_PROBLEMS_MAX]:
            yield f"item {i} was accepted before, and would be rejected as event_id_reused; leave it as it was"


def _read_items(dead_letter: DeadLetter, value: bytes | None) -> list[Any] | None:
    """The items of an array; None if the value is something else."""
    try:
        parsed: Any = orjson.loads((value or b"").removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    record = InputRecord("", 0, 0, None, None, value, dead_letter.headers)
    if cloudevents.is_structured(record) and isinstance(parsed, dict):
        parsed = parsed.get("data")
    return parsed if isinstance(parsed, list) else None
