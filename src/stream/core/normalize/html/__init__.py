"""The article inside an HTML page: its main text, and what the page's own metadata say of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from stream.core.normalize.html.metadata_model import Metadata
from stream.errors import Rejected

#: A longer text would take the steps behind this one seconds; no article is.
TEXT_CHARS_MAX: Final = 1_000_000
TEXT_LINES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Page(Metadata):
    """What a page says of its article; ``text`` has one paragraph a line and may be empty."""

    text: str = ""


def read_page(html: str) -> Page:
    """The article in ``html``, a page or a part of one. Nothing is fetched.

    Takes about a second at most, whatever the page, within the limits of `stream.core.validation`: what would be too much for
    the parser (`effort`) is read as plain text between tags, and what is looked at more than once is bounded.

    Raises:
        Rejected: its text is longer than a text may be.
    """
    # The parser is imported for the first page only, as most events have text.
    from stream.core.normalize.html.dom import parse  # noqa: PLC0415 # see above
    from stream.core.normalize.html.main_text import main_text, text_without_tree  # noqa: PLC0415 # see above
    from stream.core.normalize.html.metadata import read_metadata  # noqa: PLC0415 # see above

    tree = parse(html)
    if tree is None:
        return Page(text=_bounded(text_without_tree(html)))
    said = read_metadata(tree)
    text = _bounded(main_text(tree, said.body))
    return Page(text=text, **{field.name: getattr(said, field.name) for field in fields(said)})


def _bounded(text: str) -> str:
    lines = text.count("\n") + 1
    if len(text) > TEXT_CHARS_MAX or lines > TEXT_LINES_MAX:
        raise Rejected(
            "text_too_large",
            f"the page's text has {len(text)} characters in {lines} lines; at most {TEXT_CHARS_MAX} in "
            f"{TEXT_LINES_MAX}",
            field="$.html",
        )
    return text
