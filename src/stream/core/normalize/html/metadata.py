"""What a page says of its article: meta elements (Open Graph, Dublin Core and others), JSON-LD, microdata, links.

The first source that says something wins; nothing is guessed from the page's text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final
from urllib.parse import urljoin, urlsplit

from stream.core.normalize.html.dom import Tree
from stream.core.normalize.html.json_ld import JsonLdArticle, read_json_ld
from stream.core.normalize.html.metadata_model import Metadata
from stream.core.normalize.html.titles_and_authors import AUTHORS_MAX, authors_in, title_alone

_URL_CHARS_MAX: Final = 4_096
_LINE_CHARS_MAX: Final = 1_000
_SUMMARY_CHARS_MAX: Final = 10_000
_DATE_CHARS_MAX: Final = 100
_TAGS_MAX: Final = 100
_TAG_CHARS_MAX: Final = 100
#: Names of `meta` elements, best first, in lower case.
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
_BETWEEN_TAGS: Final = re.compile(r"[,،;؛、\uff0c\n]")
_MARKED_DATE: Final = "time[datetime][itemprop~=datePublished],time[datetime][pubdate],time.published[datetime]"
_DATE_OF_ARTICLE: Final = "article time[datetime],main time[datetime],header time[datetime]"
_MARKED_AUTHOR: Final = "[itemprop~=author],[rel~=author]"
_MARKED_NAME: Final = "[itemprop~=name]"
_SIGN: Final = re.compile(r"<[^<>]*+>")


def read_metadata(tree: Tree) -> Metadata:
    """The metadata of ``tree``."""
    said = _Said(tree)
    url = _url(said, tree.base)
    article = read_json_ld(tree.json_ld, url)
    site = _line(said.first(_SITE) or article.text("publisher"))
    return Metadata(
        title=_title(tree, said, article, site),
        url=url,
        published_at=_date(said.first(_PUBLISHED), article.text("datePublished", "dateCreated"))
        or _date(_marked_date(tree)),
        modified_at=_date(said.first(_MODIFIED), article.text("dateModified")),
        authors=_authors(tree, said, article),
        site=site,
        language=_language(tree, said, article),
        section=_line(said.first(_SECTION) or article.text("articleSection")),
        tags=_tags(said, article),
        summary=_summary(said, article),
        body=_body(article),
    )


class _Said:
    """The `meta` and `link` elements of a page by name; the first ones of each name first."""

    def __init__(self, tree: Tree) -> None:
        self._values: dict[str, list[str]] = {}
        self.canonical: list[str] = []
        for given in tree.metadata:
            value = given.get("content")
            if value and (value := value.strip()):
                for kind in ("property", "name", "itemprop", "http-equiv"):
                    name = given.get(kind)
                    if name:
                        self._values.setdefault(name.strip().lower(), []).append(value)
            rel, target = given.get("rel"), given.get("href")
            if rel and target and "canonical" in rel.lower().split():
                self.canonical.append(target.strip())

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, names: Iterable[str]) -> str | None:
        return next((values[0] for name in names if (values := self._values.get(name))), None)


def _title(tree: Tree, said: _Said, article: JsonLdArticle, site: str | None) -> str | None:
    stated = said.first(_TITLE) or article.text("headline")
    if stated:
        return _line(title_alone(stated[:_LINE_CHARS_MAX], site))
    heading = tree.body.css_first("h1")
    shown = heading.text()[:_LINE_CHARS_MAX] if heading is not None else ""
    return _line(title_alone(tree.title[:_LINE_CHARS_MAX], site, shown) or shown)


def _url(said: _Said, base: str | None) -> str | None:
    """The canonical link, absolute; not the front page, which some sites name in the template of every article."""
    pages = [url for url in said.all("og:url") if _is_web(url)]
    start = _joined(pages[0] if pages else "", base or "")
    for link in said.canonical:
        url = _joined(start, link)
        if _is_web(url) and not _is_front_page(url):
            return url
    return next((url for url in pages if not _is_front_page(url)), None)


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _is_web(url: str) -> bool:
    return len(url) <= _URL_CHARS_MAX and url[:8].lower().startswith(("http://", "https://"))


def _is_front_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return parts.path in ("", "/") and not parts.query


def _date(*said: str | None) -> str | None:
    return next((date for date in said if date and _is_date(date)), None)


def _is_date(said: str) -> bool:
    # Year 1 is what some programming languages have for "no date".
    return len(said) <= _DATE_CHARS_MAX and any(map(str.isdigit, said)) and not said.startswith(("0000", "0001"))


def _marked_date(tree: Tree) -> str | None:
    for query in (_MARKED_DATE, _DATE_OF_ARTICLE):
        element = tree.body.css_first(query)
        if element is not None:
            return (element.attributes.get("datetime") or "").strip()
    return None


def _authors(tree: Tree, said: _Said, article: JsonLdArticle) -> list[str]:
    sources = (article.texts("author"), *(said.all(name) for name in _AUTHORS), article.texts("creator"))
    named = next((names for source in sources if (names := authors_in(source))), None)
    return named if named is not None else authors_in(_marked_authors(tree))


def _marked_authors(tree: Tree) -> Iterator[str]:
    # They may be nested, and each takes time by what is inside it.
    for element in islice(tree.body.css(_MARKED_AUTHOR), AUTHORS_MAX):
        name = element.css_first(_MARKED_NAME)
        text = (name if name is not None else element).text()
        if len(text) <= _LINE_CHARS_MAX:
            yield text


def _language(tree: Tree, said: _Said, article: JsonLdArticle) -> str | None:
    given = tree.root.attributes
    return _line(
        (given.get("lang") or given.get("xml:lang") or "").strip()
        or said.first(_LANGUAGE)
        or article.text("inLanguage")
    )


def _tags(said: _Said, article: JsonLdArticle) -> list[str]:
    for source in (article.texts("keywords"), *(said.all(name) for name in _TAGS)):
        tags = [" ".join(tag.split()) for text in source for tag in _split_tags(text)]
        kept = list(dict.fromkeys(tag for tag in tags if tag and len(tag) <= _TAG_CHARS_MAX))
        if kept:
            return kept[:_TAGS_MAX]
    return []


def _split_tags(text: str) -> list[str]:
    # Entities written twice would be cut at their semicolon.
    return _BETWEEN_TAGS.split(html.unescape(text[:_SUMMARY_CHARS_MAX]))


def _summary(said: _Said, article: JsonLdArticle) -> str | None:
    summary = said.first(_SUMMARY) or article.text("description")
    return summary[:_SUMMARY_CHARS_MAX].strip() or None if summary else None


def _line(value: str | None) -> str | None:
    return " ".join(value[:_LINE_CHARS_MAX].split()) or None if value else None


def _body(article: JsonLdArticle) -> str | None:
    """The stated text as plain text: some sites leave tags in it, or write them as entities."""
    text = article.text("articleBody")
    if text is None:
        return None
    text = html.unescape(text) if "&lt;" in text else text
    return _SIGN.sub("\n", text) if "<" in text else text
