"""The duplicate decision: one article against what the index knows, one verdict.

The rules stand in `RULES` in the order in which they are tried; the first that has an answer decides, and its
name is published as the ``method``. They see earlier articles only, so the same input gives the same output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from stream.core.contracts.events import DUPLICATE_RELATIONS, Change, Duplicate, Relation
from stream.core.dedup.fingerprint import FORMAT, NO_HASHES, Fingerprint, Sequence16, found_in
from stream.core.dedup.similarity import Likeness, Text, furniture
from stream.core.folding import Hashes
from stream.core.timestamps import HOUR_MS, parse_rfc3339

#: Of the shorter text, this share and so many tokens more must stand in the longer one.
SHARE_MIN: Final = 0.55
TOKENS_MORE: Final = 4
#: More where there is reason to doubt: characters are tokens, which often agree by chance; the earlier article is not
#: its cluster's first; or one text was published so many hours after the other. That is longer than a morning paper
#: needs to print what an agency told the day before: it is likely the next report.
SHARE_MORE_DOUBT: Final = 0.05
LATER_HOURS: Final = 30
#: More where one is much shorter, and by each link that the earlier one is away from its cluster's first article:
#: chains of small changes end before they come to another text.
LENGTH_RATIO_LOW: Final = 0.30
SHARE_MORE: Final = 0.10
#: More where neither beginning stands in the other text: boilerplate, and items of a round-up, where lengths differ.
SHARE_MORE_REPRINT: Final = 0.08
SHARE_MORE_ITEM: Final = 0.10
#: More, of so many tokens at most, where each title names what only its own text tells, and still more where one is
#: later: the next message in a template, which is short.
SHARE_MORE_NAMES: Final = 0.15
SHARE_MORE_LATER: Final = 0.05
TOKENS_NAMED: Final = 120
#: This share is always enough.
SHARE_MAX: Final = 0.95
#: Texts of fewer tokens are not compared: such a run stands in many texts.
TOKENS_MIN: Final = 8
#: Texts in one template differ in their numbers: one change in so many tokens is allowed, and half of the numbers
#: must be known unless nearly all of the text is. From so many tokens on, a number that was only moved is no change.
TOKENS_A_NUMBER: Final = 50
TOKENS_MOVED_MIN: Final = 100
NUMBERS_KNOWN_MIN: Final = 0.50
SHARE_SURE: Final = 0.90
#: Below this ratio of lengths one text is an excerpt of the other, above it an edited reprint.
LENGTH_RATIO_MIN: Final = 0.60
#: A text that is so much longer, and does not begin like the shorter one, is no expansion of it but a round-up.
EXPANSION_RATIO_MIN: Final = 0.20
#: The same text with fewer tokens is told apart by its title too.
SHORT_TOKENS: Final = 12
TITLE_MIN: Final = 0.50

_THRESHOLDS: Final = (
    SHARE_MIN, TOKENS_MORE, SHARE_MORE_DOUBT, LATER_HOURS, LENGTH_RATIO_LOW, SHARE_MORE, SHARE_MORE_REPRINT,
    SHARE_MORE_ITEM, SHARE_MORE_NAMES, SHARE_MORE_LATER, TOKENS_NAMED, SHARE_MAX, TOKENS_MIN, TOKENS_A_NUMBER,
    TOKENS_MOVED_MIN, NUMBERS_KNOWN_MIN, SHARE_SURE, LENGTH_RATIO_MIN, EXPANSION_RATIO_MIN, SHORT_TOKENS, TITLE_MIN,
)  # fmt: skip
#: Another format or another threshold is another version of the rules.
VERSION: Final = f"{FORMAT},{blake2b(repr(_THRESHOLDS).encode(), digest_size=4).hexdigest()}"


class Times(NamedTuple):
    """When an article was published, in RFC 3339 if it is known, and when it was seen, in milliseconds since 1970."""

    published: str | None = None
    seen: int = 0

    def hours_from(self, other: Times) -> float:
        """How far apart two articles were published; seen, where it is not known of both."""
        mine, theirs = (parse_rfc3339(times.published) if times.published else None for times in (self, other))
        apart = self.seen - other.seen if mine is None or theirs is None else mine - theirs
        return abs(apart) / HOUR_MS


NO_TIMES: Final = Times()


class Apart(NamedTuple):
    """What lies between two articles: links from the earlier one to its cluster's first article, and hours."""

    cluster_depth: int = 0
    hours: float = 0.0

    @property
    def is_later(self) -> bool:
        """One of them is no reprint of what the other had the day before."""
        return self.hours > LATER_HOURS


TOGETHER: Final = Apart()


@dataclass(frozen=True, slots=True)
class IncomingArticle:
    """The article to be decided: who it is, and its fingerprint. ``display_hash``: of all that readers are shown."""

    id: str
    scope: str
    url_key: str | None
    source: str | None
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES


@dataclass(frozen=True, slots=True)
class IndexedArticle:
    """An earlier article as the index remembers it. ``cluster_depth``: how far it is from its cluster's first article."""

    offset: int
    id: str
    source: str | None
    cluster_id: str
    revision: int
    cluster_depth: int
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES


@dataclass(frozen=True, slots=True)
class Candidates:
    """Earlier articles worth a look: the newest at the same address, the first with the same text, similar ones.

    ``common``: the anchors of the article in hand that many clusters share.
    """

    same_address: IndexedArticle | None = None
    same_text: IndexedArticle | None = None
    similar: Sequence[IndexedArticle] = ()
    common: Hashes = field(default_factory=lambda: NO_HASHES)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The published verdict, the revision number that the article gets, and its ``cluster_depth`` as in `IndexedArticle`."""

    duplicate: Duplicate
    revision: int
    cluster_depth: int
    earlier: IndexedArticle | None = None


def decide(subject: IncomingArticle, candidates: Candidates) -> Verdict:
    """The relation of ``subject`` to what came before."""
    reason = "nothing-alike"
    for method, rule in RULES:
        found = rule(subject, candidates)
        if isinstance(found, str):
            reason = found
        elif found is not None:
            return _verdict(subject, found, method)
    return _new(subject, reason)


def judge(likeness: Likeness, apart: Apart = TOGETHER) -> str | None:
    """Why two texts are not one in versions; None if they are."""
    return next((reason for reason, is_met in REQUIREMENTS if not is_met(likeness, apart)), None)


def tokens_required(likeness: Likeness, apart: Apart = TOGETHER, *, more: float = 0.0) -> float:
    """So many tokens of the shorter text must stand in the longer one, with this share ``more`` than usual."""
    share = share_required(likeness, apart) + more
    return min(share * likeness.tokens + TOKENS_MORE, SHARE_MAX * likeness.tokens)


def share_required(likeness: Likeness, apart: Apart = TOGETHER) -> float:
    """The usual share of the shorter text, beside `TOKENS_MORE` tokens and below `SHARE_MAX`."""
    is_doubtful = not likeness.is_spaced or apart.cluster_depth > 0 or apart.is_later
    far = apart.cluster_depth + (likeness.length_ratio < LENGTH_RATIO_LOW)
    return SHARE_MIN + SHARE_MORE_DOUBT * is_doubtful + SHARE_MORE * far


def share_more_apart(likeness: Likeness) -> float:
    """The share that is required beyond the usual where neither beginning stands in the other text."""
    return SHARE_MORE_ITEM if likeness.length_ratio < LENGTH_RATIO_MIN else SHARE_MORE_REPRINT


def share_more_names(likeness: Likeness, apart: Apart) -> float:
    """The share that is required beyond the usual where each title names what only its own text tells."""
    share = SHARE_MORE_NAMES + SHARE_MORE_LATER * apart.is_later
    return share * min(1.0, TOKENS_NAMED / max(1, likeness.tokens))


def numbers_changed(likeness: Likeness) -> int:
    """Passages of the shorter text with a number that the longer one has not: not there, in long texts nowhere."""
    return likeness.new_number_changes if likeness.tokens >= TOKENS_MOVED_MIN else likeness.number_changes


def has_enough_tokens(likeness: Likeness, _apart: Apart) -> bool:
    """The shorter text is long enough to be compared."""
    return likeness.tokens >= TOKENS_MIN


def is_covered(likeness: Likeness, apart: Apart) -> bool:
    """Enough of it stands in the longer one."""
    return likeness.covered >= tokens_required(likeness, apart)


def opens_alike(likeness: Likeness, apart: Apart) -> bool:
    """Even more does, or a beginning is in both."""
    more = share_more_apart(likeness)
    return likeness.covered >= tokens_required(likeness, apart, more=more) or likeness.shares_opening


def names_the_same(likeness: Likeness, apart: Apart) -> bool:
    """Even more does, or the titles do not name what only one of the texts tells."""
    more = share_more_names(likeness, apart)
    return likeness.covered >= tokens_required(likeness, apart, more=more) or not likeness.has_other_names


def keeps_numbers(likeness: Likeness, _apart: Apart) -> bool:
    """Few of its passages that the longer text has not hold a number."""
    return numbers_changed(likeness) <= likeness.tokens // TOKENS_A_NUMBER


def knows_numbers(likeness: Likeness, _apart: Apart) -> bool:
    """The other text has many of its numbers, or nearly all of its tokens."""
    known = likeness.numbers_known
    return known is None or known >= NUMBERS_KNOWN_MIN or likeness.containment >= SHARE_SURE


def is_no_round_up(likeness: Likeness, _apart: Apart) -> bool:
    """The later text does not contain the earlier one among much else."""
    return not likeness.is_longer or likeness.length_ratio >= EXPANSION_RATIO_MIN or likeness.is_opening


#: What two similar texts must have in common, in the order in which it is looked at: what is told cheaply, and tells
#: most, comes first. Each with the ``method`` of a verdict where it is missing.
REQUIREMENTS: Final[tuple[tuple[str, Callable[[Likeness, Apart], bool]], ...]] = (
    ("too-little-alike", has_enough_tokens),
    ("too-little-alike", is_covered),
    ("other-opening", opens_alike),
    ("other-names", names_the_same),
    ("other-numbers", keeps_numbers),
    ("other-numbers", knows_numbers),
    ("round-up", is_no_round_up),
)


@lru_cache(maxsize=4096)  # asked for three times while an article is decided
def new_cluster_id(scope: str, article_id: str, text_hash: str) -> str:
    """The id of a cluster that begins with this article: 32 hexadecimal digits.

    The text counts too: when an article comes back rewritten after it was forgotten, it begins another cluster,
    and the one that its copies may still be in stays as it is.
    """
    return blake2b(f"{scope}\n{article_id}\n{text_hash}".encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to an earlier article, and how both compare where that was needed to find it."""

    relation: Relation
    earlier: IndexedArticle
    likeness: Likeness | None = None


#: A link; a reason why there is none; or None, where the rule has nothing to say.
Found = Link | str | None


def _same_address(subject: IncomingArticle, candidates: Candidates) -> Found:
    earlier = candidates.same_address
    if earlier is None:
        return None
    return Link("recrawl" if earlier.display_hash == subject.display_hash else "revision", earlier)


def _same_text(subject: IncomingArticle, candidates: Candidates) -> Found:
    earlier = candidates.same_text
    if earlier is None:
        return None
    if subject.fingerprint.tokens < SHORT_TOKENS and not _same_title(subject, earlier):
        return "other-title"
    return Link("copy", earlier)


def _similar_text(subject: IncomingArticle, candidates: Candidates) -> Found:
    if not candidates.similar:
        return None
    text = Text(subject.fingerprint, furniture(subject.fingerprint, candidates.common))
    links: list[tuple[float, int, Link]] = []
    reasons = []
    for earlier in candidates.similar:
        likeness = text.likeness(Text(earlier.fingerprint))
        reason = judge(likeness, Apart(earlier.cluster_depth, subject.times.hours_from(earlier.times)))
        if reason is None:
            links.append((_rank(likeness), -earlier.offset, Link(_kind(likeness), earlier, likeness)))
        else:
            reasons.append(reason)
    return max(links, key=itemgetter(0, 1))[2] if links else max(reasons, key=_REASONS.index)


#: From the least to the most that two texts had in common.
_REASONS: Final = ("too-little-alike", "round-up", "other-opening", "other-names", "other-numbers")


def _rank(likeness: Likeness) -> float:
    """How near the earlier text is; a teaser stands in pages that announce its article too, but opens its own."""
    is_quoted = likeness.length_ratio < LENGTH_RATIO_MIN and not likeness.is_opening
    return likeness.containment - likeness.changed - is_quoted


def _kind(likeness: Likeness) -> Relation:
    if likeness.length_ratio >= LENGTH_RATIO_MIN:
        return "near_copy"
    return "expansion" if likeness.is_longer else "excerpt"


#: The rules in order, each with the name that is published as ``method``.
RULES: Final[tuple[tuple[str, Callable[[IncomingArticle, Candidates], Found]], ...]] = (
    ("same-address", _same_address),
    ("same-text", _same_text),
    ("similar-text", _similar_text),
)


def _verdict(subject: IncomingArticle, link: Link, method: str) -> Verdict:
    """The verdict that ``link`` gives. What is only an item of a round-up, or has one, keeps a cluster of its own."""
    relation, earlier = link.relation, link.earlier
    revision = {"recrawl": earlier.revision, "revision": earlier.revision + 1}.get(relation, 1)
    joins = link.likeness is None or link.likeness.length_ratio >= LENGTH_RATIO_MIN or link.likeness.is_opening
    own = new_cluster_id(subject.scope, subject.id, subject.fingerprint.text_hash)
    figures = _SAME if earlier.fingerprint.text_hash == subject.fingerprint.text_hash else _figures(subject, link)
    duplicate = Duplicate(
        relation=relation,
        is_duplicate=relation in DUPLICATE_RELATIONS,
        duplicate_of=earlier.id,
        cluster_id=earlier.cluster_id if joins else own,
        jaccard=figures.jaccard,
        containment=figures.containment,
        title_similarity=_title_similarity(subject, earlier),
        change=figures.change,
        same_source=subject.source == earlier.source if subject.source and earlier.source else None,
        method=method,
        version=VERSION,
    )
    return Verdict(duplicate, revision, _links(relation, earlier) if joins else 0, earlier)


def _links(relation: Relation, earlier: IndexedArticle) -> int:
    return earlier.cluster_depth if relation in ("recrawl", "copy") else earlier.cluster_depth + 1


class _Figures(NamedTuple):
    jaccard: float
    containment: float
    change: Change


_SAME: Final = _Figures(1.0, 1.0, Change(tokens=0.0, numbers=False))


def _figures(subject: IncomingArticle, link: Link) -> _Figures:
    likeness = link.likeness or Text(subject.fingerprint).likeness(Text(link.earlier.fingerprint))
    return _Figures(
        jaccard=round(likeness.jaccard, 4),
        containment=round(likeness.containment, 4),
        change=Change(tokens=round(likeness.changed, 4), numbers=likeness.has_other_numbers),
    )


def _new(subject: IncomingArticle, reason: str) -> Verdict:
    duplicate = Duplicate(
        relation="new",
        is_duplicate=False,
        cluster_id=new_cluster_id(subject.scope, subject.id, subject.fingerprint.text_hash),
        method=reason,
        version=VERSION,
    )
    return Verdict(duplicate, revision=1, cluster_depth=0)


def _title_similarity(subject: IncomingArticle, earlier: IndexedArticle) -> float | None:
    title = _resemblance(subject.fingerprint.title, earlier.fingerprint.title)
    return None if title is None else round(title, 4)


def _same_title(subject: IncomingArticle, earlier: IndexedArticle) -> bool:
    title = _resemblance(subject.fingerprint.title, earlier.fingerprint.title)
    return title is None or title >= TITLE_MIN


def _resemblance(mine: Sequence16, other: Sequence16) -> float | None:
    if not (len(mine) and len(other)):
        return None
    shared = int(np.count_nonzero(found_in(mine, other)))
    return shared / (len(mine) + len(other) - shared)
