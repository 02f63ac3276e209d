"""The article inside an HTML page, found by trafilatura."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import lxml.html
import trafilatura
from lxml.etree import ParserError

#: Elements that end a line of text.
_BLOCKS: Final = "p|div|br|li|h1|h2|h3|h4|h5|h6|tr|section|article|blockquote|figcaption|pre"
_NOT_TEXT: Final = "//script|//style|//noscript|//template|//head|//comment()|//processing-instruction()"
_BLANK: Final = re.compile(r"[ \t]*\n\s*")
#: Below this share of a page's visible text the extractor has probably taken the wrong part of a fragment.
_FRAGMENT_CHARS: Final = 4_000
_SHARE_MIN: Final = 0.25


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of its article; ``text`` has one paragraph a line and may be empty."""

    text: str
    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    authors: list[str] = field(default_factory=list)
    site: str | None = None


def read_page(html: str) -> Page:
    """The article in ``html``, a page or a part of one. Nothing is fetched."""
    tree = _parse(html)
    if tree is None:
        return Page("")
    found = trafilatura.bare_extraction(html, include_comments=False, include_tables=False, favor_precision=False)
    visible = _visible_text(tree)
    text = (found.text or "") if found else ""
    if len(visible) <= _FRAGMENT_CHARS and len(text) < _SHARE_MIN * len(visible):
        text = visible
    return Page(
        text=text or visible,
        title=_known(found, "title"),
        url=_canonical_link(tree),
        published_at=_known(found, "date"),
        authors=[author.strip() for author in (_known(found, "author") or "").split(";") if author.strip()],
        site=_known(found, "sitename"),
    )


def _parse(html: str) -> Any:
    try:
        return lxml.html.document_fromstring(html.replace("\0", ""), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (ParserError, ValueError):
        return _parse_declared(html)


def _parse_declared(html: str) -> Any:
    """Again from bytes: lxml refuses text with an XML declaration that names an encoding."""
    try:
        return lxml.html.document_fromstring(html.encode("utf-8", "replace"))
    except (ParserError, ValueError):
        return None


def _known(found: Any, name: str) -> str | None:
    value = getattr(found, name, None) if found else None
    return value if isinstance(value, str) and value.strip() else None


def _canonical_link(tree: Any) -> str | None:
    links = tree.xpath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]/@href")
    return str(links[0]).strip() if links else None


def _visible_text(tree: Any) -> str:
    for element in tree.xpath(_NOT_TEXT):
        element.drop_tree()
    for element in tree.xpath("//*[" + "or ".join(f"self::{name} " for name in _BLOCKS.split("|")) + "]"):
        element.tail = "\n" + (element.tail or "")
    return _BLANK.sub("\n", tree.text_content()).strip()
