"""The text of an element, one paragraph per line, and the removal of what is in an article without being its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborNode

from stream.core.normalize.html.dom import has_class_or_id, is_hidden, remove

_INLINE: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q rb rp rt ruby s"
    " samp small span strike strong sub sup time tt u var wbr".split()
)
#: Elements with running text.
_PARAGRAPHS: Final = frozenset("p li h2 h3 h4 h5 h6 blockquote dd dt pre".split())
#: Elements inside an article that are not its text: its title, tables, dates, forms.
_NOT_TEXT: Final = "h1,table,time,form,fieldset,figcaption,label"
#: The usual words in the class or id of boilerplate inside an article: captions, share bars, lists of related articles.
_BOILERPLATE: Final = re.compile(
    r"(?:^|[\s_-])(?:captions?|credits?|shar(?:e|ing)|social|related|newsletter|promos?|ads?|advert\w*|sponsored|"
    r"by-?line|authors?|tags?|taglist|comments?|recommend\w*|read-?(?:more|also|next)|see-?also|most-?popular|more-?on|"
    r"outbrain|taboola|sidebar|breadcrumbs?|widgets?|teasers?|copyright|disclaimer|metadata|toolbar|hidden|sr-only|"
    r"visually-?hidden|screen-?reader\w*|print-?only|paywall|subscri\w+|cookies?|consent|embed|carousel|slideshow|"
    r"gallery|player|video|audio)(?=$|[\s_-])",
    re.IGNORECASE,
)
#: Boilerplate is small: an element with a larger share of the text has its class for another reason.
_BOILERPLATE_SHARE_MAX: Final = 0.4
#: Articles have some hundred elements that may be boilerplate. Reading each one takes time in proportion to its
#: content, and they may be nested.
_CHECKED_MAX: Final = 1_000
_CHECKED_CHARS_MAX: Final = 20_000_000
#: A block with this share of its text in links announces other pages.
_LINK_SHARE: Final = 0.8
_INLINE_DEPTH_MAX: Final = 32
#: HTML white space, all but a single space. Other spaces, such as no-break spaces, belong to the text.
_SPACES: Final = re.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")
#: A shorter line outside any paragraph that does not end a sentence is a label: "Share", a date, a name.
_LABEL_CHARS_MAX: Final = 80
#: Below this share in paragraphs, a page separates its paragraphs in another way.
_PARAGRAPH_SHARE_MIN: Final = 0.2
_SENTENCE_ENDS: Final = tuple('.!?…:;؟۔。！？।॥»”")」』')


@dataclass(frozen=True, slots=True)
class TextLines:
    """The visible text of an element: its ``lines``, and whether each is a paragraph, a heading or a list item."""

    lines: list[str]
    is_paragraph: list[bool]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def paragraph_share(self) -> float:
        """The share of the text, by length, in paragraphs, headings and lists (0 to 1).

        Where hardly any is, as on pages that separate paragraphs with line breaks, long sentences count instead.
        """
        share = self._share(self.is_paragraph)
        return share if share > _PARAGRAPH_SHARE_MIN else self._share([_is_long_sentence(line) for line in self.lines])

    def _share(self, selection: list[bool]) -> float:
        chars = sum(len(line) for line, is_selected in zip(self.lines, selection, strict=True) if is_selected)
        return chars / (sum(map(len, self.lines)) or 1)

    @property
    def article_text(self) -> str:
        """The lines without the labels before the first paragraph and after the last one."""
        indices = [i for i in range(len(self.lines)) if not self._is_label(i)]
        return "\n".join(self.lines[indices[0] : indices[-1] + 1]) if indices else ""

    def _is_label(self, i: int) -> bool:
        line = self.lines[i]
        return not self.is_paragraph[i] and len(line) < _LABEL_CHARS_MAX and not line.endswith(_SENTENCE_ENDS)


def _is_long_sentence(line: str) -> bool:
    return len(line) >= _LABEL_CHARS_MAX and line.endswith(_SENTENCE_ENDS)


def remove_boilerplate_elements(article: LexborNode) -> None:
    """Remove from ``article`` the elements that are not its text: captions, boxes, share bars, lists of links."""
    remove(article.css(_NOT_TEXT))
    chars_max = _BOILERPLATE_SHARE_MAX * len(article.text())
    elements = (
        element
        for element in article.css("[class],[id],[style],[hidden],[role]")
        if _is_boilerplate(element) and element.mem_id != article.mem_id
    )
    remove([element for element, text in _read_texts(elements) if len(text) <= chars_max])
    _remove_link_blocks(article)


def _read_texts(elements: Iterable[LexborNode]) -> Iterator[tuple[LexborNode, str]]:
    """Yield each element with its text, until the limits on the work are reached."""
    chars = 0
    for element in islice(elements, _CHECKED_MAX):
        if chars > _CHECKED_CHARS_MAX:
            break
        text = element.text()
        chars += len(text)
        yield element, text


def _is_boilerplate(element: LexborNode) -> bool:
    attributes = element.attributes
    return has_class_or_id(attributes, _BOILERPLATE) or is_hidden(attributes)


def _remove_link_blocks(article: LexborNode) -> None:
    link_chars: dict[int, int] = {}
    for link in article.css("a"):
        block = _enclosing_block(link)
        if block is not None and block.mem_id != article.mem_id:
            link_chars[block.mem_id] = link_chars.get(block.mem_id, 0) + len(link.text().strip())
    if not link_chars:
        return
    blocks = [node for node in article.traverse() if node.mem_id in link_chars]
    # From the innermost outwards: removing a block frees its descendants.
    for block, text in _read_texts(reversed(blocks)):
        if link_chars[block.mem_id] > _LINK_SHARE * len(text.strip()):
            block.decompose()


def extract_lines(element: LexborNode) -> TextLines:
    """Return the visible text of ``element``: a line for each block, split at line breaks. Takes linear time."""
    lines = TextLines([], [])
    pieces: list[str] = []
    block_id: int | None = None
    tag: str | None = None
    for node in element.traverse(include_text=True):
        if not node.is_text_node:
            name = node.tag
            if name == "img":
                pieces.append(" ")
            elif name not in _INLINE and node.is_element_node:
                block_id = None
            continue
        text = node.text_content
        block = _enclosing_block(node)
        if block is None or not text:
            continue
        if block.mem_id != block_id:
            _end_line(pieces, lines, tag)
            block_id, tag = block.mem_id, block.tag
        if tag == "pre":
            *ended, text = text.split("\n")
            for piece in ended:
                pieces.append(piece)
                _end_line(pieces, lines, tag)
        pieces.append(text)
    _end_line(pieces, lines, tag)
    return lines


def _end_line(pieces: list[str], lines: TextLines, tag: str | None) -> None:
    line = _SPACES.sub(" ", "".join(pieces)).strip(" ")
    if line:
        lines.lines.append(line)
        lines.is_paragraph.append(tag in _PARAGRAPHS)
    pieces.clear()


def _enclosing_block(node: LexborNode) -> LexborNode | None:
    ancestor = node.parent
    for _ in range(_INLINE_DEPTH_MAX):
        if ancestor is None or ancestor.tag not in _INLINE:
            break
        ancestor = ancestor.parent
    return ancestor
