"""Labelled pairs through the whole core, and how often the decisions agree with the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from stream.core.contracts.events import EnrichedEvent
from stream.core.pipeline.offline import OfflineFlow
from stream.errors import Rejected
from stream.evaluation.explanation import WINDOW_MS, publish
from stream.evaluation.labelled_pairs import Pair, RowError

#: Pairs that share one index, each in a scope of its own; the verdicts do not depend on this number.
_PAIRS_PER_INDEX: Final = 200
#: In a confusion, the column of links to an article of another pair.
CROSS: Final = "cross link"

#: From the worst on: news that is hidden, copies that are not found, the wrong kind of link.
Mistake = Literal["false link", "cross link", "missed", "other relation"]
MISTAKES: Final[tuple[Mistake, ...]] = ("false link", "cross link", "missed", "other relation")


@dataclass(frozen=True, slots=True)
class DecidedPair:
    """A pair and its verdicts. ``is_linked``: the second article to the first one, or to the first one's cluster.

    ``other``: the article of another pair that the second one is linked to. ``first_other``: the same for the first.
    """

    pair: Pair
    first: EnrichedEvent
    second: EnrichedEvent
    is_linked: bool
    other: EnrichedEvent | None = None
    first_other: EnrichedEvent | None = None

    @property
    def decision(self) -> str:
        """The decision in a word: a relation, or `CROSS`."""
        if self.other:
            return CROSS
        return self.second.duplicate.relation if self.is_linked else "new"

    @property
    def has_relation_label(self) -> bool:
        """Whether the second article is linked to the first one itself, and the label says by which relation."""
        is_direct = self.second.duplicate.duplicate_of == self.first.id
        return bool(self.is_linked and is_direct and self.pair.is_linked and self.pair.relations)

    @property
    def mistake(self) -> Mistake | None:
        """What is wrong with the decision; None if it is right."""
        if self.other:
            return "cross link"
        if self.pair.is_linked is None or self.pair.is_linked == self.is_linked:
            is_other = self.has_relation_label and self.decision not in self.pair.relations
            return "other relation" if is_other else None
        return "false link" if self.is_linked else "missed"


@dataclass
class Scores:
    """Counts over decided pairs; a link is the positive class.

    ``true_apart``: pairs rightly not linked. ``first_links``: links between first articles. ``confusion``: expected
    decision -> decision -> count. Precision is the share of right links among the links of labelled pairs and the cross
    links. Recall is the share of the pairs to be linked that were. F1 is their harmonic mean. Each is None if it would
    be zero divided by zero.

    >>> scores = Scores(pairs=10, true_links=6, false_links=2, missed=2)
    >>> scores.precision, scores.recall, scores.f1
    (0.75, 0.75, 0.75)
    """

    pairs: int = 0
    left_out: int = 0
    true_links: int = 0
    false_links: int = 0
    missed: int = 0
    true_apart: int = 0
    cross_links: int = 0
    first_links: int = 0
    relations_named: int = 0
    relations_right: int = 0
    confusion: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, decided: DecidedPair) -> None:
        """Count one pair."""
        self.pairs += 1
        self.cross_links += decided.other is not None
        self.first_links += decided.first_other is not None
        self.confusion.setdefault(decided.pair.expected, Counter())[decided.decision] += 1
        expected = decided.pair.is_linked
        if expected is None:
            self.left_out += 1
            return
        self.true_links += expected and decided.is_linked
        self.missed += expected and not decided.is_linked
        self.false_links += not expected and decided.is_linked
        self.true_apart += not expected and not decided.is_linked
        if decided.has_relation_label:
            self.relations_named += 1
            self.relations_right += decided.mistake is None

    def __add__(self, other: Scores) -> Scores:
        total = Scores(**{name: getattr(self, name) + getattr(other, name) for name in _COUNTS})
        for scores in (self, other):
            for expected, decisions in scores.confusion.items():
                total.confusion.setdefault(expected, Counter()).update(decisions)
        return total

    @property
    def labelled(self) -> int:
        """Number of pairs with a label."""
        return self.pairs - self.left_out

    @property
    def precision(self) -> float | None:
        """Share of the links that is right."""
        return _divide(self.true_links, self.true_links + self.false_links + self.cross_links)

    @property
    def recall(self) -> float | None:
        """Share of the pairs to be linked that was linked."""
        return _divide(self.true_links, self.true_links + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return _divide(2 * self.true_links, 2 * self.true_links + self.false_links + self.cross_links + self.missed)


_COUNTS: Final = tuple(name for name in Scores.__dataclass_fields__ if name != "confusion")


def decide_pairs(pairs: Iterable[Pair]) -> Iterator[DecidedPair]:
    """Decide each pair as two events, one after the other, under a tenant of its own, so that pairs never meet.

    The window hides no pair: dates are passed as ``published_at`` only, and all events are seen at one moment.

    Raises:
        RowError: The core rejects an article.
    """
    remaining = iter(pairs)
    while batch := list(islice(remaining, _PAIRS_PER_INDEX)):
        events = (
            {**event, "tenant": f"pair-{i}"} for i, pair in enumerate(batch) for event in (pair.first, pair.second)
        )
        results = publish(OfflineFlow(window_ms=WINDOW_MS), events)
        for pair, first_result, second_result in zip(batch, results, results, strict=True):
            first, second = _raise_if_rejected(pair, first_result), _raise_if_rejected(pair, second_result)
            yield DecidedPair(pair, first, second, is_linked=second.duplicate.relation != "new")


def decide_in_one_index(pairs: Sequence[Pair]) -> Iterator[DecidedPair]:
    """Decide all pairs in one index: first the first articles of all pairs, then the second ones.

    A link counts for its pair if both articles are in one cluster, or linked to each other; a link to any other article
    is a cross link. An article in several rows is recognized again, which does not count as a link.

    Raises:
        RowError: The core rejects an article.
    """
    flow = OfflineFlow(window_ms=WINDOW_MS)
    results = publish(flow, [pair.first for pair in pairs] + [pair.second for pair in pairs])
    firsts = [_raise_if_rejected(pair, result) for pair, result in zip(pairs, islice(results, len(pairs)), strict=True)]
    articles = {article.id: article for article in reversed(firsts)}
    first_others = [_linked_article(article, articles) for article in firsts]
    for pair, first, first_other, result in zip(pairs, firsts, first_others, results, strict=True):
        second = _raise_if_rejected(pair, result)
        # An item of a round-up is linked to it, and keeps a cluster of its own.
        is_linked = (
            second.duplicate.cluster_id == first.duplicate.cluster_id or second.duplicate.duplicate_of == first.id
        )
        other = None if is_linked else _linked_article(second, articles)
        articles.setdefault(second.id, second)
        yield DecidedPair(pair, first, second, is_linked, other, first_other)


def _linked_article(article: EnrichedEvent, articles: dict[str, EnrichedEvent]) -> EnrichedEvent | None:
    """The other article that this one is linked to."""
    earlier = article.duplicate.duplicate_of
    return articles[earlier] if earlier is not None and earlier != article.id else None


def _raise_if_rejected(pair: Pair, result: EnrichedEvent | Rejected) -> EnrichedEvent:
    if isinstance(result, Rejected):
        raise RowError(result.code, result.message, pair.location)
    return result


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None
