"""Labelled pairs through the whole core, and how often it decided as the labels say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, NamedTuple

from stream.core.contracts.events import EnrichedEvent
from stream.core.pipeline.offline import OfflineFlow
from stream.errors import Rejected
from stream.evaluation.explanation import WINDOW_MS, decided
from stream.evaluation.labelled_pairs import Pair, RowError

#: Pairs that share one index, each in a scope of its own: verdicts do not depend on how many there are.
_TOGETHER: Final = 200
#: In a confusion, the column of links to an article of another pair.
CROSS: Final = "cross link"

#: From the worst on: news that is hidden, copies that are not found, the wrong kind of link.
Mistake = Literal["false link", "cross link", "missed", "other relation"]
MISTAKES: Final[tuple[Mistake, ...]] = ("false link", "cross link", "missed", "other relation")


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair and what became of it. ``is_linked``: the second article to the first, or to the cluster that it is in.

    ``other``: the article of another pair that the second one was linked to; ``first_other``: the same of the first.
    """

    pair: Pair
    first: EnrichedEvent
    second: EnrichedEvent
    is_linked: bool
    other: EnrichedEvent | None = None
    first_other: EnrichedEvent | None = None

    @property
    def found(self) -> str:
        """The decision in a word."""
        if self.other:
            return CROSS
        return self.second.duplicate.relation if self.is_linked else "new"

    @property
    def names_relation(self) -> bool:
        """The second article is linked to the first one itself, and the label says how it has to be."""
        is_direct = self.second.duplicate.duplicate_of == self.first.id
        return bool(self.is_linked and is_direct and self.pair.is_linked and self.pair.relations)

    @property
    def mistake(self) -> Mistake | None:
        """What is wrong with the decision, if anything is."""
        if self.other:
            return "cross link"
        if self.pair.is_linked is None or self.pair.is_linked == self.is_linked:
            return "other relation" if self.names_relation and self.found not in self.pair.relations else None
        return "false link" if self.is_linked else "missed"


class _Row(NamedTuple):
    """One line of a confusion: what was expected, and how often each decision was found."""

    expected: str
    found: Counter[str]


@dataclass
class Scores:
    """Counts over judged pairs; linking is the positive class.

    Precision is the share of right links among those of labelled pairs and the cross links, recall the share of
    pairs to be linked that were. Both, and their harmonic mean F1, are None where they are nothing divided by nothing.
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

    def add(self, judged: Judged) -> None:
        """Count one pair."""
        self.pairs += 1
        self.cross_links += judged.other is not None
        self.first_links += judged.first_other is not None
        self.confusion.setdefault(judged.pair.expected, Counter())[judged.found] += 1
        expected = judged.pair.is_linked
        if expected is None:
            self.left_out += 1
            return
        self.true_links += expected and judged.is_linked
        self.missed += expected and not judged.is_linked
        self.false_links += not expected and judged.is_linked
        self.true_apart += not expected and not judged.is_linked
        if judged.names_relation:
            self.relations_named += 1
            self.relations_right += judged.mistake is None

    def __add__(self, other: Scores) -> Scores:
        both = Scores(**{name: getattr(self, name) + getattr(other, name) for name in _COUNTS})
        for scores in (self, other):
            for expected, found in scores.confusion.items():
                both.confusion.setdefault(expected, Counter()).update(found)
        return both

    @property
    def judged(self) -> int:
        """Pairs that have a label."""
        return self.pairs - self.left_out

    @property
    def precision(self) -> float | None:
        """Of the links, the share that is right."""
        return _share(self.true_links, self.true_links + self.false_links + self.cross_links)

    @property
    def recall(self) -> float | None:
        """Of the pairs to be linked, the share that was."""
        return _share(self.true_links, self.true_links + self.missed)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return _share(2 * self.true_links, 2 * self.true_links + self.false_links + self.cross_links + self.missed)


_COUNTS: Final = tuple(name for name in Scores.__dataclass_fields__ if name != "confusion")


def evaluate(pairs: Iterable[Pair]) -> Iterator[Judged]:
    """Each pair as two events one after the other, under a tenant of its own, so that pairs never meet.

    The window hides no pair: dates are passed as ``published_at`` only, and all events are seen at one moment.

    Raises:
        RowError: the core rejects an article.
    """
    remaining = iter(pairs)
    while some := list(islice(remaining, _TOGETHER)):
        flow = OfflineFlow(window_ms=WINDOW_MS)
        events = (
            {**event, "tenant": f"pair-{number}"}
            for number, pair in enumerate(some)
            for event in (pair.first, pair.second)
        )
        published = decided(flow, events)
        for pair, first, second in zip(some, published, published, strict=True):
            one, two = _accepted(pair, first), _accepted(pair, second)
            yield Judged(pair, one, two, is_linked=two.duplicate.relation != "new")


def evaluate_together(pairs: Sequence[Pair]) -> Iterator[Judged]:
    """All pairs in one index: the first articles of all, then the second ones.

    A link counts for its pair where both articles are in one cluster, or linked to each other; to any other article it
    is a cross link. An article that stands in several rows is known again, which is no link.

    Raises:
        RowError: the core rejects an article.
    """
    flow = OfflineFlow(window_ms=WINDOW_MS)
    published = decided(flow, [pair.first for pair in pairs] + [pair.second for pair in pairs])
    firsts = [_accepted(pair, found) for pair, found in zip(pairs, islice(published, len(pairs)), strict=True)]
    known = {article.id: article for article in reversed(firsts)}
    others = [_linked(article, known) for article in firsts]
    for pair, first, other, found in zip(pairs, firsts, others, published, strict=True):
        second = _accepted(pair, found)
        # An item of a round-up is linked to it, and keeps a cluster of its own.
        is_linked = (
            second.duplicate.cluster_id == first.duplicate.cluster_id or second.duplicate.duplicate_of == first.id
        )
        elsewhere = None if is_linked else _linked(second, known)
        known.setdefault(second.id, second)
        yield Judged(pair, first, second, is_linked, elsewhere, other)


def _linked(article: EnrichedEvent, known: dict[str, EnrichedEvent]) -> EnrichedEvent | None:
    """The other article that this one is linked to."""
    earlier = article.duplicate.duplicate_of
    return known[earlier] if earlier is not None and earlier != article.id else None


def _accepted(pair: Pair, found: EnrichedEvent | Rejected) -> EnrichedEvent:
    if isinstance(found, Rejected):
        raise RowError(found.code, found.message, pair.place)
    return found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
