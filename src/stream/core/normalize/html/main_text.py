"""The main text of a page: read straight from its article where that is plain, else by trafilatura."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from stream.core.normalize.html.dom import Tree, article_part
from stream.core.normalize.html.paragraphs import Lines, drop_furniture, lines

if TYPE_CHECKING:
    from lxml.html import HtmlElement
    from selectolax.lexbor import LexborNode

#: An article of this share in paragraphs is plain: what is left of it is its text, and an extractor would only
#: confirm it, at the price of the rest of the page's reading.
_PLAIN_SHARE: Final = 0.9
#: A shorter text may have been looked for in the wrong part.
_TEXT_CHARS_MIN: Final = 250
#: A page whose visible text is no longer than this may be a fragment, and is no longer looked for furniture in.
_FRAGMENT_CHARS: Final = 4_000
#: Below this share of a fragment's visible text the extractor has probably taken the wrong part.
_FRAGMENT_SHARE: Final = 0.25
#: Metadata that hold this many times the text that the page shows hold the article that it does not show.
_HIDDEN_TIMES: Final = 2
#: The extractor takes a twentieth of a millisecond for each of these.
_EXTRACTED_TAGS_MAX: Final = 10_000
_EXTRACTED_CHARS_MAX: Final = 1_000_000
#: A line is looked for this far behind the one before it; a short one, which may stand anywhere, right behind it.
_SKIPPED_CHARS_MAX: Final = 20_000
_SEARCHED_CHARS_MIN: Final = 20
_KEPT_SHARE_MIN: Final = 0.9
_TAG: Final = re.compile(r"<[^<>]*+>")


def main_text(tree: Tree, stated: str | None) -> str:
    """The article of ``tree``, a paragraph a line; ``stated`` is the text that its metadata give, if they do."""
    text = _article_text(tree)
    if stated and len(stated) > _TEXT_CHARS_MIN and len(stated) > _HIDDEN_TIMES * len(text):
        return stated
    return text


def _article_text(tree: Tree) -> str:
    fragment = lines(tree.body).text if len(tree.body.text()) <= _FRAGMENT_CHARS else None
    article = article_part(tree.body)
    drop_furniture(article)
    found = lines(article)
    text = found.article() if found.plain_share >= _PLAIN_SHARE else _chosen(article, found) or found.text
    if len(text) >= _TEXT_CHARS_MIN:
        return text
    if fragment is not None:
        return fragment if len(text) < _FRAGMENT_SHARE * len(fragment) else text
    shown = lines(tree.body)
    return max(text, _chosen(tree.body, shown), key=len) or shown.text


def _chosen(element: LexborNode, found: Lines) -> str:
    """The lines in ``found``, those of ``element``, that trafilatura chooses; its own where they are others.

    Its own join what line breaks and blocks part.
    """
    text = _extract(element)
    bare = "".join(text.split())
    kept, at = [], 0
    for line in found.lines:
        chars = "".join(line.split())
        reach = _SKIPPED_CHARS_MAX if len(chars) >= _SEARCHED_CHARS_MIN else 0
        begin = bare.find(chars, at, at + len(chars) + reach)
        if begin >= 0:
            kept.append(line)
            at = begin + len(chars)
    return "\n".join(kept) if sum(map(len, kept)) >= _KEPT_SHARE_MIN * len(text) else text


def text_without_tree(html: str) -> str:
    """The text between the tags of something that is no page, a line for each."""
    first, *scripts = html.split("<script")
    shown = "".join([first, *(script.partition("</script>")[2] for script in scripts)])
    return _without_blanks(_TAG.sub("\n", shown))


def _without_blanks(text: str) -> str:
    return "\n".join(line for raw in text.split("\n") if (line := raw.strip()))


def _extract(element: LexborNode) -> str:
    """The text that trafilatura finds in ``element``; empty where it finds none, or would look for too long."""
    html = element.inner_html or ""
    if len(html) > _EXTRACTED_CHARS_MAX or html.count("<") > _EXTRACTED_TAGS_MAX:
        return ""
    trafilatura, options = _trafilatura()
    try:
        found = trafilatura.bare_extraction(_lxml_tree(html), options=options)
    except Exception:  # noqa: BLE001 # whatever a page does to the extractor, its visible text is left
        return ""
    if found is None:
        return ""
    return _without_blanks(found.text or "")


def _lxml_tree(html: str) -> HtmlElement:
    import lxml.html  # noqa: PLC0415 # see _trafilatura

    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    page = f"<html><body><article>{html}</article></body></html>"
    return lxml.html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)


@cache
def _trafilatura() -> tuple[Any, Any]:
    # Imported for the first page that needs it: it takes longer than the rest of the program together.
    import trafilatura  # noqa: PLC0415 # see above
    from trafilatura.settings import Extractor  # noqa: PLC0415 # see above

    # It warns of every page without an article, which is told in a dead letter here.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    # Without its second opinions, which take twice the time for 0.001 of F1 in either direction.
    return trafilatura, Extractor(output_format="python", fast=True, comments=False, tables=False)
