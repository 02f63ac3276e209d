"""The article inside an HTML page, found by trafilatura."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, Final

#: Elements that end a line of text.
_BLOCKS: Final = "p|div|br|li|h1|h2|h3|h4|h5|h6|tr|section|article|blockquote|figcaption|pre"
_NOT_TEXT: Final = "//script|//style|//noscript|//template|//head"
_BLANK: Final = re.compile(r"[ \t]*\n\s*")
#: Below this share of a page's visible text the extractor has probably taken the wrong part of a fragment.
_FRAGMENT_CHARS: Final = 4_000
_SHARE_MIN: Final = 0.25
_URL_CHARS_MAX: Final = 4_096
_CANONICAL: Final = "//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]/@href"
_PUBLISHED: Final = (
    "//meta[@property='article:published_time' or @itemprop='datePublished']/@content"
    "|//time[@itemprop='datePublished']/@datetime"
)
# Without a fixed last day the extractor reads the clock; without its search it does not guess dates from the text.
_DATES: Final = {"original_date": True, "extensive_search": False, "max_date": "2200-01-01"}


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
    """The article in ``html``, a page or a part of one. Nothing is fetched, nothing is raised."""
    tree = _parse(html)
    if tree is None:
        return Page("")
    found = _extract(tree)
    url, published = _first(tree, _CANONICAL), _first(tree, _PUBLISHED)
    visible = _visible_text(tree)
    text = (found.text or "").strip() if found else ""
    if len(visible) <= _FRAGMENT_CHARS and len(text) < _SHARE_MIN * len(visible):
        text = visible
    return Page(
        text=text or visible,
        title=_known(found, "title"),
        url=url if url and len(url) <= _URL_CHARS_MAX else None,
        published_at=published or _known(found, "date"),
        authors=[author.strip() for author in (_known(found, "author") or "").split(";") if author.strip()],
        site=_known(found, "sitename"),
    )


def _parse(html: str) -> Any:
    import lxml.html  # noqa: PLC0415 # see _trafilatura
    from lxml.etree import ParserError  # noqa: PLC0415 # see _trafilatura

    # From bytes of a known encoding, since pages still declare the one they had before they became JSON.
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        return lxml.html.document_fromstring(html.replace("\0", "").encode("utf-8", "replace"), parser=parser)
    except (ParserError, ValueError):
        return None


def _extract(tree: Any) -> Any:
    try:
        return _trafilatura().bare_extraction(
            tree, include_comments=False, include_tables=False, with_metadata=True, date_extraction_params=_DATES
        )
    except Exception:  # noqa: BLE001 # whatever a page does to the extractor, its visible text is left
        return None


@cache
def _trafilatura() -> ModuleType:
    # Imported for the first page only: it takes longer than the rest of the program together.
    import trafilatura  # noqa: PLC0415 # see above

    for name in ("trafilatura", "htmldate"):
        # They warn of every page without an article, which is told in a dead letter here.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return trafilatura


def _known(found: Any, name: str) -> str | None:
    value = getattr(found, name, None) if found else None
    return value if isinstance(value, str) and value.strip() else None


def _first(tree: Any, path: str) -> str | None:
    return next((str(value).strip() for value in tree.xpath(path) if value.strip()), None)


def _visible_text(tree: Any) -> str:
    for element in tree.xpath(_NOT_TEXT):
        element.drop_tree()
    for element in tree.xpath("//*[" + "or ".join(f"self::{name} " for name in _BLOCKS.split("|")) + "]"):
        element.tail = "\n" + (element.tail or "")
    return _BLANK.sub("\n", tree.text_content()).strip()
