"""The authors that a page names beside its article, where its metadata do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from stream.core.normalize.html.attributes import COMMENTS, has_class_or_id
from stream.core.normalize.html.titles_and_authors import AUTHORS_MAX, parse_authors

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

#: Longer texts are no list of names.
_TEXT_CHARS_MAX: Final = 200
_ELEMENTS_MAX: Final = 200
_NAME_WORDS_MAX: Final = 5
_MARKED: Final = "[itemprop~=author],[rel~=author]"
_MARKED_NAME: Final = "[itemprop~=name]"
#: Links to the page of an author.
_AUTHOR_LINK: Final = re.compile(
    r"/(?:authors?|by|people|person|profiles?|staff|writers?|contributors?|columnists?|journalists?|reporters?|auteurs?|"
    r"autor(?:es|en)?|redakteure?|kirjoittajat?|katib|yazar(?:lar)?)(?:[/_-]|\.\w+\?|$)",
    re.IGNORECASE,
)
#: The usual words in the class or id of a byline.
_BYLINE: Final = re.compile(
    r"(?:^|[\s_-])(?:by-?lines?|authors?|author-?(?:names?|links?)|writers?|reporters?|journalists?|contributors?|credit-?name|"
    r"auteurs?|autor(?:es)?|autore|yazar|posted-?by|writtenby)(?=$|[\s_-])",
    re.IGNORECASE,
)
#: What stands beside a name in a byline, and is none.
_NOT_A_NAME: Final = re.compile(
    r"\d|@|\b(?:staff writers?|senior|editors?|editorial|reporters?|correspondents?|columnists?|contributors?|"
    r"writers?|journalists?|"
    r"follow|twitter|facebook|email|e-mail|updated|published|posted|read|more|share|min|comments?|subscribe|view|bio|"
    r"all (?:posts|articles|authors)|about|archive|redaktion|rédaction|redazione|redacción)\b",
    re.IGNORECASE,
)
_PARTS: Final = re.compile(r"\s*(?:\||•|·|–|—| - |\n|\s{3,}|/)\s*")


def find_authors(body: LexborNode, site: str | None) -> list[str]:
    """Return the authors in the byline of a page: marked ones, links to their pages, or a block of that class."""
    for texts in (_marked(body), _linked(body), _blocks(body)):
        authors = [name for name in parse_authors(texts) if _is_name(name, site)]
        if authors:
            return authors
    return []


def _marked(body: LexborNode) -> Iterator[str]:
    # The elements may be nested, and reading each one takes time in proportion to its content.
    for element in islice(body.css(_MARKED), AUTHORS_MAX):
        name = element.css_first(_MARKED_NAME)
        yield from _read(name if name is not None else element)


def _linked(body: LexborNode) -> Iterator[str]:
    """The names in the first links to pages of authors, and in those right beside them."""
    parent_id = None
    for link in body.css("a[href]"):
        href = link.attributes.get("href") or ""
        if not _AUTHOR_LINK.search(href) or link.parent is None:
            continue
        texts = list(_read(link))
        if parent_id is None and any(_is_name(text, None) for text in texts):
            parent_id = link.parent.mem_id
        if parent_id == link.parent.mem_id:
            yield from texts


def _blocks(body: LexborNode) -> Iterator[str]:
    """The texts of the first block whose class says that it is a byline."""
    elements = {element.mem_id: element for element in body.css("[class],[id]")}
    bylines = (element for element in elements.values() if has_class_or_id(element.attributes, _BYLINE))
    for element in islice(bylines, _ELEMENTS_MAX):
        if has_class_or_id(element.attributes, COMMENTS):
            continue
        names = [part for text in _read(element) for part in _PARTS.split(text) if _is_name(part, None)]
        if names:
            yield from names
            return


def _read(element: LexborNode) -> Iterator[str]:
    text = element.text(separator="\n").strip()
    if text and len(text) <= _TEXT_CHARS_MAX:
        yield text


def _is_name(text: str, site: str | None) -> bool:
    name = " ".join(parse_authors([text])[:1])
    if not name or _NOT_A_NAME.search(name) or (site and name.casefold() == site.casefold()):
        return False
    words = name.split()
    return len(words) <= _NAME_WORDS_MAX and (len(words) > 1 or not name.isascii()) and name[:1].upper() == name[:1]
