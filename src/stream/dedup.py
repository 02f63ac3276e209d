"""The duplicate decision: one article against what the index knows, one verdict.

The rules stand in `RULES` in the order in which they are tried; the first that has an answer decides, and its
name is published as the ``method``. They see earlier articles only, so the same input gives the same output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from stream.events import DUPLICATE_RELATIONS, Duplicate, Relation
from stream.fingerprint import (
    SHINGLE_CHARACTERS,
    SHINGLE_WORDS,
    SKETCH_MAX,
    WINDOW_CHARACTERS,
    WINDOW_WORDS,
    Fingerprint,
    Sketch,
    thin,
)

#: Share of the shorter text that must stand in the longer one.
CONTAINMENT_MIN: Final = 0.70
#: Below this ratio of lengths one text is an excerpt of the other, above it an edited reprint.
LENGTH_RATIO_MIN: Final = 0.60
#: Sketches that share fewer hashes than this say nothing.
SHARED_MIN: Final = 5
#: A text whose numbers are mostly others is another report in the same template.
NUMBERS_MIN: Final = 0.80
NUMBERS_COUNT_MIN: Final = 3
#: A text with fewer tokens is told apart by its title too.
SHORT_TOKENS: Final = 12
TITLE_MIN: Final = 0.50

VERSION: Final = (
    f"2:w{SHINGLE_WORDS}/{WINDOW_WORDS},c{SHINGLE_CHARACTERS}/{WINDOW_CHARACTERS},s{SKETCH_MAX}"
    f",c{CONTAINMENT_MIN:g},l{LENGTH_RATIO_MIN:g},n{NUMBERS_MIN:g}"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The article to be decided: who it is, and its fingerprint."""

    id: str
    scope: str
    url_key: str | None
    source: str | None
    print: Fingerprint


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier article as the index remembers it."""

    offset: int
    id: str
    source: str | None
    cluster_id: str
    revision: int
    print: Fingerprint


@dataclass(frozen=True, slots=True)
class Candidates:
    """Earlier articles worth a look: the newest at the same address, the first with the same text, similar ones."""

    same_address: Earlier | None = None
    same_text: Earlier | None = None
    similar: Sequence[Earlier] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two texts compare. ``containment``: share of the shorter text found in the longer one."""

    jaccard: float
    containment: float
    length_ratio: float
    shared: int
    is_longer: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The published verdict, and the revision number that the article gets."""

    duplicate: Duplicate
    revision: int


def decide(subject: Subject, candidates: Candidates) -> Verdict:
    """The relation of ``subject`` to what came before."""
    for method, rule in RULES:
        found = rule(subject, candidates)
        if found is not None:
            relation, earlier = found
            return _verdict(subject, relation, earlier, method)
    method = "too-little-alike" if candidates.similar else "nothing-alike"
    return Verdict(_duplicate(subject, "new", method, cluster_id=new_cluster_id(subject)), revision=1)


def compare(subject: Subject, earlier: Earlier) -> Likeness:
    """Both measures of Broder 1997, over the sketches brought to the coarser of their two levels."""
    ours, theirs = subject.print, earlier.print
    level = max(ours.level, theirs.level)
    mine, other = thin(ours.sketch, level), thin(theirs.sketch, level)
    shared = shared_count(mine, other)
    smaller, union = min(len(mine), len(other)), len(mine) + len(other) - shared
    shorter, longer = sorted((ours.tokens, theirs.tokens))
    return Likeness(
        jaccard=shared / union if union else 0.0,
        containment=shared / smaller if smaller else 0.0,
        length_ratio=shorter / longer if longer else 1.0,
        shared=shared,
        is_longer=ours.tokens > theirs.tokens,
    )


def shared_count(mine: Sketch, other: Sketch) -> int:
    """How many hashes two sorted sets without repetitions have in common."""
    joined = np.concatenate((mine, other))
    joined.sort()
    return int(np.count_nonzero(joined[1:] == joined[:-1]))


def new_cluster_id(subject: Subject) -> str:
    """The id of a cluster that begins with ``subject``: 32 hexadecimal digits.

    The text counts too: when an article comes back rewritten after it was forgotten, it begins another cluster,
    and the one that its copies may still be in stays as it is.
    """
    parts = (subject.scope, subject.id, subject.print.text_hash)
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


Found = tuple[Relation, Earlier] | None


def _same_address(subject: Subject, candidates: Candidates) -> Found:
    earlier = candidates.same_address
    if earlier is None:
        return None
    return ("recrawl" if earlier.print.text_hash == subject.print.text_hash else "revision"), earlier


def _same_text(subject: Subject, candidates: Candidates) -> Found:
    earlier = candidates.same_text
    if earlier is None:
        return None
    if subject.print.tokens < SHORT_TOKENS and not _same_title(subject, earlier):
        return None
    return "copy", earlier


def _similar_text(subject: Subject, candidates: Candidates) -> Found:
    best: tuple[float, int, Found] | None = None
    for earlier in candidates.similar:
        likeness = compare(subject, earlier)
        if not (_is_alike(likeness) and _has_same_numbers(subject, earlier)):
            continue
        rank = (likeness.containment + likeness.jaccard, -earlier.offset)
        if best is None or rank > best[:2]:
            best = (*rank, (_kind(likeness), earlier))
    return best[2] if best else None


def _is_alike(likeness: Likeness) -> bool:
    return likeness.shared >= SHARED_MIN and likeness.containment >= CONTAINMENT_MIN


def _has_same_numbers(subject: Subject, earlier: Earlier) -> bool:
    overlap = _overlap(subject.print.numbers, earlier.print.numbers)
    return overlap is None or overlap >= NUMBERS_MIN


def _kind(likeness: Likeness) -> Relation:
    if likeness.length_ratio >= LENGTH_RATIO_MIN:
        return "near_copy"
    return "expansion" if likeness.is_longer else "excerpt"


#: The rules in order, each with the name that is published as ``method``.
RULES: Final[tuple[tuple[str, Callable[[Subject, Candidates], Found]], ...]] = (
    ("same-address", _same_address),
    ("same-text", _same_text),
    ("similar-text", _similar_text),
)


def _verdict(subject: Subject, relation: Relation, earlier: Earlier, method: str) -> Verdict:
    duplicate = _duplicate(subject, relation, method, cluster_id=earlier.cluster_id, earlier=earlier)
    revision = {"recrawl": earlier.revision, "revision": earlier.revision + 1}.get(relation, 1)
    return Verdict(duplicate, revision)


def _duplicate(
    subject: Subject,
    relation: Relation,
    method: str,
    *,
    cluster_id: str,
    earlier: Earlier | None = None,
) -> Duplicate:
    likeness = compare(subject, earlier) if earlier else None
    title = _resemblance(subject.print.title, earlier.print.title) if earlier else None
    return Duplicate(
        relation=relation,
        is_duplicate=relation in DUPLICATE_RELATIONS,
        duplicate_of=earlier.id if earlier else None,
        cluster_id=cluster_id,
        jaccard=round(likeness.jaccard, 4) if likeness else None,
        containment=round(likeness.containment, 4) if likeness else None,
        title_similarity=None if title is None else round(title, 4),
        same_source=subject.source == earlier.source if earlier and subject.source and earlier.source else None,
        method=method,
        version=VERSION,
    )


def _same_title(subject: Subject, earlier: Earlier) -> bool:
    title = _resemblance(subject.print.title, earlier.print.title)
    return title is None or title >= TITLE_MIN


def _resemblance(mine: Sketch, other: Sketch) -> float | None:
    if not (len(mine) and len(other)):
        return None
    shared = shared_count(mine, other)
    return shared / (len(mine) + len(other) - shared)


def _overlap(mine: Sketch, other: Sketch) -> float | None:
    """Share of the smaller set found in the other; None where one of them is too small to tell."""
    smaller = min(len(mine), len(other))
    if smaller < NUMBERS_COUNT_MIN:
        return None
    return shared_count(mine, other) / smaller
