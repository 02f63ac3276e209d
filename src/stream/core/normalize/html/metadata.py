"""What a page states about its article: meta elements (Open Graph, Dublin Core and others), JSON-LD, microdata, links.

The first source with a value wins. Nothing is guessed from the page's text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from stream.core.normalize.html.bylines import find_authors
from stream.core.normalize.html.headings import find_heading
from stream.core.normalize.html.json_ld import JsonLdArticle, read_json_ld
from stream.core.normalize.html.page_dates import add_zone, find_marked_dates, find_other_dates
from stream.core.normalize.html.titles_and_authors import parse_authors, strip_site_name

if TYPE_CHECKING:  # so that importing `Metadata` does not import the HTML parser
    from stream.core.normalize.html.dom import Tree

_URL_CHARS_MAX: Final = 4_096
_LINE_CHARS_MAX: Final = 1_000
_SUMMARY_CHARS_MAX: Final = 10_000
_DATE_CHARS_MAX: Final = 100
_TAGS_MAX: Final = 100
_TAG_CHARS_MAX: Final = 100
#: Names of `meta` elements in lower case, the most reliable first.
_TITLE: Final = ("og:title", "twitter:title", "dc.title", "citation_title", "parsely-title", "sailthru.title")
_SUMMARY: Final = ("og:description", "description", "twitter:description", "dc.description", "sailthru.description")
_SITE: Final = ("og:site_name", "application-name")
_PUBLISHED: Final = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "citation_publication_date",
    "parsely-pub-date",
    "sailthru.date",
    "article.published",
    "publish-date",
    "publish_date",
    "publishdate",
    "published_at",
    "published-date",
    "pubdate",
    "dc.date",
    "dcterms.date",
    "date",
)
_MODIFIED: Final = (
    "article:modified_time",
    "og:article:modified_time",
    "og:updated_time",
    "og:modified_time",
    "datemodified",
    "dcterms.modified",
    "dc.date.modified",
    "article.updated",
    "last-modified",
    "lastmod",
    "revised",
)
_AUTHORS: Final = (
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "parsely-author",
    "byl",
)
_SECTION: Final = ("article:section", "parsely-section", "articlesection", "dc.subject", "section")
_TAGS: Final = ("article:tag", "news_keywords", "parsely-tags", "sailthru.tags", "keywords")
_LANGUAGE: Final = ("content-language", "language", "dc.language", "dcterms.language", "og:locale", "inlanguage")
_TAG_SEPARATOR: Final = re.compile(r"[,،;؛、\uff0c\n]")
_HTML_TAG: Final = re.compile(r"<[^<>]*+>")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page's metadata state about its article, as they state it.

    Dates and the language are in any format, the URL is absolute, and ``body`` is the article's text.
    """

    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    #: What may be the time of publication if ``published_at`` is none.
    other_dates: list[str] = field(default_factory=list)
    modified_at: str | None = None
    authors: list[str] = field(default_factory=list)
    site: str | None = None
    language: str | None = None
    section: str | None = None
    tags: list[str] = field(default_factory=list)
    summary: str | None = None
    body: str | None = None


def read_metadata(tree: Tree) -> Metadata:
    """Read the metadata of a parsed page."""
    meta = _MetaElements(tree)
    url = _canonical_url(meta, tree.base)
    article = read_json_ld(tree.json_ld, url)
    site = _single_line(meta.first(_SITE) or article.text("publisher"))
    stated = [meta.first(_PUBLISHED), article.text("datePublished", "dateCreated")]
    marked = _dates([*stated, *find_marked_dates(tree.body, tree.scripts)])
    others = [] if marked else _dates(find_other_dates(tree.body, url))
    modified = _first_date(meta.first(_MODIFIED), article.text("dateModified"))
    return Metadata(
        title=_title(tree, meta, article, site),
        url=url,
        published_at=next(iter(marked), None),
        other_dates=[*marked[1:], *others],
        modified_at=add_zone(modified, marked) if modified else None,
        authors=_authors(tree, meta, article, site),
        site=site,
        language=_language(tree, meta, article),
        section=_single_line(meta.first(_SECTION) or article.text("articleSection")),
        tags=_tags(meta, article),
        summary=_summary(meta, article),
        body=_article_body(article),
    )


class _MetaElements:
    """The values of a page's `meta` elements by name, in document order, and its canonical links."""

    def __init__(self, tree: Tree) -> None:
        self._values: dict[str, list[str]] = {}
        self.canonical_links: list[str] = []
        for attributes in tree.metadata:
            value = attributes.get("content") or attributes.get("value")
            if value and (value := value.strip()):
                for attribute in ("property", "name", "itemprop", "http-equiv"):
                    name = attributes.get(attribute)
                    if name:
                        self._values.setdefault(name.strip().lower(), []).append(value)
            rel, href = attributes.get("rel"), attributes.get("href")
            if rel and href and "canonical" in rel.lower().split():
                self.canonical_links.append(href.strip())

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, names: Iterable[str]) -> str | None:
        return next((values[0] for name in names if (values := self._values.get(name))), None)


def _title(tree: Tree, meta: _MetaElements, article: JsonLdArticle, site: str | None) -> str | None:
    """Weigh the article's heading, what the metadata state, and the title of the window against each other."""
    stated = _single_line(meta.first(_TITLE) or article.text("headline")) or ""
    window = " ".join(tree.title[:_LINE_CHARS_MAX].split())
    if stated and _is_name_beside_title(stated, window):  # some sites state their name
        site, stated = stated, ""
    heading = find_heading(tree.body, [stated, tree.title], site)
    if heading:
        return heading
    if stated:
        return strip_site_name(stated, site)
    h1 = tree.body.css_first("h1")
    text = h1.text()[:_LINE_CHARS_MAX] if h1 is not None else ""
    if site is None and text and _is_name_beside_title(text, window):
        site = " ".join(text.split())
    heading = None if text.strip() == site else text
    return _single_line(strip_site_name(window, site, heading) or text)


def _is_name_beside_title(name: str, window: str) -> bool:
    """Whether ``window``, the title of the window, begins or ends with ``name``, and is mostly something else."""
    return len(name) < len(window) / 2 and (window.startswith(name) or window.endswith(name))


def _canonical_url(meta: _MetaElements, base: str | None) -> str | None:
    """Return the absolute canonical URL, unless it is the front page, which some sites state on every page."""
    og_urls = [url for url in meta.all("og:url") if _is_web_url(url)]
    page_url = _join_url(og_urls[0] if og_urls else "", base or "")
    for link in meta.canonical_links:
        url = _join_url(page_url, link)
        if _is_web_url(url) and not _is_front_page(url):
            return url
    return next((url for url in og_urls if not _is_front_page(url)), None)


def _join_url(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _is_web_url(url: str) -> bool:
    return len(url) <= _URL_CHARS_MAX and url[:8].lower().startswith(("http://", "https://"))


def _is_front_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.path in ("", "/") and not parts.query


def _first_date(*candidates: str | None) -> str | None:
    return next((date for date in candidates if date and _is_date(date)), None)


def _dates(texts: Iterable[str | None]) -> list[str]:
    """Those of ``texts`` that may be dates, with the time zone that one of them has."""
    dates = list(dict.fromkeys(text for text in texts if text and _is_date(text)))
    return [add_zone(date, dates) for date in dates]


def _is_date(text: str) -> bool:
    # Year 1 is the zero value of dates in some programming languages.
    return len(text) <= _DATE_CHARS_MAX and any(map(str.isdigit, text)) and not text.startswith(("0000", "0001"))


def _authors(tree: Tree, meta: _MetaElements, article: JsonLdArticle, site: str | None) -> list[str]:
    sources = (article.texts("author"), *(meta.all(name) for name in _AUTHORS), article.texts("creator"))
    names = (site, article.text("publisher"))
    publishers = {name.casefold() for name in names if name}
    for source in sources:
        authors = [author for author in parse_authors(source) if author.casefold() not in publishers]
        if authors:
            return authors
    return find_authors(tree.body, site)


def _language(tree: Tree, meta: _MetaElements, article: JsonLdArticle) -> str | None:
    attributes = tree.root.attributes
    return _single_line(
        (attributes.get("lang") or attributes.get("xml:lang") or "").strip()
        or meta.first(_LANGUAGE)
        or article.text("inLanguage")
    )


def _tags(meta: _MetaElements, article: JsonLdArticle) -> list[str]:
    for texts in (article.texts("keywords"), *(meta.all(name) for name in _TAGS)):
        tags = [" ".join(tag.split()) for text in texts for tag in _split_tags(text)]
        unique = list(dict.fromkeys(tag for tag in tags if tag and len(tag) <= _TAG_CHARS_MAX))
        if unique:
            return unique[:_TAGS_MAX]
    return []


def _split_tags(text: str) -> list[str]:
    # Some sites escape entities twice; one that is left would be split at its semicolon.
    return _TAG_SEPARATOR.split(html.unescape(text[:_SUMMARY_CHARS_MAX]))


def _summary(meta: _MetaElements, article: JsonLdArticle) -> str | None:
    summary = meta.first(_SUMMARY) or article.text("description")
    return summary[:_SUMMARY_CHARS_MAX].strip() or None if summary else None


def _single_line(value: str | None) -> str | None:
    return " ".join(value[:_LINE_CHARS_MAX].split()) or None if value else None


def _article_body(article: JsonLdArticle) -> str | None:
    """Return the stated body as plain text: some sites leave tags in it, or escape them as entities."""
    text = article.text("articleBody")
    if text is None:
        return None
    text = html.unescape(text) if "&lt;" in text else text
    return _HTML_TAG.sub("\n", text) if "<" in text else text
