"""The article inside an HTML page: its main text, and what the page's own metadata say of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of its article; ``text`` has one paragraph a line and may be empty.

    Everything but ``text`` is as the page writes it: dates in its own format, ``language`` as it was declared.
    """

    text: str
    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    modified_at: str | None = None
    authors: list[str] = field(default_factory=list)
    site: str | None = None
    language: str | None = None
    section: str | None = None
    tags: list[str] = field(default_factory=list)
    summary: str | None = None


def read_page(html: str) -> Page:
    """The article in ``html``, a page or a part of one. Nothing is fetched, nothing is raised."""
    # The parser is imported for the first page only, as most events have text.
    from stream.normalize.page.metadata import read_metadata  # noqa: PLC0415 # see above
    from stream.normalize.page.text import main_text, text_without_tree  # noqa: PLC0415 # see above
    from stream.normalize.page.tree import parse  # noqa: PLC0415 # see above

    tree = parse(html)
    if tree is None:
        return Page(text_without_tree(html))
    said = read_metadata(tree)
    return Page(
        text=main_text(tree, said.body),
        title=said.title,
        url=said.url,
        published_at=said.published_at,
        modified_at=said.modified_at,
        authors=said.authors,
        site=said.site,
        language=said.language,
        section=said.section,
        tags=said.tags,
        summary=said.summary,
    )
