"""The article inside an HTML page: its main text, and what the page's own metadata state about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from stream.core.normalize.html.metadata import Metadata, read_metadata
from stream.core.normalize.url import canonicalize
from stream.errors import Rejected

#: No article is longer; a longer text would keep the following steps busy for seconds.
TEXT_CHARS_MAX: Final = 1_000_000
TEXT_LINES_MAX: Final = 50_000


@dataclass(frozen=True, slots=True)
class Page(Metadata):
    """The article of a page: its metadata and its ``text``, one paragraph per line, which may be empty.

    ``removed``: how many blocks of the page were left out, by the name of the fix.
    """

    text: str = ""
    removed: Mapping[str, int] = field(default_factory=dict)


def read_page(html: str) -> Page:
    r"""Extract the article from ``html``, which is a page or a fragment of one. Nothing is fetched.

    Takes about a second at most for any page within the limits of `stream.core.validation`: a page that would cost the
    parser too much (see `parse_cost`) is reduced to the text between its tags, and repeated searches are bounded.

    >>> page = read_page('<html lang="en"><title>Garden opens | Gazette</title><p>The garden opened.<p>It is free.')
    >>> page.title, page.language
    ('Garden opens', 'en')
    >>> page.text
    'The garden opened.\nIt is free.'

    Raises:
        Rejected: The text is longer than `TEXT_CHARS_MAX` or has more lines than `TEXT_LINES_MAX`.
    """
    # Most events have text, so the parser is imported with the first page.
    from stream.core.normalize.html.dom import parse  # noqa: PLC0415 # see above
    from stream.core.normalize.html.main_text import extract_main_text, strip_tags  # noqa: PLC0415 # see above

    tree = parse(html)
    if tree is None:
        return Page(text=_check_size(strip_tags(html)))
    metadata = read_metadata(tree)
    titles = [title for title in (metadata.title, tree.title) if title]
    text, removed = extract_main_text(tree, metadata.body, titles, metadata.summary)
    return Page(text=_check_size(text), removed=removed, **asdict(metadata))


def read_page_url(html: str) -> str | None:
    """Return the canonical form of the URL that a page gives as its own; None if it gives none, or a home page.

    >>> read_page_url('<link rel="canonical" href="https://news.example/garden?utm_source=x"><p>The garden opened.')
    'https://news.example/garden'
    """
    from stream.core.normalize.html.dom import parse  # noqa: PLC0415 # see `read_page`

    tree = parse(html)
    page_url = read_metadata(tree).url if tree is not None else None
    url = canonicalize(page_url) if page_url else None
    return url.canonical if url and not url.is_home_page else None


def _check_size(text: str) -> str:
    lines = text.count("\n") + 1
    if len(text) > TEXT_CHARS_MAX or lines > TEXT_LINES_MAX:
        raise Rejected(
            "text_too_large",
            f"the text of the page has {len(text)} characters in {lines} lines; send only the article, at most "
            f"{TEXT_CHARS_MAX} characters in {TEXT_LINES_MAX} lines",
            field="$.html",
        )
    return text
