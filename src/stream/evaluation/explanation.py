"""Why the second of two articles got its verdict: what the rules required, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from stream.core.contracts import codec
from stream.core.contracts.events import Duplicate, EnrichedEvent
from stream.core.dedup import rules
from stream.core.dedup.fingerprint import fingerprints
from stream.core.dedup.rules import TOGETHER, Apart, Candidates, IncomingArticle, IndexedArticle, Times, decide, judge
from stream.core.dedup.similarity import Likeness, Text
from stream.core.index.postings import ANCHORS_SHARED_MIN
from stream.core.pipeline.deduplicate import source_of
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import scope_of
from stream.core.timestamps import format_rfc3339, parse_rfc3339
from stream.errors import Rejected

#: Nothing is forgotten: events without a time of fetching are all seen at one moment.
WINDOW_MS: Final = 366 * 24 * 3600 * 1000
#: Stands in headers only, which nobody reads here.
_NOW: Final = format_rfc3339(0)

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
    ``apart``: what lies between them, the earlier one taken for the first of its cluster.
    """

    likeness: Likeness
    apart: Apart
    scores: Duplicate
    anchors: int
    anchors_required: int
    is_spaced: bool

    @property
    def reason(self) -> str | None:
        """Why the texts are not one in versions; None if they are."""
        return "nothing-alike" if self.anchors < self.anchors_required else judge(self.likeness, self.apart)

    @property
    def checks(self) -> list[Check]:
        """What the rule for similar texts requires, in its order, and what it found."""
        seen = Check(
            "nothing-alike",
            f"at least {self.anchors_required} of the passages that the index looks up",
            str(self.anchors),
            self.anchors >= self.anchors_required,
        )
        return [seen, *checks(self.likeness, self.apart, unit="words" if self.is_spaced else "characters")]


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
            yield codec.decode(sent.value or b"", EnrichedEvent)
        else:
            yield Rejected(outcome.code, dict(sent.headers)["__errors.message"].decode())


def compare(first: EnrichedEvent, second: EnrichedEvent) -> Comparison:
    """How the texts of two published articles compare, whatever was decided."""
    mine, other = fingerprints([(second.text, second.title), (first.text, first.title)])
    subject = IncomingArticle(second.id, scope_of(second), None, source_of(second), "", mine, _times(second))
    earlier = IndexedArticle(0, first.id, source_of(first), "", 1, 0, "", other, _times(first))
    anchors = [set(found.anchors.tolist()) for found in (mine, other)]
    return Comparison(
        likeness=Text(mine).likeness(Text(other)),
        apart=Apart(hours=subject.times.hours_from(earlier.times)),
        scores=decide(subject, Candidates(same_address=earlier)).duplicate,
        anchors=len(anchors[0] & anchors[1]),
        anchors_required=max(1, int(np.ceil(ANCHORS_SHARED_MIN * min(map(len, anchors))))),
        is_spaced=mine.is_spaced,
    )


def checks(likeness: Likeness, apart: Apart = TOGETHER, *, unit: str = "words") -> Sequence[Check]:
    """What `stream.core.dedup.rules.judge` requires of two texts, in its order."""
    return [
        Check(reason, *_DESCRIBED[is_met](likeness, apart, unit), is_met=is_met(likeness, apart))
        for reason, is_met in rules.REQUIREMENTS
    ]


def _times(article: EnrichedEvent) -> Times:
    seen = parse_rfc3339(article.fetched_at or article.origin.timestamp or "")
    return Times(article.published_at, seen or 0)


def _described_tokens(likeness: Likeness, _apart: Apart, unit: str) -> tuple[str, str]:
    return f"at least {rules.TOKENS_MIN} {unit} in the shorter text", str(likeness.tokens)


def _described_covered(likeness: Likeness, apart: Apart, unit: str) -> tuple[str, str]:
    usual = f"{rules.share_required(likeness, apart):.0%} and {rules.TOKENS_MORE} more, or {rules.SHARE_MAX:.0%}"
    later = f", more than {rules.LATER_HOURS} hours apart" if apart.is_later else ""
    return f"{_so_many(likeness, apart, unit)} ({usual}{later})", _covered(likeness)


def _described_opening(likeness: Likeness, apart: Apart, unit: str) -> tuple[str, str]:
    more = rules.share_more_apart(likeness)
    required = f"the beginning is in both, or {_so_many(likeness, apart, unit, more=more)}"
    return required, "yes" if likeness.shares_opening else f"no, {_covered(likeness)}"


def _described_names(likeness: Likeness, apart: Apart, unit: str) -> tuple[str, str]:
    more = rules.share_more_names(likeness, apart)
    required = f"titles name the same, or {_so_many(likeness, apart, unit, more=more)}"
    return required, f"no, {_covered(likeness)}" if likeness.has_other_names else "yes"


def _described_changes(likeness: Likeness, _apart: Apart, unit: str) -> tuple[str, str]:
    size = rules.TOKENS_A_NUMBER
    allowed = f"at most {likeness.tokens // size} of its passages with other numbers (one in {size} {unit})"
    return allowed, str(rules.numbers_changed(likeness))


def _described_numbers(likeness: Likeness, _apart: Apart, unit: str) -> tuple[str, str]:
    known = likeness.numbers_known
    required = f"at least {rules.NUMBERS_KNOWN_MIN:.0%} of the numbers in both, or {rules.SHARE_SURE:.0%} of its {unit}"
    return required, "no numbers" if known is None else f"{known:.0%} of the numbers"


def _described_lengths(likeness: Likeness, _apart: Apart, _unit: str) -> tuple[str, str]:
    times = 1 / rules.EXPANSION_RATIO_MIN
    required = f"a later text more than {times:.0f} times as long begins like the earlier one"
    if not likeness.is_longer:
        return required, "it is not longer"
    times = 1 / likeness.length_ratio if likeness.length_ratio else float("inf")
    return required, f"{times:.1f} times as long, {'the same' if likeness.is_opening else 'another'} beginning"


#: Each of `stream.core.dedup.rules.REQUIREMENTS` -> what it requires of two texts, and what it found, in words.
_DESCRIBED: Final[dict[Callable[[Likeness, Apart], bool], Callable[[Likeness, Apart, str], tuple[str, str]]]] = {
    rules.has_enough_tokens: _described_tokens,
    rules.is_covered: _described_covered,
    rules.opens_alike: _described_opening,
    rules.names_the_same: _described_names,
    rules.keeps_numbers: _described_changes,
    rules.knows_numbers: _described_numbers,
    rules.is_no_round_up: _described_lengths,
}


def _so_many(likeness: Likeness, apart: Apart, unit: str, *, more: float = 0.0) -> str:
    required = rules.tokens_required(likeness, apart, more=more)
    return f"at least {np.ceil(required):.0f} of its {unit} in the longer one"


def _covered(likeness: Likeness) -> str:
    return f"{likeness.covered} ({likeness.containment:.0%})"


def _accepted(name: str, found: EnrichedEvent | Rejected) -> EnrichedEvent:
    if isinstance(found, Rejected):
        raise Rejected(found.code, f"{name}: {found.message}", field=found.field)
    return found
