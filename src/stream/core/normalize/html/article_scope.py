"""Which of several articles on a page is the one that the page is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from selectolax.lexbor import LexborNode

#: Shorter runs of text are labels and links.
_RUN_CHARS_MIN: Final = 20
#: An element `article` with less running text, or a smaller share of the page's, announces an article.
_ARTICLE_CHARS_MIN: Final = 140
_SHARE_MIN: Final = 0.25
_ARTICLES_MAX: Final = 50
_WALK_MAX: Final = 40


def narrow_to_article(element: LexborNode, titles: Sequence[str]) -> LexborNode:
    """Return the element `article` in ``element`` that the page is about; ``element`` itself if none stands out.

    Removes what follows the article where another one begins, with a heading of its own, as on pages that load the next
    article when the reader gets to the end.

    Args:
        element: Nearly all of the page's running text.
        titles: Titles that the page states.
    """
    articles = [node for node in element.css("article")[:_ARTICLES_MAX] if _outermost(node, element)]
    chars = {node.mem_id: _running_chars(node) for node in articles}
    large = [node for node in articles if chars[node.mem_id] >= _ARTICLE_CHARS_MIN]
    chosen = element
    if large:
        total = _running_chars(element)
        titled = [node for node in large if _has_title(node, titles)]
        headed = titled or [node for node in large if node.css_first("h1") is not None]
        candidates = headed or (large if len(large) == 1 else [])
        if candidates and (titled or chars[candidates[0].mem_id] >= _SHARE_MIN * total):
            chosen = candidates[0]
    _remove_next_articles(chosen, titles)
    return chosen


def _outermost(node: LexborNode, element: LexborNode) -> bool:
    ancestor = node.parent
    while ancestor is not None and ancestor.mem_id != element.mem_id:
        if ancestor.tag == "article":
            return False
        ancestor = ancestor.parent
    return ancestor is not None


def _running_chars(element: LexborNode) -> int:
    """The characters of runs of text outside links."""
    chars = 0
    for node in element.traverse(include_text=True):
        if node.is_text_node:
            text = (node.text_content or "").strip()
            if len(text) >= _RUN_CHARS_MIN and (node.parent is None or node.parent.tag != "a"):
                chars += len(text)
    return chars


def _has_title(node: LexborNode, titles: Sequence[str]) -> bool:
    headings = {_fold(heading.text()) for heading in node.css("h1,h2")[:_ARTICLES_MAX]}
    return any(_fold(title) in headings for title in titles if title)


def _fold(title: str) -> str:
    return "".join(filter(str.isalnum, title)).casefold()


def _remove_next_articles(article: LexborNode, titles: Sequence[str]) -> None:
    """Remove the containers of headings `h1` after the first one, with the text that is under them."""
    headings = article.css("h1")
    if len(headings) <= 1:
        return
    first = headings[0]
    if titles and not _has_heading(first, titles) and any(_has_heading(heading, titles) for heading in headings):
        return
    ancestors = {node.mem_id for node in _ancestors(first)}
    containers = []
    for heading in headings[1:]:
        container = heading
        while container.parent is not None and container.parent.mem_id not in ancestors:
            container = container.parent
        is_container = container.mem_id != heading.mem_id and container.mem_id not in ancestors
        if is_container and container.css_first("p") is not None:
            containers.append(container)
    kept = _running_chars(article) - sum(_running_chars(container) for container in containers)
    if kept >= _ARTICLE_CHARS_MIN:
        for container in reversed({container.mem_id: container for container in containers}.values()):
            container.decompose()


def _has_heading(heading: LexborNode, titles: Sequence[str]) -> bool:
    return _fold(heading.text()) in {_fold(title) for title in titles}


def _ancestors(node: LexborNode) -> list[LexborNode]:
    ancestors: list[LexborNode] = []
    ancestor = node.parent
    while ancestor is not None and len(ancestors) < _WALK_MAX:
        ancestors.append(ancestor)
        ancestor = ancestor.parent
    return ancestors
