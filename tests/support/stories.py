"""Invented stories and articles for tests of the duplicate decision."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from stream.core.dedup.fingerprint import NO_HASHES, fingerprint
from stream.core.dedup.rules import NO_TIMES, Candidates, IncomingArticle, IndexedArticle, Times, Verdict, decide
from stream.core.dedup.similarity import Similarity
from stream.core.index.postings import ANCHORS_SHARED_MIN

#: Six sentences a story, all invented, in scripts with and without spaces, from left and from right.
_STORIES: Final = Path(__file__).parents[1] / "cases" / "duplicates_stories.jsonl"
STORIES: Final[dict[str, dict[str, Any]]] = {
    found["name"]: found for found in map(orjson.loads, _STORIES.read_bytes().splitlines())
}
SCRIPTS: Final = tuple(STORIES)
REPRINTED: Final = tuple(name for name, found in STORIES.items() if "reprint" in found)


def subject(
    text: str, *, title: str | None = None, name: str = "later", display_hash: str = "later", times: Times = NO_TIMES
) -> IncomingArticle:
    found = fingerprint(text, title)
    return IncomingArticle(name, "default/xx", f"later.example/{name}", "later.example", display_hash, found, times)


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
    """An article as the index remembers it, without what it was found by."""
    found = dataclasses.replace(fingerprint(text, title), anchors=NO_HASHES, shingles=NO_HASHES)
    source, cluster_id = "earlier.example", f"{offset:032x}"
    return IndexedArticle(
        offset, f"earlier-{offset}", source, cluster_id, revision, cluster_depth, display_hash, found, times
    )


def decide_similar(
    later: str, before: str, *, title: str | None = None, title_before: str | None = None, cluster_depth: int = 0
) -> Verdict:
    """The verdict on ``later`` when all that is known is ``before``, from another address."""
    mine, other = subject(later, title=title), earlier(before, title=title_before, cluster_depth=cluster_depth)
    if mine.fingerprint.text_hash == other.fingerprint.text_hash:
        return decide(mine, Candidates(same_text=other))
    return decide(mine, Candidates(similar=[other]))


def story(script: str, *sentences: int) -> str:
    found: list[str] = STORIES[script]["sentences"]
    return "\n".join(found[place] for place in sentences or range(len(found)))


def shared_anchors(one: str, other: str) -> float:
    """Of the text with fewer anchors, the share of them that the other has too."""
    mine, theirs = (fingerprint(text, None).anchors for text in (one, other))
    return len(np.intersect1d(mine, theirs)) / min(len(mine), len(theirs))


def is_found(one: str, other: str) -> bool:
    """The index would look at one text when the other comes."""
    return shared_anchors(one, other) >= ANCHORS_SHARED_MIN


def figures(**changed: object) -> Similarity:
    """A likeness of which the figures are given: of 100 tokens just enough are shared."""
    found = object.__new__(Similarity)
    usual = {
        "is_spaced": True,
        "tokens": 100,
        "covered": 60,
        "number_changes": 0,
        "new_number_changes": 0,
        "numbers_known": None,
        "length_ratio": 1.0,
        "is_longer": False,
        "is_opening": False,
        "shares_opening": True,
        "has_other_names": False,
    }
    vars(found).update(usual | changed)
    return found
