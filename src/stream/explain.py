"""Why the second of two articles got its verdict: what the rules required, and what they found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from stream import wire
from stream.clock import rfc3339
from stream.dedup import (
    EXPANSION_RATIO_MIN,
    LENGTH_RATIO_LOW,
    LENGTH_RATIO_MIN,
    NUMBERS_KNOWN_MIN,
    SHARE_MAX,
    SHARE_MIN,
    SHARE_MORE,
    SHARE_MORE_ITEM,
    SHARE_MORE_NAMES,
    SHARE_MORE_REPRINT,
    SHARE_SURE,
    TOKENS_A_NUMBER,
    TOKENS_MIN,
    TOKENS_MORE,
    Candidates,
    Earlier,
    Subject,
    decide,
    judge,
)
from stream.errors import Rejected
from stream.events import Duplicate, EnrichedEvent
from stream.fingerprint import fingerprints
from stream.index.session import ANCHORS_SHARED_MIN
from stream.likeness import Likeness, Text
from stream.offline import OfflineFlow
from stream.pipeline import scope_of

#: Nothing is forgotten: events without a time of fetching are all seen at one moment.
WINDOW_MS: Final = 366 * 24 * 3600 * 1000
#: Stands in headers only, which nobody reads here.
_NOW: Final = rfc3339(0)

#: The ``method`` of a verdict -> what it means.
METHODS: Final[dict[str, str]] = {
    "same-address": "both have the same id or address",
    "same-text": "both texts are the same once folded",
    "similar-text": "enough of the shorter text stands in the longer one",
    "nothing-alike": "the texts share too few passages to be compared",
    "too-little-alike": "too little of the shorter text stands in the longer one",
    "other-opening": "much is alike, but neither beginning stands in the other: boilerplate, or items of a list",
    "other-names": "the texts are alike, but each has a title that names what only its own text tells",
    "other-numbers": "the texts are alike, but their numbers are others, as in two reports made from one template",
    "round-up": "the longer text contains the shorter one among much else",
    "other-title": "the text is the same, but too short to tell, and the titles are others",
}


class Check(NamedTuple):
    """One thing that two texts at different addresses must have in common. ``reason``: the method where they do not."""

    reason: str
    required: str
    found: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two articles compared by their texts. ``scores``: as they are published for a pair that is linked.

    ``anchors``: how many both share; ``anchors_required``: from how many on they are compared at all.
    """

    likeness: Likeness
    scores: Duplicate
    anchors: int
    anchors_required: int
    is_spaced: bool

    @property
    def reason(self) -> str | None:
        """Why the texts are not one in versions; None if they are."""
        return "nothing-alike" if self.anchors < self.anchors_required else judge(self.likeness)

    @property
    def checks(self) -> list[Check]:
        """What the rule for similar texts requires, in its order, and what it found."""
        seen = Check(
            "nothing-alike",
            f"at least {self.anchors_required} of the passages that the index looks up",
            str(self.anchors),
            self.anchors >= self.anchors_required,
        )
        return [seen, *checks(self.likeness, unit="words" if self.is_spaced else "characters")]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two articles as they were published one after the other, and how they compare."""

    first: EnrichedEvent
    second: EnrichedEvent
    comparison: Comparison

    @property
    def is_linked(self) -> bool:
        """The second one is linked to the first one."""
        return self.second.duplicate.relation != "new"

    @property
    def meaning(self) -> str:
        """The rule that decided, in words."""
        scopes = [scope_of(event) for event in (self.first, self.second)]
        if scopes[0] != scopes[1]:
            return f"articles of {scopes[0]} and {scopes[1]} never meet: only one tenant and language is compared"
        return METHODS.get(self.second.duplicate.method, self.second.duplicate.method)


def explain(first: dict[str, Any], second: dict[str, Any]) -> Explanation:
    """The verdict on ``second``, a raw event, where ``first`` alone came before it; without ``fetched_at``, no window.

    Raises:
        Rejected: one of them is no article; the message begins with A or B.
    """
    flow = OfflineFlow(window_ms=WINDOW_MS)
    found = zip("AB", decided(flow, (first, second)), strict=True)
    one, two = (_accepted(name, event) for name, event in found)
    return Explanation(one, two, compare(one, two))


def decided(flow: OfflineFlow, events: Iterable[dict[str, Any]]) -> Iterator[EnrichedEvent | Rejected]:
    """What ``flow`` publishes of each raw event, or why it does not."""
    for outcomes in flow.run(map(orjson.dumps, events), now=_NOW):
        (outcome,) = outcomes
        sent = outcome.outputs[0]
        if outcome.code is None:
            yield wire.decode(sent.value or b"", EnrichedEvent)
        else:
            yield Rejected(outcome.code, dict(sent.headers)["__errors.message"].decode())


def compare(first: EnrichedEvent, second: EnrichedEvent) -> Comparison:
    """How the texts of two published articles compare, whatever was decided."""
    mine, other = fingerprints([(second.text, second.title), (first.text, first.title)])
    subject = Subject(second.id, scope_of(second), None, _source(second), "", mine)
    earlier = Earlier(0, first.id, _source(first), "", 1, 0, "", other)
    anchors = [set(found.anchors.tolist()) for found in (mine, other)]
    return Comparison(
        likeness=Text(mine).likeness(Text(other)),
        scores=decide(subject, Candidates(same_address=earlier)).duplicate,
        anchors=len(anchors[0] & anchors[1]),
        anchors_required=max(1, int(np.ceil(ANCHORS_SHARED_MIN * min(map(len, anchors))))),
        is_spaced=mine.is_spaced,
    )


def checks(likeness: Likeness, *, unit: str = "words") -> Sequence[Check]:
    """What `stream.dedup.judge` requires of two texts, in its order, the earlier one the first of its cluster."""
    tokens = likeness.tokens
    share = SHARE_MIN + SHARE_MORE * (likeness.length_ratio < LENGTH_RATIO_LOW)
    apart = SHARE_MORE_ITEM if likeness.length_ratio < LENGTH_RATIO_MIN else SHARE_MORE_REPRINT
    allowed, known = tokens // TOKENS_A_NUMBER, likeness.numbers_known
    is_known = known is None or known >= NUMBERS_KNOWN_MIN or likeness.containment >= SHARE_SURE
    return (
        Check(
            "too-little-alike", f"at least {TOKENS_MIN} {unit} in the shorter text", str(tokens), tokens >= TOKENS_MIN
        ),
        _covered("too-little-alike", likeness, share, unit),
        _covered(
            "other-opening", likeness, share + apart, unit, unless=(likeness.shares_opening, "the beginning is in both")
        ),
        _covered(
            "other-names",
            likeness,
            share + SHARE_MORE_NAMES,
            unit,
            unless=(not likeness.has_other_names, "titles name the same"),
        ),
        Check(
            "other-numbers",
            f"at most {allowed} of its passages with other numbers (one in {TOKENS_A_NUMBER} {unit})",
            str(likeness.number_changes),
            likeness.number_changes <= allowed,
        ),
        Check(
            "other-numbers",
            f"at least {NUMBERS_KNOWN_MIN:.0%} of the numbers in both, or {SHARE_SURE:.0%} of its {unit}",
            "no numbers" if known is None else f"{known:.0%} of the numbers",
            is_known,
        ),
        Check(
            "round-up",
            f"a later text more than {1 / EXPANSION_RATIO_MIN:.0f} times as long begins like the earlier one",
            _lengths(likeness),
            not likeness.is_longer or likeness.length_ratio >= EXPANSION_RATIO_MIN or likeness.is_opening,
        ),
    )


def _covered(
    reason: str, likeness: Likeness, share: float, unit: str, *, unless: tuple[bool, str] | None = None
) -> Check:
    """That so many tokens of the shorter text stand in the longer one; ``unless`` something, in words, is true."""
    tokens, covered = likeness.tokens, likeness.covered
    required = min(share * tokens + TOKENS_MORE, SHARE_MAX * tokens)
    found = f"{covered} ({likeness.containment:.0%})"
    told = f"at least {np.ceil(required):.0f} of its {unit} in the longer one"
    if unless is None:
        told += f" ({share:.0%} and {TOKENS_MORE} more, or {SHARE_MAX:.0%})"
        return Check(reason, told, found, covered >= required)
    holds, words = unless
    return Check(reason, f"{words}, or {told}", "yes" if holds else f"no, {found}", holds or covered >= required)


def _accepted(name: str, found: EnrichedEvent | Rejected) -> EnrichedEvent:
    if isinstance(found, Rejected):
        raise Rejected(found.code, f"{name}: {found.message}", field=found.field)
    return found


def _lengths(likeness: Likeness) -> str:
    if not likeness.is_longer:
        return "it is not longer"
    times = 1 / likeness.length_ratio if likeness.length_ratio else float("inf")
    return f"{times:.1f} times as long, {'the same' if likeness.is_opening else 'another'} beginning"


def _source(event: EnrichedEvent) -> str | None:
    return event.source.domain or event.source.name
