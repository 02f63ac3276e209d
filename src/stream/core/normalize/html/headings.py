"""The heading of a page's article."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stream.core.normalize.html.attributes import has_class_or_id

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_HEADINGS_MAX: Final = 20
_CHARS_MAX: Final = 400
#: A shorter heading is the name of a site or a section, unless a stated title is the same.
_WORDS_MIN: Final = 4
_CHARS_MIN_UNSPACED: Final = 8
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_TITLE: Final = re.compile(r"(?:^|[\s_-])(?:head-?lines?|titles?|heading|titre|titel)(?=$|[\s_-])", re.IGNORECASE)
#: The share of a stated title's words that its heading has.
_SHARED_MIN: Final = 0.5


def find_heading(body: LexborNode, stated: Sequence[str], site: str | None) -> str | None:
    """Return the heading of the article; None if no heading is surely that.

    The heading is preferred to what the metadata state: those are often shortened, or written for search engines. It
    has to resemble one of the ``stated`` titles, or to be the only heading `h1` of the page, and no name of a site.
    """
    headings = [(node, text) for node in body.css("h1")[:_HEADINGS_MAX] if _is_long_enough(text := _read(node))]
    headings = [(node, text) for node, text in headings if text != site]
    words = [_words(title) for title in stated if title]
    scored = [(max((_shared(_words(text), each) for each in words), default=0.0), text) for _, text in headings]
    if scored:
        share, text = max(scored, key=lambda one: one[0])
        if share >= _SHARED_MIN:
            return text
    if len(headings) == 1 and _is_headline(*headings[0]):
        return headings[0][1]
    if headings:
        return None
    lower = (text for node in body.css("h2")[:_HEADINGS_MAX] if _is_long_enough(text := _read(node)))
    return next((text for text in lower if any(_begins_with(title, text) for title in stated)), None)


def _begins_with(title: str, heading: str) -> bool:
    """Whether ``title`` is ``heading``, perhaps with the names of a section and a site behind it."""
    return title.strip().startswith(heading) and len(heading) >= len(title) / 2


def _read(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())[:_CHARS_MAX]


def _is_headline(node: LexborNode, text: str) -> bool:
    attributes = node.attributes
    is_marked = "headline" in (attributes.get("itemprop") or "") or has_class_or_id(attributes, _TITLE)
    return _is_long_enough(text) and (is_marked or _is_in_article(node))


def _is_in_article(node: LexborNode) -> bool:
    ancestor = node.parent
    while ancestor is not None:
        if ancestor.tag in ("article", "main"):
            return True
        ancestor = ancestor.parent
    return False


def _is_long_enough(text: str) -> bool:
    return len(text.split()) >= _WORDS_MIN or (bool(_UNSPACED.search(text)) and len(text) >= _CHARS_MIN_UNSPACED)


def _words(text: str) -> set[str]:
    """Its words; of scripts without spaces, its characters."""
    if _UNSPACED.search(text):
        return set(filter(str.isalnum, text))
    return {"".join(filter(str.isalnum, word)).casefold() for word in text.split()} - {""}


def _shared(words: set[str], other: set[str]) -> float:
    return len(words & other) / min(len(words), len(other)) if words and other else 0.0
