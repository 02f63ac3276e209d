"""The text of a part of a page, a paragraph a line; and the parts of an article that are not its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborNode

from stream.core.normalize.html.dom import is_hidden, is_named, remove

_INLINE: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q rb rp rt ruby s"
    " samp small span strike strong sub sup time tt u var wbr".split()
)
#: Elements whose text is running text.
_PARAGRAPHS: Final = frozenset("p li h2 h3 h4 h5 h6 blockquote dd dt pre".split())
#: Parts of an article that are not its text: the title above it, tables of figures, dates, forms.
_NOT_TEXT: Final = "h1,table,time,form,fieldset,figcaption,label"
#: The usual words in class and id of what stands inside the article's element and is not the article.
_FURNITURE: Final = re.compile(
    r"(?:^|[\s_-])(?:captions?|credits?|shar(?:e|ing)|social|related|newsletter|promos?|ads?|advert\w*|sponsored|"
    r"by-?line|authors?|tags?|taglist|comments?|recommend\w*|read-?(?:more|also|next)|see-?also|most-?popular|more-?on|"
    r"outbrain|taboola|sidebar|breadcrumbs?|widgets?|teasers?|copyright|disclaimer|metadata|toolbar|hidden|sr-only|"
    r"visually-?hidden|screen-?reader\w*|print-?only|paywall|subscri\w+|cookies?|consent|embed|carousel|slideshow|"
    r"gallery|player|video|audio)(?=$|[\s_-])",
    re.IGNORECASE,
)
#: Furniture is small: a part that holds more of the text than this has its name for another reason.
_FURNITURE_SHARE_MAX: Final = 0.4
#: Articles have some hundred parts that may be furniture; each takes time by its length, and they may be nested.
_CHECKED_MAX: Final = 1_000
_CHECKED_CHARS_MAX: Final = 20_000_000
#: A block that is links for this share of its text announces other pages.
_LINK_SHARE: Final = 0.8
_INLINE_DEPTH_MAX: Final = 32
# Spaces of HTML; others, such as no-break spaces, belong to the text.
_SPACES: Final = re.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")  # all but a single space


#: A line outside any paragraph that is shorter than this and no sentence is a label: "Share", a date, a name.
_LABEL_CHARS_MAX: Final = 80
_HARDLY_ANY: Final = 0.2
_SENTENCE_ENDS: Final = tuple('.!?…:;؟۔。！？।॥»”")」』')


@dataclass(frozen=True, slots=True)
class Lines:
    """The visible text of an element: its lines, and for each whether it is a paragraph, heading or item of a list."""

    lines: list[str]
    plain: list[bool]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def plain_share(self) -> float:
        """The share of the text, by length, that stands in paragraphs, headings and lists.

        Where hardly any does, as on pages that part their paragraphs by line breaks: that stands in long sentences.
        """
        share = self._share(self.plain)
        return share if share > _HARDLY_ANY else self._share([_is_told(line) for line in self.lines])

    def _share(self, chosen: list[bool]) -> float:
        chars = sum(len(line) for line, is_chosen in zip(self.lines, chosen, strict=True) if is_chosen)
        return chars / (sum(map(len, self.lines)) or 1)

    def article(self) -> str:
        """The lines without the labels before the first paragraph and behind the last."""
        kept = [number for number in range(len(self.lines)) if not self._is_label(number)]
        return "\n".join(self.lines[kept[0] : kept[-1] + 1]) if kept else ""

    def _is_label(self, number: int) -> bool:
        line = self.lines[number]
        return not self.plain[number] and len(line) < _LABEL_CHARS_MAX and not line.endswith(_SENTENCE_ENDS)


def _is_told(line: str) -> bool:
    return len(line) >= _LABEL_CHARS_MAX and line.endswith(_SENTENCE_ENDS)


def drop_furniture(article: LexborNode) -> None:
    """Remove from ``article`` what stands in it without being its text: captions, boxes, bars, lists of links."""
    remove(article.css(_NOT_TEXT))
    most = _FURNITURE_SHARE_MAX * len(article.text())
    furniture = (element for element in article.css("[class],[id],[style],[hidden],[role]") if _is_furniture(element))
    parts = (element for element in furniture if element.mem_id != article.mem_id)
    remove([element for element, text in _with_text(parts) if len(text) <= most])
    _drop_links(article)


def _with_text(elements: Iterable[LexborNode]) -> Iterator[tuple[LexborNode, str]]:
    """The first of ``elements``, each with its text, until that has become a lot."""
    chars = 0
    for element in islice(elements, _CHECKED_MAX):
        if chars > _CHECKED_CHARS_MAX:
            break
        text = element.text()
        chars += len(text)
        yield element, text


def _is_furniture(element: LexborNode) -> bool:
    given = element.attributes
    return is_named(given, _FURNITURE) or is_hidden(given)


def _drop_links(article: LexborNode) -> None:
    linked: dict[int, int] = {}
    for link in article.css("a"):
        block = _block_of(link)
        if block is not None and block.mem_id != article.mem_id:
            linked[block.mem_id] = linked.get(block.mem_id, 0) + len(link.text().strip())
    if not linked:
        return
    blocks = [node for node in article.traverse() if node.mem_id in linked]
    # From the innermost: removing a block frees what is inside it.
    for block, text in _with_text(reversed(blocks)):
        if linked[block.mem_id] > _LINK_SHARE * len(text.strip()):
            block.decompose()


def lines(element: LexborNode) -> Lines:
    """The visible text of ``element``: a line for each block and for what a line break parts. Linear in its size."""
    found = Lines([], [])
    run: list[str] = []
    within: int | None = None
    tag: str | None = None
    for node in element.traverse(include_text=True):
        if not node.is_text_node:
            name = node.tag
            if name == "img":
                run.append(" ")
            elif name not in _INLINE and node.is_element_node:
                within = None
            continue
        text = node.text_content
        block = _block_of(node)
        if block is None or not text:
            continue
        if block.mem_id != within:
            _end(run, found, tag)
            within, tag = block.mem_id, block.tag
        if tag == "pre" and "\n" in text:
            first, *whole, text = text.split("\n")
            run.append(first)
            _end(run, found, tag)
            for line in filter(None, whole):
                run.append(line)
                _end(run, found, tag)
        run.append(text)
    _end(run, found, tag)
    return found


def _end(run: list[str], found: Lines, tag: str | None) -> None:
    line = _SPACES.sub(" ", "".join(run)).strip(" ")
    if line:
        found.lines.append(line)
        found.plain.append(tag in _PARAGRAPHS)
    run.clear()


def _block_of(node: LexborNode) -> LexborNode | None:
    above = node.parent
    for _ in range(_INLINE_DEPTH_MAX):
        if above is None or above.tag not in _INLINE:
            break
        above = above.parent
    return above
