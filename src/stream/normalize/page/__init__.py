"""The article inside an HTML page: its main text, and what the page's own metadata say of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from stream.normalize.page.said import Metadata


@dataclass(frozen=True, slots=True)
class Page(Metadata):
    """What a page says of its article; ``text`` has one paragraph a line and may be empty."""

    text: str = ""


def read_page(html: str) -> Page:
    """The article in ``html``, a page or a part of one. Nothing is fetched, nothing is raised."""
    # The parser is imported for the first page only, as most events have text.
    from stream.normalize.page.metadata import read_metadata  # noqa: PLC0415 # see above
    from stream.normalize.page.text import main_text, text_without_tree  # noqa: PLC0415 # see above
    from stream.normalize.page.tree import parse  # noqa: PLC0415 # see above

    tree = parse(html)
    if tree is None:
        return Page(text=text_without_tree(html))
    said = read_metadata(tree)
    return Page(text=main_text(tree, said.body), **{field.name: getattr(said, field.name) for field in fields(said)})
