"""Why the second of two articles got its verdict: what the rules require, and what the two texts have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from stream.core.contracts import codec
from stream.core.contracts.events import Duplicate, EnrichedEvent
from stream.core.dedup import requirements
from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle, Times
from stream.core.dedup.fingerprint import compute_fingerprints
from stream.core.dedup.requirements import NO_SEPARATION, Requirement, Separation, first_failed_requirement
from stream.core.dedup.rules import decide
from stream.core.dedup.similarity import ComparedText, Similarity
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds
from stream.core.index.candidates import ANCHORS_SHARED_MIN
from stream.core.pipeline.decided_events import source_of
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import scope_of
from stream.core.timestamps import format_rfc3339, parse_rfc3339
from stream.errors import Rejected

#: Long enough to forget nothing: events without a fetch time all count as seen at one moment.
WINDOW_MS: Final = 366 * 24 * 3600 * 1000
#: Only in headers, which nobody reads here.
_NOW: Final = format_rfc3339(0)

#: The ``method`` of a verdict -> what it means.
METHODS: Final[dict[str, str]] = {
    "same-address": "both articles have the same id or URL",
    "same-text": "both texts are the same, apart from spelling variants, spacing and punctuation",
    "similar-text": "enough of the shorter text is in the longer one",
    "nothing-alike": "the texts share too few passages to be compared",
    "too-little-alike": "too little of the shorter text is in the longer one",
    "other-opening": "the texts share much, but neither opening is in the other text: boilerplate, or items of a list",
    "other-names": "the texts are similar, but each title names something that only its own text mentions",
    "other-numbers": "the texts are similar, but their numbers differ, as in two reports made from one template",
    "round-up": "the longer text contains the shorter one among many other items",
    "no-words": "the text has no word or number, so it is a copy of nothing",
    "notice": "the text has the form of a notice, such as a consent wall, so it is linked to nothing",
    "repeated-notice": "the same text at several URLs of one source under different titles: a notice, not an article",
    "other-title": "the texts are the same, but they are very short and their titles differ",
}


class RequirementCheck(NamedTuple):
    """One requirement for two texts at different URLs. ``reason``: the ``method`` of the verdict if it is not met."""

    reason: str
    required: str
    actual: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two articles compared by their texts.

    ``separation``: between the articles, as if the earlier one were the first of its cluster. ``scores``: as they are
    published for a linked pair. ``anchors``: how many both texts have; ``anchors_required``: how many they must share
    to be compared at all.
    """

    similarity: Similarity
    separation: Separation
    scores: Duplicate
    anchors: int
    anchors_required: int
    is_spaced: bool
    thresholds: Thresholds

    @property
    def reason(self) -> str | None:
        """The ``method`` of the verdict if the texts alone were not linked; None if they were."""
        if self.anchors < self.anchors_required:
            return "nothing-alike"
        return first_failed_requirement(self.similarity, self.separation, self.thresholds)

    @property
    def checks(self) -> list[RequirementCheck]:
        """What the rule for similar texts requires, in its order, and what the texts have."""
        shares_anchors = RequirementCheck(
            "nothing-alike",
            f"at least {self.anchors_required} in common of the passages that the index looks up",
            str(self.anchors),
            self.anchors >= self.anchors_required,
        )
        unit = "words" if self.is_spaced else "characters"
        return [shares_anchors, *check_requirements(self.similarity, self.separation, self.thresholds, unit=unit)]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two articles as they were published one after the other, and how they compare."""

    first: EnrichedEvent
    second: EnrichedEvent
    comparison: Comparison

    @property
    def is_linked(self) -> bool:
        """Whether the second article is linked to the first one."""
        return self.second.duplicate.relation != "new"

    @property
    def meaning(self) -> str:
        """The rule that decided, in words."""
        scopes = [scope_of(event) for event in (self.first, self.second)]
        if scopes[0] != scopes[1]:
            return f"articles in {scopes[0]} and {scopes[1]} are never compared: tenant and language must be the same"
        if self.first.notice and not self.second.notice:
            return f"A is a notice ({self.first.notice}), to which nothing is linked"
        meaning = METHODS.get(self.second.duplicate.method, self.second.duplicate.method)
        return f"{meaning} ({self.second.notice})" if self.second.notice else meaning


def explain(first: dict[str, Any], second: dict[str, Any]) -> Explanation:
    """Decide ``second``, a raw event, with only ``first`` before it, and compare both.

    Raises:
        Rejected: One of them is not a valid article; the message begins with A or B.
    """
    flow = OfflineFlow(window_ms=WINDOW_MS)
    published = []
    for name, result in zip("AB", publish(flow, (first, second)), strict=True):
        if isinstance(result, Rejected):
            raise Rejected(result.code, f"{name}: {result.message}", field=result.field)
        published.append(result)
    first_event, second_event = published
    return Explanation(first_event, second_event, compare(first_event, second_event))


def publish(flow: OfflineFlow, events: Iterable[dict[str, Any]]) -> Iterator[EnrichedEvent | Rejected]:
    """Yield what ``flow`` publishes for each raw event, or why it rejects the event."""
    for outcomes in flow.run(map(orjson.dumps, events), now=_NOW):
        (outcome,) = outcomes
        output = outcome.outputs[0]
        if outcome.code is None:
            yield codec.decode(output.value or b"", EnrichedEvent)
        else:
            yield Rejected(outcome.code, dict(output.headers)["__errors.message"].decode())


def compare(first: EnrichedEvent, second: EnrichedEvent, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Comparison:
    """Compare the texts of two published articles, regardless of their verdicts."""
    incoming_print, earlier_print = compute_fingerprints([(second.text, second.title), (first.text, first.title)])
    incoming = IncomingArticle(second.id, scope_of(second), None, source_of(second), "", incoming_print, _times(second))
    earlier = IndexedArticle(0, first.id, source_of(first), "", 1, 0, "", earlier_print, _times(first))
    anchors, earlier_anchors = set(incoming_print.anchors.tolist()), set(earlier_print.anchors.tolist())
    return Comparison(
        similarity=ComparedText(incoming_print).similarity_to(ComparedText(earlier_print)),
        separation=Separation(hours=incoming.times.hours_from(earlier.times)),
        scores=decide(incoming, Candidates(same_address=earlier), thresholds).duplicate,
        anchors=len(anchors & earlier_anchors),
        anchors_required=max(1, math.ceil(ANCHORS_SHARED_MIN * min(len(anchors), len(earlier_anchors)))),
        is_spaced=incoming_print.is_spaced,
        thresholds=thresholds,
    )


def check_requirements(
    similarity: Similarity,
    separation: Separation = NO_SEPARATION,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    unit: str = "words",
) -> Sequence[RequirementCheck]:
    """Check each of `stream.core.dedup.requirements.REQUIREMENTS`, in their order.

    ``unit``: what the tokens are called.
    """
    pair = _Pair(similarity, separation, thresholds, unit)
    return [
        RequirementCheck(reason, *_DESCRIPTIONS[is_met](pair), is_met=is_met(similarity, separation, thresholds))
        for reason, is_met in requirements.REQUIREMENTS
    ]


def _times(article: EnrichedEvent) -> Times:
    seen = parse_rfc3339(article.fetched_at or article.origin.timestamp or "")
    return Times(article.published_at, seen or 0)


class _Pair(NamedTuple):
    """Two texts whose requirements are described. ``unit``: what their tokens are called."""

    similarity: Similarity
    separation: Separation
    thresholds: Thresholds
    unit: str

    def required_overlap(self, penalty: float = 0.0) -> str:
        tokens = requirements.required_overlap(self.similarity, self.separation, self.thresholds, penalty=penalty)
        return f"at least {math.ceil(tokens)} of its {self.unit} in the longer one"

    @property
    def overlap(self) -> str:
        return f"{self.similarity.covered_tokens} ({self.similarity.containment:.0%})"


def _describe_tokens(pair: _Pair) -> tuple[str, str]:
    return f"at least {pair.thresholds.tokens_min} {pair.unit} in the shorter text", str(pair.similarity.tokens)


def _describe_overlap(pair: _Pair) -> tuple[str, str]:
    similarity, separation, thresholds, _ = pair
    share = requirements.required_share(similarity, separation, thresholds)
    rule = f"{share:.0%} plus {thresholds.overlap_base_tokens}, at most {thresholds.overlap_share_max:.0%}"
    far_apart = f"; more than {thresholds.far_apart_hours} hours apart" if separation.is_far_apart(thresholds) else ""
    return f"{pair.required_overlap()} ({rule}{far_apart})", pair.overlap


def _describe_opening(pair: _Pair) -> tuple[str, str]:
    penalty = requirements.opening_penalty(pair.similarity, pair.thresholds)
    required = f"the opening of one in the other, or {pair.required_overlap(penalty)}"
    return required, "yes" if pair.similarity.shares_opening else f"no, {pair.overlap}"


def _describe_names(pair: _Pair) -> tuple[str, str]:
    penalty = requirements.names_penalty(pair.similarity, pair.separation, pair.thresholds)
    required = f"titles without other names, or {pair.required_overlap(penalty)}"
    return required, f"no, {pair.overlap}" if pair.similarity.has_other_names else "yes"


def _describe_number_changes(pair: _Pair) -> tuple[str, str]:
    tokens_per_change = pair.thresholds.tokens_per_number_change
    allowed = pair.similarity.tokens // tokens_per_change
    required = f"at most {allowed} changed passages with numbers (one per {tokens_per_change} {pair.unit})"
    return required, str(requirements.count_number_changes(pair.similarity, pair.thresholds))


def _describe_shared_numbers(pair: _Pair) -> tuple[str, str]:
    share, thresholds = pair.similarity.shared_numbers_share, pair.thresholds
    required = (
        f"at least {thresholds.shared_numbers_min:.0%} of the numbers in both,"
        f" or {thresholds.nearly_all_share_min:.0%} of the {pair.unit}"
    )
    return required, "no numbers" if share is None else f"{share:.0%} of the numbers"


def _describe_marks(pair: _Pair) -> tuple[str, str]:
    required = "no number with another sign or currency, such as +2 and -2"
    return required, "a sign or currency differs" if pair.similarity.has_other_marks else "none"


def _describe_round_up(pair: _Pair) -> tuple[str, str]:
    similarity = pair.similarity
    times = 1 / pair.thresholds.expansion_ratio_min
    required = f"the same opening, if B is more than {times:.0f} times as long as A"
    if not similarity.is_longer:
        return required, "B is not longer"
    times = 1 / similarity.length_ratio if similarity.length_ratio else math.inf
    return required, f"{times:.1f} times as long, {'the same' if similarity.is_opening else 'another'} opening"


#: Each of `stream.core.dedup.requirements.REQUIREMENTS` -> what it requires and what the texts have, in words.
_DESCRIPTIONS: Final[dict[Requirement, Callable[[_Pair], tuple[str, str]]]] = {
    requirements.has_enough_tokens: _describe_tokens,
    requirements.has_enough_overlap: _describe_overlap,
    requirements.has_shared_opening: _describe_opening,
    requirements.has_same_names: _describe_names,
    requirements.has_few_number_changes: _describe_number_changes,
    requirements.has_shared_numbers: _describe_shared_numbers,
    requirements.has_same_marks: _describe_marks,
    requirements.is_not_round_up: _describe_round_up,
}
