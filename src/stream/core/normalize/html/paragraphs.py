"""The text of an element, one paragraph per line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from stream.core.normalize.html.tables import is_data_table

INLINE: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q rb rp rt ruby s"
    " samp small span strike strong sub sup time tt u var wbr".split()
)
#: Elements with running text.
_PARAGRAPHS: Final = frozenset("p li h2 h3 h4 h5 h6 blockquote dd dt pre".split())
#: Cells of a row are one line, separated by tabs. Pages have no such character: it is not allowed in HTML.
_CELLS: Final = frozenset({"td", "th"})
_CELL_END: Final = "\x1f"
_INLINE_DEPTH_MAX: Final = 32
#: HTML white space, all but a single space. Other spaces, such as no-break spaces, belong to the text.
_SPACES: Final = re.compile(r"[ \t\n\r\f]{2,}|[\t\n\r\f]")
#: A shorter line outside any paragraph that does not end a sentence is a label: "Share", a date, a name.
_LABEL_CHARS_MAX: Final = 80
#: Below this share in paragraphs, a page separates its paragraphs in another way.
_PARAGRAPH_SHARE_MIN: Final = 0.2
SENTENCE_ENDS: Final = tuple('.!?…:;؟۔。！？।॥»”")」』')


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
        return not self.is_paragraph[i] and len(line) < _LABEL_CHARS_MAX and not line.endswith(SENTENCE_ENDS)


def _is_long_sentence(line: str) -> bool:
    return len(line) >= _LABEL_CHARS_MAX and line.endswith(SENTENCE_ENDS)


def extract_lines(element: LexborNode) -> TextLines:
    """Return the visible text of ``element``: a line for each block, split at line breaks. Takes linear time."""
    lines = TextLines([], [])
    pieces: list[str] = []
    block_id: int | None = None
    is_data, row_id, cells = False, None, 0
    tag: str | None = None
    for node in element.traverse(include_text=True):
        if not node.is_text_node:
            name = node.tag
            if name == "img":
                pieces.append(" ")
            elif name in _CELLS and _is_in_row(node, row_id):
                pieces += [_CELL_END] if cells else []
                block_id, tag, cells = node.mem_id, name, cells + 1
            elif name not in INLINE and node.is_element_node:
                block_id = None
                if name == "table":
                    is_data = is_data_table(node)
                elif name == "tr":
                    _end_line(pieces, lines, tag)
                    row_id, cells = node.mem_id if is_data else None, 0
            continue
        text = node.text_content
        block = enclosing_block(node)
        if block is None or not text:
            continue
        if block.mem_id != block_id:
            _end_line(pieces, lines, tag)
            block_id, tag = block.mem_id, block.tag
        _add_text(text, pieces, lines, tag)
    _end_line(pieces, lines, tag)
    return lines


def _is_in_row(cell: LexborNode, row_id: int | None) -> bool:
    return row_id is not None and cell.parent is not None and cell.parent.mem_id == row_id


def _add_text(text: str, pieces: list[str], lines: TextLines, tag: str | None) -> None:
    if tag == "pre":
        *ended, text = text.split("\n")
        for piece in ended:
            pieces.append(piece)
            _end_line(pieces, lines, tag)
    pieces.append(text)


def _end_line(pieces: list[str], lines: TextLines, tag: str | None) -> None:
    line = _SPACES.sub(" ", "".join(pieces)).strip(" ")
    if _CELL_END in line:
        line = "\t".join(cell.strip(" ") for cell in line.split(_CELL_END))
    if line:
        lines.lines.append(line)
        lines.is_paragraph.append(tag in _PARAGRAPHS or "\t" in line)
    pieces.clear()


def enclosing_block(node: LexborNode) -> LexborNode | None:
    """The innermost element around ``node`` that is not inline."""
    ancestor = node.parent
    for _ in range(_INLINE_DEPTH_MAX):
        if ancestor is None or ancestor.tag not in INLINE:
            break
        ancestor = ancestor.parent
    return ancestor
