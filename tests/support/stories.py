"""Invented stories and articles for tests of the duplicate decision."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from stream.core.dedup.articles import NO_TIMES, Candidates, IncomingArticle, IndexedArticle, Times
from stream.core.dedup.fingerprint import NO_HASHES, compute_fingerprint
from stream.core.dedup.rules import Verdict, decide
from stream.core.dedup.similarity import Similarity
from stream.core.index.candidates import ANCHORS_SHARED_MIN

#: Six sentences a story, all invented, in scripts with and without spaces, from left and from right.
_STORIES: Final = Path(__file__).parents[1] / "cases" / "duplicates_stories.jsonl"
STORIES: Final[dict[str, dict[str, Any]]] = {
    row["name"]: row for row in map(orjson.loads, _STORIES.read_bytes().splitlines())
}
SCRIPTS: Final = tuple(STORIES)
REPRINTED: Final = tuple(name for name, row in STORIES.items() if "reprint" in row)


def subject(
    text: str, *, title: str | None = None, name: str = "later", display_hash: str = "later", times: Times = NO_TIMES
) -> IncomingArticle:
    return IncomingArticle(
        name,
        "default/xx",
        f"later.example/{name}",
        "later.example",
        display_hash,
        compute_fingerprint(text, title),
        times,
    )


def earlier(
    text: str,
    *,
    title: str | None = None,
    offset: int = 0,
    revision: int = 1,
    cluster_depth: int = 0,
    display_hash: str = "earlier",
    times: Times = NO_TIMES,
) -> IndexedArticle:
    """An article as the index returns it: without anchors and shingles."""
    reduced = dataclasses.replace(compute_fingerprint(text, title), anchors=NO_HASHES, shingles=NO_HASHES)
    source, cluster_id = "earlier.example", f"{offset:032x}"
    return IndexedArticle(
        offset, f"earlier-{offset}", source, cluster_id, revision, cluster_depth, display_hash, reduced, times
    )


def decide_similar(
    later: str, before: str, *, title: str | None = None, title_before: str | None = None, cluster_depth: int = 0
) -> Verdict:
    """Decide ``later`` with only ``before``, from another URL, in the index."""
    incoming, existing = subject(later, title=title), earlier(before, title=title_before, cluster_depth=cluster_depth)
    if incoming.fingerprint.text_hash == existing.fingerprint.text_hash:
        return decide(incoming, Candidates(same_text=existing))
    return decide(incoming, Candidates(similar_articles=[existing]))


def story(script: str, *sentences: int) -> str:
    """The story in ``script``; only these ``sentences`` of it, if any are named."""
    all_sentences: list[str] = STORIES[script]["sentences"]
    return "\n".join(all_sentences[i] for i in sentences or range(len(all_sentences)))


def shared_anchors(text: str, other_text: str) -> float:
    """Of the text with fewer anchors, the share of them that the other has too."""
    anchors, other_anchors = compute_fingerprint(text, None).anchors, compute_fingerprint(other_text, None).anchors
    return len(np.intersect1d(anchors, other_anchors)) / min(len(anchors), len(other_anchors))


def is_candidate(text: str, other_text: str) -> bool:
    """Whether the index would return one text as a candidate for the other."""
    return shared_anchors(text, other_text) >= ANCHORS_SHARED_MIN


def figures(**changed: object) -> Similarity:
    """A similarity with these figures; by default, 100 tokens of which just enough are shared."""
    similarity = object.__new__(Similarity)
    usual = {
        "is_spaced": True,
        "tokens": 100,
        "covered_tokens": 60,
        "number_changes": 0,
        "new_number_changes": 0,
        "shared_numbers_share": None,
        "length_ratio": 1.0,
        "is_longer": False,
        "is_opening": False,
        "shares_opening": True,
        "has_other_names": False,
        "has_other_marks": False,
    }
    vars(similarity).update(usual | changed)
    return similarity
