"""Tables that are news, such as results, prices and opening hours, and not layout."""

from __future__ import annotations

from typing import Final

from selectolax.lexbor import LexborNode

_ROWS_MIN: Final = 2
_COLUMNS_MIN: Final = 2
_CELLS_MAX: Final = 2_000
#: Cells of data are short. Layout has paragraphs in its cells.
_CELL_CHARS_MAX: Final = 200
_MEAN_CHARS_MAX: Final = 60
_LINK_SHARE_MAX: Final = 0.5
#: At least this share of the cells has text.
_FILLED_MIN: Final = 0.5
_LAYOUT: Final = "table,form,input,select,button,iframe,h1,h2,h3,p p,ul,ol"


def is_data_table(table: LexborNode) -> bool:
    """Whether ``table`` has rows and columns of short texts rather than parts of a page."""
    cells = table.css("td,th")
    rows = [row for row in table.css("tr") if row.css_first("td,th") is not None]
    if not cells or len(cells) > _CELLS_MAX or len(rows) < _ROWS_MIN or len(cells) < _COLUMNS_MIN * len(rows):
        return False
    if any(node.mem_id != table.mem_id for node in table.css(_LAYOUT)):
        return False
    lengths = [len(cell.text().strip()) for cell in cells]
    filled = [length for length in lengths if length]
    if not filled or max(filled) > _CELL_CHARS_MAX or len(filled) < _FILLED_MIN * len(cells):
        return False
    links = sum(len(link.text().strip()) for link in table.css("a"))
    return sum(filled) <= _MEAN_CHARS_MAX * len(filled) and links <= _LINK_SHARE_MAX * sum(filled)
